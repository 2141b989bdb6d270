import { expect } from 'chai';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { VENDORS } from '../faults/vendors.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';

onEachDatabase('a sync', (open) => {
  for (const vendor of VENDORS)
    describe(`of ${vendor.label}`, function () {
      this.timeout(120_000);
      let hub: TestHub;
      let integration: Integration;
      let files: SandboxFile[];
      const find = (name: string): SandboxFile =>
        files.find((file) => file.name === name) ?? expect.fail(`there is no ${name}`);
      const put = (file: SandboxFile): void => void files.splice(files.indexOf(find(file.name)), 1, file);
      const change = (name: string, to: Partial<SandboxFile>): void =>
        void files.splice(files.indexOf(find(name)), 1, { ...find(name), ...to });
      const remove = (name: string): void => void files.splice(files.indexOf(find(name)), 1);

      beforeEach(async () => {
        hub = await startHub({ database: await open() });
        ({ integration, files } = await followFolder(hub, vendor));
      });
      afterEach(() => hub.close());

      const run = async (): Promise<ImportDetail> =>
        finishedImport(hub, (await hub.context.syncs.start(hub.admin, integration.id)).id);
      /** Title and path of all documents. */
      const paths = async (): Promise<string[]> =>
        ((await hub.context.database.knex('documents').select('path')) as { path: string }[])
          .map(({ path }) => path.slice(path.indexOf('Followed')))
          .sort();

      it('finds nothing to do when nothing changed, with one request', async () => {
        await run();
        const requests = vendor.requests(hub);
        requests.length = 0;
        const detail = await run();
        expect(detail).to.include({ kind: 'sync', status: 'finished' });
        expect(detail.counts).to.include({ total: 0 });
        expect(requests).to.have.length(1);
      });

      it('brings edits, additions, deletions, names and places up to date, and embeds only what is new', async () => {
        await run();
        put(entry('log 1.txt', find('Followed').id, 'The log of number 1 was written anew by the harbour master.'));
        files.push(entry('added.txt', find('Inner').id, 'A file that was added tells of the winter lights.'));
        remove('log 2.txt');
        change('log 3.txt', { name: 'renamed.txt', version: '9001' });
        change('moves out.txt', { parentId: find('Other').id });
        change('moves in.txt', { parentId: find('Inner').id });
        const requests = vendor.requests(hub);
        requests.length = 0;
        const embedded = new Set(await hub.context.database.knex('chunk_embeddings').pluck('text_hash'));
        const detail = await run();
        expect(detail.counts).to.include({ indexed: 3, removed: 2, failed: 0, skipped: 0 });
        const now = await paths();
        expect(now).to.include.members([
          'Followed/renamed.txt',
          'Followed/Inner/added.txt',
          'Followed/Inner/moves in.txt',
        ]);
        expect(now).to.not.include.members([
          'Followed/log 2.txt',
          'Followed/log 3.txt',
          'Followed/Inner/moves out.txt',
        ]);
        expect(now).to.have.length(33);
        const after = (await hub.context.database.knex('chunk_embeddings').pluck('text_hash')) as string[];
        expect(after.filter((hash) => !embedded.has(hash))).to.have.length(3);
        const [hit] = await hub.context.search.search(hub.admin, { query: 'winter lights' });
        expect(hit).to.include({ title: 'added.txt' });
        const [byName] = await hub.context.search.search(hub.admin, { query: 'renamed', mode: 'keyword' });
        expect(byName).to.include({ title: 'renamed.txt' });
        const { documents } = await hub.context.documents.list(hub.admin, { q: 'added.txt' });
        expect(documents[0]).to.include({ category: 'logs' });
        const asked = requests.map(({ method, path }) => `${method} ${path}`);
        // Where contents lie on another host, each has a request that leads there.
        const contents = asked.filter((request) => /download\.aspx/.test(request));
        expect(asked.length - contents.length, asked.join('\n')).to.be.at.most(5);
        expect(contents.length, asked.join('\n')).to.be.at.most(3);
      });

      it('takes along what is in a folder that moves, in either direction', async () => {
        await run();
        // Postgres counts the 🛥 otherwise than JavaScript.
        change('Deep', { name: '🛥 Deep' });
        await run();
        expect(await paths()).to.include('Followed/Inner/🛥 Deep/deep.txt');
        change('🛥 Deep', { parentId: find('Followed').id, name: 'Deeper' });
        await run();
        expect(await paths()).to.include('Followed/Deeper/deep.txt');
        change('Deeper', { parentId: find('Other').id });
        const out = await run();
        expect(out.counts).to.include({ removed: 1 });
        expect(await paths()).to.have.length(32);
        change('Other', { parentId: find('Followed').id });
        const back = await run();
        expect(back.counts).to.include({ indexed: 3 });
        expect(await paths()).to.include.members(['Followed/Other/Deeper/deep.txt', 'Followed/Other/outside.txt']);
      });

      it('asks before it takes away many documents, and does as it is told', async () => {
        await run();
        for (let at = 0; at < 20; at++) remove(`log ${at}.txt`);
        const { id } = await hub.context.syncs.start(hub.admin, integration.id);
        const held = await waitFor('the question', () => hub.context.syncs.held(hub.admin, id));
        expect(held).to.include({ count: 20, of: 33 });
        expect(await paths()).to.have.length(33);
        await hub.context.syncs.answer(hub.admin, id, 'remove');
        expect((await finishedImport(hub, id)).counts).to.include({ removed: 20 });
        expect(await paths()).to.have.length(13);
      });

      it('lists everything anew when the vendor no longer knows the place, and finds what was deleted meanwhile', async () => {
        await run();
        remove('log 4.txt');
        await hub.context.database.knex('change_feeds').update({ cursor: vendor.lostCursor });
        const detail = await run();
        expect(detail.counts).to.include({ removed: 1, unchanged: 32, indexed: 0 });
        expect((await run()).counts).to.include({ total: 0 });
      });
    });
});
