import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { answer, openClient, type Client } from '../api/client.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { connectWorld, type SyncAccount } from '../helpers/sync-account.ts';
import { SYNC_WORLDS } from '../helpers/sync-worlds.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const ITEMS = 80;
const TIMEOUT_MS = 240_000;

for (const world of SYNC_WORLDS)
  describe(`an account of ${world.label} that suddenly has nothing`, function () {
    this.timeout(TIMEOUT_MS);
    let hub: TestHub;
    let account: SyncAccount;
    let client: Client;
    let visitor: Visitor;

    before(async () => {
      hub = await startHub({ env: { LOG_LEVEL: 'info' } });
      world.fill(hub, ITEMS);
      account = await connectWorld(world, hub);
      client = await openClient(hub);
      visitor = await signInAs(hub.url, 'admin@example.com');
      expect((await account.importAll()).counts).to.include({ total: ITEMS, indexed: ITEMS });
    });
    after(() => hub.close());

    const documents = async (): Promise<number> => (await hub.context.documents.facets(hub.admin)).total;
    /** A sync that waits for an answer, as the API and the page show it. `count`: how many documents would go. */
    const heldSync = async (count: number): Promise<{ id: string; page: string }> => {
      const id = await account.startSync();
      const shown = await waitFor('the question', async () => {
        const detail = await answer(await client.call('GET', `/imports/${id}`), 200, schemas.importAnswer);
        return detail.held && detail;
      });
      expect(shown).to.include({ status: 'running', finishedAt: null });
      expect(shown.removals).to.include({ count, of: ITEMS });
      const page = `/admin/imports/${id}`;
      const { html } = await visitor.get(page);
      expect(html).to.include('Keep them').and.to.include('Remove them');
      expect(await documents()).to.equal(ITEMS);
      return { id, page };
    };

    it('loses no document when it may no longer see what is followed, or the listing breaks off', async () => {
      for (const lose of [world.loseAccess, world.breakListing]) {
        await world.listAnew(hub);
        const undo = lose(hub);
        const { counts, held } = await account.sync();
        undo();
        expect(held).to.equal(false);
        expect(counts.removed).to.equal(0);
        expect(counts.failed, 'says what is missing').to.be.at.least(1);
        expect(await documents()).to.equal(ITEMS);
      }
    });

    it('is asked about when the vendor says that all is gone, and keeps it for good when that is the answer', async () => {
      const undo = (world.tellLoss ?? world.loseAll)(hub);
      if (!world.tellLoss) await world.listAnew(hub);
      // Confluence shows what was thrown away last, in pages of 25; the rest is found by the listing of the day.
      const { id } = await heldSync(world.platform === 'confluence' ? 25 : ITEMS);
      const call = await client.call('POST', `/imports/${id}/removals`, { body: { answer: 'keep' } });
      await answer(call, 202, schemas.cancelAnswer);
      expect((await finishedImport(hub, id)).counts).to.include({ removed: 0 });
      expect((await account.sync()).counts).to.include({ removed: 0 });
      expect(await documents()).to.equal(ITEMS);
      undo();
    });

    it('is asked about when a listing is empty, and is emptied when that is the answer', async () => {
      // What was kept is followed again from here on.
      expect((await account.importAll()).counts).to.include({ total: ITEMS, failed: 0 });
      expect(await documents()).to.equal(ITEMS);
      world.loseAll(hub);
      await world.listAnew(hub);
      const { id, page } = await heldSync(ITEMS);
      expect(await visitor.post(`${page}/removals`, { answer: 'remove' })).to.include({ status: 303, location: page });
      expect((await finishedImport(hub, id)).counts).to.include({ removed: ITEMS });
      expect(await documents()).to.equal(0);
      expect(await hub.context.search.search(hub.admin, { query: 'words of the harbour' })).to.deep.equal([]);
    });
  });

describe('a listing that breaks off in a sync', function () {
  this.timeout(TIMEOUT_MS);

  it('is done again by the next one, which finds what was deleted meanwhile', async () => {
    const world = SYNC_WORLDS.find(({ platform }) => platform === 'google_drive') ?? expect.fail('no Google Drive');
    const hub = await startHub({ env: { LOG_LEVEL: 'info' } });
    try {
      world.fill(hub, ITEMS);
      const account = await connectWorld(world, hub);
      await account.importAll();
      await world.listAnew(hub);
      const files = hub.sandbox.google.state.accounts[0]?.spaces[0]?.files ?? expect.fail('no files');
      const isDeleted = (name: string): boolean => ['log 60.md', 'log 61.md'].includes(name);
      files.splice(0, Infinity, ...files.filter(({ name }) => !isDeleted(name)));
      // No list at all: it is asked for again, in vain.
      const undo = world.breakListing(hub, { status: 200, body: {} });
      expect((await account.sync()).counts).to.include({ removed: 0 });
      undo();
      expect((await account.sync()).counts).to.include({ removed: 2, failed: 0 });
      expect((await account.sync()).counts).to.include({ total: 0 });
    } finally {
      await hub.close();
    }
  });
});
