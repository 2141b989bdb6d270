import { expect } from 'chai';
import { createChecksum } from '../../providers/checksums.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import { checkExchanges } from './dropbox-contract.ts';
import { describeWire, recording, type Exchange } from './exchanges.ts';
import { file, folder, startWorld, worldAccounts, type World } from './dropbox-world.ts';
import { bytesOf, failureOf, listAll, named, never, pagesOf, walk } from './reading.ts';
import { BEN } from './world.ts';

const exchanges: Exchange[] = [];

describe('Dropbox: reading', () => {
  let world: World;
  let connection: Connection;
  let home: Item;
  let inHome: Item[];

  before(async () => {
    world = await startWorld(recording(exchanges));
    connection = world.connect();
    const roots = await world.provider.roots(connection);
    home = roots[0] ?? expect.fail('no home');
    inHome = await listAll(world.provider, connection, home.ref);
  });
  after(() => world.close());
  afterEach(() => {
    world.sandbox.state.oddPages = false;
  });

  const refOf = (name: string): string => named(inHome, name).ref;

  describe('listing', () => {
    const pages = (
      ...answers: { entries: unknown[]; cursor: string; has_more: boolean }[]
    ): { connection: Connection; asked: string[] } => {
      const asked: string[] = [];
      return {
        asked,
        connection: {
          ...connection,
          fetch: async (input, init) => {
            asked.push(`${input as string} ${init?.body as string}`);
            return Response.json(answers[asked.length - 1]);
          },
        },
      };
    };
    const entry = (name: string, more: object = {}) => ({
      '.tag': 'file',
      id: `id:${name.replace(/\W/g, '')}`,
      name,
      path_lower: `/a/${name.toLowerCase()}`,
      path_display: `/a/${name}`,
      client_modified: '1999-05-12T15:50:38Z',
      server_modified: '2026-05-12T15:50:38Z',
      rev: 'a1c10ce0dd78',
      size: 7,
      ...more,
    });

    it('goes on after an empty page, and keeps what a page holds beyond the limit', async () => {
      world.sandbox.state.oddPages = true;
      const found = await pagesOf(world.provider, connection, refOf('Many papers'));
      expect(found.map(({ items }) => items.length)).to.deep.equal([201, 0, 29]);
    });

    it('takes a folder whose pages never move on for a fault', async () => {
      const { connection: stuck } = pages(
        { entries: [], cursor: 'c1', has_more: true },
        { entries: [], cursor: 'c1', has_more: true },
      );
      const { next } = await world.provider.list(stuck, 'home');
      expect((await failureOf(world.provider.list(stuck, 'home', next))).kind).to.equal('bad_response');
    });

    it('leaves out what was deleted meanwhile, and keeps the last word on an item', async () => {
      const { connection: changing } = pages({
        entries: [
          entry('old.txt'),
          entry('gone.txt'),
          { '.tag': 'deleted', name: 'gone.txt', path_lower: '/a/gone.txt', path_display: '/a/gone.txt' },
          { '.tag': 'deleted', name: 'never.txt', path_lower: '/a/never.txt', path_display: '/a/never.txt' },
          entry('old.txt', { name: 'OLD.txt', rev: 'b1c10ce0dd78' }),
        ],
        cursor: 'c1',
        has_more: false,
      });
      const { items } = await world.provider.list(changing, 'home');
      expect(items.map(({ name, version }) => [name, version])).to.deep.equal([['OLD.txt', 'b1c10ce0dd78']]);
    });

    it('puts items under the folder that was listed, however their paths are spelled', async () => {
      const { connection: odd, asked } = pages({
        entries: [entry('x.txt', { path_display: '/A/x.txt' }), entry('y.txt', { path_display: '/a/y.txt' })],
        cursor: 'c1',
        has_more: false,
      });
      const { items } = await world.provider.list(odd, 'item:home:folder');
      expect(asked[0]).to.contain('"path":"id:folder"');
      expect(new Set(items.map(({ parentRef }) => parentRef))).to.deep.equal(new Set(['item:home:folder']));
    });

    it('dates a file by Dropbox’s clock, not by that of who uploaded it', async () => {
      const { connection: dated } = pages({ entries: [entry('x.txt')], cursor: 'c1', has_more: false });
      const { items } = await world.provider.list(dated, 'home');
      expect(items[0]?.modifiedAt).to.deep.equal(new Date('2026-05-12T15:50:38Z'));
    });

    it('shows an item that is mounted nowhere without a place', async () => {
      const { connection: unmounted } = pages({
        entries: [entry('x.txt', { path_lower: null, path_display: null })],
        cursor: 'c1',
        has_more: false,
      });
      const { items } = await world.provider.list(unmounted, 'home');
      expect(items[0]).to.include({ name: 'x.txt', webUrl: undefined, importable: true });
    });

    it('finds parents by the path that Dropbox gives, never by one it lowers itself', async () => {
      const items = await listAll(world.provider, connection, refOf('İSTANBUL'));
      expect(items.map(({ name }) => name)).to.have.members(['STRASSE.txt', 'Straße.txt', 'ΟΔΥΣΣΕΥΣ.txt']);
      for (const item of items) expect(await world.provider.get(connection, item.ref)).to.deep.equal(item);
      expect(new Set(items.map(({ parentRef }) => parentRef))).to.deep.equal(new Set([refOf('İSTANBUL')]));
    });

    it('starts over when Dropbox has dropped the cursor, or it is none of this folder’s', async () => {
      const many = refOf('Many papers');
      const { next = '' } = await world.provider.list(connection, many);
      world.plan(/continue/, 409, { error_summary: 'reset/...', error: { '.tag': 'reset' } });
      expect((await failureOf(world.provider.list(connection, many, next))).kind).to.equal('cursor_expired');
      for (const [ref, cursor] of [
        [refOf('Empty'), next],
        [many, 'nonsense'],
        [many, Buffer.from('{"of":1}').toString('base64url')],
        [many, Buffer.from(JSON.stringify({ of: many, cursor: 'made up' })).toString('base64url')],
      ] as const)
        expect((await failureOf(world.provider.list(connection, ref, cursor))).kind, cursor).to.equal('cursor_expired');
    });

    it('makes cursors that fit into a URL', async () => {
      const { next = '' } = await world.provider.list(connection, refOf('Many papers'));
      expect(next).to.match(/^[\w-]{1,2000}$/);
    });

    it('marks a folder that may not be opened and a link without content, each with its reason', async () => {
      const [ann] = worldAccounts();
      ann?.spaces[0]?.files.push(folder('closed', 'Closed', null, { canDownload: false }));
      const closed = await startWorld(undefined, ann ? [ann] : []);
      try {
        const items = await listAll(closed.provider, closed.connect(), 'home');
        expect(named(items, 'Closed')).to.include({ kind: 'folder', importable: false });
        expect(named(items, 'Closed').reason).to.equal('This account may not open the folder.');
        expect(named(items, 'Link to a paper.txt')).to.include({ importable: false });
        expect((await failureOf(listAll(closed.provider, closed.connect(), named(items, 'Closed').ref))).kind).to.equal(
          'gone',
        );
      } finally {
        await closed.close();
      }
    });

    it('gives people the page of the folder, with the file opened in it', () => {
      expect(named(inHome, "Ann's #1 folder & 100% (signs)").webUrl).to.equal(
        "https://www.dropbox.com/home/Ann's%20%231%20folder%20%26%20100%25%20(signs)",
      );
      expect(named(inHome, 'Nothing.txt').webUrl).to.equal('https://www.dropbox.com/home?preview=Nothing.txt');
    });
  });

  describe('searching', () => {
    it('goes through the team’s space and the own Dropbox at once, and says where results lie', async () => {
      const { items } = await world.provider.search!(connection, 'words plan');
      expect(items.map(({ name }) => name)).to.have.members(['Team plan.txt']);
      const [teamPlan] = items;
      expect(await world.provider.get(connection, teamPlan?.ref ?? '')).to.deep.equal(teamPlan);
      expect((await world.provider.get(connection, teamPlan?.parentRef ?? '')).name).to.equal('Plans');
      const own = await world.provider.search!(connection, 'Übersicht');
      expect(own.items).to.deep.equal([named(inHome, 'Übersicht łódź – 日本 🛥.txt')]);
    });

    it('does not list the own Dropbox as a folder of the team', async () => {
      const { items } = await world.provider.search!(connection, 'Ann Oster');
      expect(items).to.deep.equal([]);
    });

    it('gives each result once, though Dropbox repeats some on the next page', async () => {
      const found: string[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await world.provider.search!(connection, 'paper', cursor);
        found.push(...page.items.map(({ ref }) => ref));
        expect(page.next ?? '').to.match(/^[\w-]{0,2000}$/);
        if (page.next === undefined) break;
        cursor = page.next;
      }
      // The papers, the folder they lie in, the link to one of them, and the Paper document.
      expect(found).to.have.length(233);
      expect(new Set(found).size).to.equal(233);
    });

    it('leaves out matches that are no files', async () => {
      const held: Connection = { ...world.connect(BEN) };
      const answer = (path: string): unknown =>
        path.endsWith('search_v2')
          ? { matches: [{ metadata: { '.tag': 'other' }, match_type: { '.tag': 'metadata' } }], has_more: false }
          : undefined;
      const { fetch } = held;
      held.fetch = async (input, init) => {
        const planned = answer(input as string);
        return planned === undefined ? fetch(input, init) : Response.json(planned);
      };
      expect(await world.provider.search!(held, 'words')).to.deep.equal({ items: [], next: undefined });
    });

    it('keeps a cursor to searches', async () => {
      const { next } = await world.provider.list(connection, refOf('Many papers'));
      expect((await failureOf(world.provider.search!(connection, 'paper', next))).kind).to.equal('cursor_expired');
    });
  });

  describe('opening', () => {
    it('gives Dropbox’s own hash with every file, and it is right', async () => {
      const { files } = await walk(world.provider, connection);
      const plain = files.filter(({ importable, sizeBytes }) => importable && sizeBytes !== undefined);
      expect(plain.length).to.be.greaterThan(230);
      for (const { ref, name } of plain.filter((_, at) => at % 20 === 0).concat(named(files, 'Large.bin'))) {
        const opened = await world.provider.open(connection, ref, never());
        const hash = createChecksum('dropbox');
        hash.update(await bytesOf(opened));
        expect(opened.hash, name).to.deep.equal({ algorithm: 'dropbox', hex: hash.digest() });
      }
    });

    it('asks once for an ordinary file', async () => {
      const from = world.mark();
      await bytesOf(await world.provider.open(connection, refOf('Given to Ann.txt'), never()));
      expect(world.pathsSince(from)).to.deep.equal(['/2/files/download']);
    });

    it('reads a name of any letters from a header', async () => {
      const opened = await world.provider.open(connection, refOf('Übersicht łódź – 日本 🛥.txt'), never());
      expect(opened.name).to.equal('Übersicht łódź – 日本 🛥.txt');
      expect(await bytesOf(opened)).to.have.length(opened.sizeBytes ?? -1);
    });

    it('exports Paper as Markdown, sheets and slides as Office files, without the listing’s size and hash', async () => {
      const expected = [
        ['Plan.paper', 'Plan.md', 'text/markdown'],
        ['A sheet.gsheet', 'A sheet.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
        ['Slides.gslides', 'Slides.pptx', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
      ];
      for (const [shown = '', name, mediaType] of expected) {
        const item = named(inHome, shown);
        expect(item).to.include({ mediaType, sizeBytes: undefined, importable: true });
        const opened = await world.provider.open(connection, item.ref, never());
        expect(opened).to.include({ name, mediaType, version: item.version });
        expect(opened).not.to.have.any.keys('sizeBytes', 'hash');
        expect(await bytesOf(opened)).not.to.be.empty;
      }
      const plan = await world.provider.open(connection, refOf('Plan.paper'), never());
      expect((await bytesOf(plan)).toString()).to.equal('# Plan\n\nSail on <Sunday>.');
    });

    it('finds an export format in either of the two places where Dropbox names one', async () => {
      const formats: [object | undefined, string | undefined][] = [
        [{ export_as: 'xlsx' }, 'xlsx'],
        [{ export_as: null, export_options: ['xlsx'] }, 'xlsx'],
        [{ export_as: 'html', export_options: ['html', 'markdown'] }, 'markdown'],
        [{ export_as: 'docx', export_options: ['pdf'] }, 'docx'],
        [{}, undefined],
        [undefined, undefined],
      ];
      for (const [info, format] of formats) {
        const { '.tag': tag, ...meta } = {
          '.tag': 'file',
          id: 'id:x',
          name: 'X.gsheet',
          server_modified: '2026-05-12T15:50:38Z',
          rev: 'a1c10ce0dd78',
          size: 9,
          is_downloadable: false,
          export_info: info,
        };
        const asked: string[] = [];
        const cloud: Connection = {
          ...connection,
          fetch: async (input, init) => {
            const route = (input as string).replace(/.*\/2\/files\//, '');
            if (route === 'download')
              return Response.json(
                { error_summary: 'unsupported_file/', error: { '.tag': 'unsupported_file' } },
                { status: 409 },
              );
            if (route === 'get_metadata') return Response.json({ '.tag': tag, ...meta });
            asked.push(new Headers(init?.headers).get('dropbox-api-arg') ?? '');
            const result = { export_metadata: { name: 'X', size: 1 }, file_metadata: meta };
            return new Response('x', { headers: { 'dropbox-api-result': JSON.stringify(result) } });
          },
        };
        if (format === undefined) {
          const error = await failureOf(world.provider.open(cloud, 'item:home:x', never()));
          expect(error.kind).to.equal('not_downloadable');
          expect(asked).to.deep.equal([]);
        } else {
          await bytesOf(await world.provider.open(cloud, 'item:home:x', never()));
          expect(asked).to.deep.equal([JSON.stringify({ path: 'id:x', export_format: format })]);
        }
      }
    });

    it('says when a document is not ready to be exported yet', async () => {
      world.plan(/files\/export/, 409, { error_summary: 'retry_error/', error: { '.tag': 'retry_error' } });
      const error = await failureOf(world.provider.open(connection, refOf('Plan.paper'), never()));
      expect(error.kind).to.equal('transient');
    });

    it('fails when the line breaks before the last byte', async () => {
      world.sandbox.state.truncateNext();
      const opened = await world.provider.open(connection, refOf('Large.bin'), never());
      expect((await failureOf(bytesOf(opened))).kind).to.equal('transient');
    });

    it('stops in the middle when the caller gives up', async () => {
      const stop = new AbortController();
      const opened = await world.provider.open(connection, refOf('Large.bin'), { signal: stop.signal });
      const reason = new Error('enough');
      const reading = bytesOf(opened).catch((error: unknown) => error);
      stop.abort(reason);
      expect(await reading).to.equal(reason);
    });

    it('never calls restricted content importable twice: it is final, and other files go on', async () => {
      const [ann] = worldAccounts();
      ann?.spaces[0]?.files.push(file('blocked', 'Blocked.pdf', null, { canDownload: false }));
      const blocked = await startWorld(undefined, ann ? [ann] : []);
      try {
        const items = await listAll(blocked.provider, blocked.connect(), 'home');
        const error = await failureOf(
          blocked.provider.open(blocked.connect(), named(items, 'Blocked.pdf').ref, never()),
        );
        expect(error).to.include({ kind: 'not_downloadable', status: 409 });
        expect(error.message).to.equal('Dropbox has blocked the content of this file.');
        const other = await blocked.provider.open(blocked.connect(), named(items, 'Given to Ann.txt').ref, never());
        expect((await bytesOf(other)).toString()).to.equal('Words of Given to Ann.txt.');
      } finally {
        await blocked.close();
      }
    });
  });
});

describeWire('Dropbox: reading', exchanges, checkExchanges, {
  requests: 90,
  operations: [
    'files/download',
    'files/export',
    'files/get_metadata',
    'files/list_folder',
    'files/list_folder/continue',
    'files/search/continue_v2',
    'files/search_v2',
    'users/get_current_account',
  ],
});
