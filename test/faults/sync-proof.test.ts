import { expect } from 'chai';
import type { Platform } from '../../providers/provider.ts';
import { ownerTerm } from '../../server/index/terms.ts';
import type { ImportCounts, ImportDetail } from '../../server/services/import-service.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { liftPaces } from '../helpers/paces.ts';
import { connectWorld, type SyncAccount } from '../helpers/sync-account.ts';
import { IN_YARD, SYNC_WORLDS } from '../helpers/sync-worlds.ts';

/** Many minutes of work: PROOFS=all asks for it. */
const worlds = process.env.PROOFS === 'all' ? SYNC_WORLDS : [];

const ITEMS = 1000;
const EDITED = 10;
const TIMEOUT_MS = 900_000;

/** How many requests there are of each kind. */
type Requests = Record<string, number>;
type Bounds = {
  /** Of the first import, beside the contents: the folders, by the most that the vendor gives on a page, and what a site is asked once. */
  lists: number;
  /** Of the sync with one change of each kind. */
  sync: Requests;
  counts: Partial<ImportCounts>;
  /** Chunks that are embedded in it: those of what was edited, added or moved in. A new name alone embeds nothing. */
  embedded: number;
  /** Of the sync after a folder was moved: nothing is read. */
  move: Requests;
};

// One page of the feed, and one request for each content that may be new: the edited, added, renamed file and the one that was moved in; the renamed one is as it was.
const FILES = { counts: { total: 6, indexed: 3, unchanged: 1, removed: 2 }, embedded: 3, move: { feed: 1 } };
const BOUNDS: Record<Platform, Bounds> = {
  // 13 folders, of which three are empty and are looked at once more. Documents of four chunks; of the edited one a single chunk is new.
  google_drive: { ...FILES, lists: 16, sync: { feed: 1, content: 4 }, embedded: 9 },
  // 200 items a page, of which one folder has three. Each content is a redirect to another host.
  microsoft: { ...FILES, lists: 15, sync: { feed: 1, content: 4, 'content (redirected)': 4 } },
  // A moved folder is told as a new one and is listed, but its files have the versions that are stored.
  dropbox: { ...FILES, lists: 16, sync: { feed: 1, content: 4 }, move: { feed: 1, listing: 3 } },
  // Pages come many at a time: with their bodies, their labels, and what they lie in. The bin is looked into where anything happened.
  confluence: {
    lists: 15,
    sync: { feed: 1, 'pages, together': 1, 'what holds them, together': 1, 'labels, together': 1, bin: 1 },
    counts: { total: 6, indexed: 3, unchanged: 1, removed: 2 },
    embedded: 3,
    move: { feed: 1, 'pages, together': 1, 'what holds them, together': 1, bin: 1 },
  },
  // Issues come whole with the search; an attachment that came along is fetched, by way of another host. A deletion is not told.
  jira: {
    lists: 12,
    sync: { search: 1, content: 1, 'content (redirected)': 1 },
    counts: { total: 8, indexed: 5, unchanged: 1, removed: 2 },
    embedded: 10,
    move: {},
  },
};

/** All that an index says of its documents, with the words that each passage is found by, and which vectors it has. */
async function indexOf({ hub }: SyncAccount): Promise<{ documents: string[]; vectors: string[] }> {
  const { knex } = hub.context.database;
  // A document with a new name keeps its vectors, whose names are hashes that its old name is part of.
  const { rows } = (await knex.raw(
    `select path, title, category, md5(d.text) as text, chunk_count,
       (select json_agg(json_build_array(ordinal, heading_path, md5(c.text), term_count, md5(ts_delete(c.terms, ?)::text),
          exists (select from chunk_embeddings e where e.text_hash = c.text_hash)) order by ordinal)
        from chunks c where c.document_id = d.id) as chunks
     from documents d`,
    [ownerTerm(hub.admin.id)],
  )) as { rows: unknown[] };
  const vectors = (await knex('chunk_embeddings').pluck('text_hash')) as string[];
  return { documents: rows.map((row) => JSON.stringify(row)).sort(), vectors };
}

function expectWithin(requests: Requests, bounds: Requests): void {
  for (const [kind, count] of Object.entries(requests)) expect(count, kind).to.be.at.most(bounds[kind] ?? 0);
}

const total = (requests: Requests): number => Object.values(requests).reduce((sum, count) => sum + count, 0);

for (const world of worlds)
  describe(`a sync of ${ITEMS} items of ${world.label}`, function () {
    this.timeout(TIMEOUT_MS);
    const bounds = BOUNDS[world.platform];
    const hubs: TestHub[] = [];
    let account: SyncAccount;
    /** Where all that happens in the tests below had happened before anything was imported. */
    let fresh: SyncAccount;
    let first: { detail: ImportDetail; requests: Requests };
    let restorePaces: () => void;

    const open = async (prepare: (hub: TestHub) => void): Promise<SyncAccount> => {
      const hub = await startHub({ env: { LOG_LEVEL: 'warn' } });
      hubs.push(hub);
      world.fill(hub, ITEMS);
      prepare(hub);
      return connectWorld(world, hub);
    };
    /** What some work asks the vendor for. */
    const asking = async <T>(work: () => Promise<T>): Promise<{ requests: Requests; result: T }> => {
      const seen = world.requests(account.hub);
      seen.length = 0;
      const result = await work();
      const requests: Requests = {};
      for (const kind of seen.map(world.kindOf)) requests[kind] = (requests[kind] ?? 0) + 1;
      return { requests, result };
    };
    const vectors = async (): Promise<Set<string>> => new Set((await indexOf(account)).vectors);
    const sync = async (what: string): Promise<{ counts: ImportCounts; requests: Requests; embedded: number }> => {
      const before = await vectors();
      const { requests, result } = await asking(() => account.sync());
      const after = await vectors();
      const embedded = [...after].filter((hash) => !before.has(hash)).length;
      const { counts } = result;
      const asked = Object.entries(requests).map(([kind, count]) => `${kind} ${count}`);
      const written = `${counts.indexed} of ${ITEMS} items written anew, ${embedded} of ${after.size} chunks embedded`;
      console.log(`      ${what}: ${asked.join(', ')}; ${written}`);
      expect(counts).to.include({ failed: 0, skipped: 0 });
      return { counts, requests, embedded };
    };

    before(async () => {
      account = await open(() => {});
      fresh = await open((hub) => {
        world.change(hub);
        world.moveYard?.(hub);
        world.edit(hub, EDITED);
      });
      restorePaces = liftPaces(account.hub);
      const both = Promise.all([asking(() => account.importAll()), fresh.importAll()]);
      const [{ requests, result: detail }] = await both;
      first = { detail, requests };
    });
    after(async () => {
      restorePaces();
      await Promise.all(hubs.map((hub) => hub.close()));
    });

    it('begins with an import that asks for each content once, and a few times for the lists', () => {
      const { content = 0, 'content (redirected)': redirected = 0, ...lists } = first.requests;
      console.log(`      first import: content ${content}, all else ${total(lists)}`);
      expect(first.detail.counts).to.include({ total: ITEMS, indexed: ITEMS });
      expect(content).to.be.at.most(ITEMS);
      expect(redirected).to.be.at.most(content);
      expect(total(lists), JSON.stringify(lists)).to.be.at.most(bounds.lists);
    });

    it('asks for one page of changes when nothing changed', async () => {
      const { counts, requests } = await sync('nothing changed');
      expect(counts).to.include({ total: 0 });
      expect(total(requests), JSON.stringify(requests)).to.equal(1);
    });

    it('reads and embeds again only what one change of each kind made new', async () => {
      world.change(account.hub);
      const { counts, requests, embedded } = await sync('one change of each kind');
      expectWithin(requests, bounds.sync);
      expect(counts).to.include(bounds.counts);
      expect(embedded).to.equal(bounds.embedded);
    });

    const { moveYard } = world;
    if (moveYard)
      it(`gives ${IN_YARD} documents in a folder that moved their new paths, and reads none of them`, async () => {
        const place = moveYard(account.hub);
        const { requests, counts } = await sync('a folder moved');
        expectWithin(requests, bounds.move);
        expect(counts).to.include({ removed: 0 });
        const paths = (await account.hub.context.database.knex('documents').pluck('path')) as string[];
        expect(paths.filter((path) => path.startsWith(place))).to.have.length.of.at.least(IN_YARD);
      });

    it(`embeds at most 1.2 % of the chunks again when ${EDITED} documents were edited`, async () => {
      world.edit(account.hub, EDITED);
      const { counts, embedded } = await sync(`${EDITED} edited`);
      expect(counts).to.include({ total: EDITED, indexed: EDITED });
      expect(embedded / (await vectors()).size).to.be.at.most(0.012);
    });

    if (!world.tellsDeletions)
      it('finds what was deleted in the one listing of the day, since no vendor’s search tells of it', async () => {
        await world.listAnew(account.hub);
        const { counts, requests, embedded } = await sync('the listing of the day');
        expect(counts).to.include({ total: ITEMS + 1, removed: 1, indexed: 0 });
        expect(total(requests), JSON.stringify(requests)).to.be.at.most(bounds.lists);
        expect(embedded).to.equal(0);
      });

    it('leaves the index that a new import of everything makes: nothing stale, nothing missing', async () => {
      const [kept, made] = [await indexOf(account), await indexOf(fresh)];
      const [old, anew] = [new Set(kept.documents), new Set(made.documents)];
      expect(
        kept.documents.filter((document) => !anew.has(document)),
        'stale',
      ).to.deep.equal([]);
      expect(
        made.documents.filter((document) => !old.has(document)),
        'missing',
      ).to.deep.equal([]);
      expect(kept.documents).to.deep.equal(made.documents);
      expect(kept.vectors).to.have.length(made.vectors.length);
    });
  });
