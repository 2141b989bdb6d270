import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Estimate } from '../../server/services/estimate-service.ts';
import type { ImportFilters } from '../../server/services/import-filters.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { ownSpace, VENDORS } from '../faults/vendors.ts';
import { connectAccountOf, connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';

const FILES: Record<string, string | Buffer> = {
  'rules.md': '# Harbour rules\n\nThe harbour office opens at six and closes at nine in the evening.',
  'empty.txt': '',
  'Berths/berths.csv': 'berth,length in metres\nNorth quay,84\nSouth quay,61\n',
  'Berths/page.html': '<h1>Berths</h1><p>There are two quays in this harbour.</p>',
  'Berths/large.txt': 'The large log tells of every tide. '.repeat(100),
  'Berths/picture.png': Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
  'Berths/Winter/storm.txt': 'In a storm the ferry Curlew moors at the south quay with doubled lines.',
  'Berths/Winter/draft storm.txt': 'A draft of what the ferry does in a storm.',
  'Berths/Winter/old.txt': 'What the ferry did in a storm of long ago.',
};
const FILTERS: ImportFilters = {
  types: ['text', 'spreadsheets'],
  maxBytes: 2000,
  namePattern: '!draft*',
  modifiedAfter: '2024-01-01',
};
/** Why each of the files is left out of an import with these filters. */
const LEFT_OUT: Record<string, string> = {
  'page.html': 'Left out by the filter: not of the type Excel and CSV or Text and Markdown.',
  'picture.png': 'Left out by the filter: not of the type Excel and CSV or Text and Markdown.',
  'large.txt': 'Left out by the filter: larger than 2 kB.',
  'draft storm.txt': 'Left out by the filter: its name matches !draft*.',
  'old.txt': 'Left out by the filter: last changed before 1 Jan 2024.',
};

/** Every row of the ledger that an earlier look at the vendors counted must be there, under the same heading. */
function expectAsForetold(estimate: Estimate, detail: ImportDetail): void {
  const filtered = detail.items.filter(({ reasonCode }) => reasonCode === 'filtered').length;
  const refused = estimate.unsupported.reduce((sum, { count }) => sum + count, 0);
  expect(estimate.complete).to.equal(true);
  expect({
    files: estimate.files,
    importable: estimate.importable,
    unchanged: estimate.unchanged,
    filtered: estimate.filtered,
    refused,
  }).to.deep.equal({
    files: detail.counts.total,
    importable: detail.counts.indexed,
    unchanged: detail.counts.unchanged,
    filtered,
    refused: detail.counts.skipped - filtered,
  });
}

onOneDatabase('an import with filters over two services at once', (open) => {
  let hub: TestHub;
  let folder: string;
  let items: { integrationId: string; ref: string }[];
  let google: Integration;
  before(async function () {
    this.timeout(120_000);
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    for (const [name, text] of Object.entries(FILES)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    await utimes(path.join(folder, 'Berths/Winter/old.txt'), new Date('2020-01-01'), new Date('2020-01-01'));
    hub = await startHub({ database: await open(), filesDir: folder });
    google = await connectGoogle(hub, hub.admin);
    const dropbox = await connectAccountOf(hub, hub.admin, 'dropbox');
    items = await Promise.all(
      [google, dropbox].map(async (account) => ({
        integrationId: account.id,
        ref: (await ownSpace(hub, account)).ref,
      })),
    );
  });
  after(async () => {
    await hub.close();
    await rm(folder, { recursive: true });
  });

  const run = async (selected: typeof items, filters?: ImportFilters): Promise<ImportDetail> =>
    finishedImport(hub, (await hub.context.imports.create(hub.admin, { items: selected, filters })).id, 60_000);
  const refOf = async (place: string, name: string): Promise<string> => {
    const listed = await hub.context.browse.list(hub.admin, google.id, { ref: place });
    return listed.items.find((item) => item.name === name)?.ref ?? expect.fail(`there is no ${name}`);
  };

  it('accounts for every file, and brings what an estimate foretold', async () => {
    const estimate = await hub.context.estimates.estimate(hub.admin, { items, filters: FILTERS });
    expect(estimate).to.include({ files: 18, importable: 6, filtered: 10, unchanged: 0 });
    expect(estimate.unsupported).to.deep.equal([{ reason: 'The file is empty.', count: 2 }]);
    expect(estimate.accounts.map(({ files }) => files)).to.deep.equal([9, 9]);
    const bytes = Object.values(FILES).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    expect(estimate.bytes).to.equal(2 * bytes);
    const detail = await run(items, FILTERS);
    expect(detail.counts).to.include({ total: 18, indexed: 6, skipped: 12, failed: 0 });
    expect(detail.filters).to.deep.equal({ ...FILTERS, types: ['spreadsheets', 'text'] });
    for (const item of detail.items) {
      const reason = LEFT_OUT[item.name];
      if (reason) expect(item).to.include({ state: 'skipped', reasonCode: 'filtered', reason });
      else expect(item.reasonCode).not.to.equal('filtered');
    }
    expectAsForetold(estimate, detail);
  }).timeout(90_000);

  it('never leaves out what was ticked by itself', async () => {
    const berths = await refOf(items[0]?.ref ?? '', 'Berths');
    const picked = { integrationId: google.id, ref: await refOf(berths, 'large.txt') };
    const input = { items: [{ integrationId: google.id, ref: berths }, picked], filters: FILTERS };
    const estimate = await hub.context.estimates.estimate(hub.admin, input);
    const detail = await run(input.items, FILTERS);
    expect(detail.items.find(({ name }) => name === 'large.txt')).to.include({ state: 'indexed' });
    expect(detail.counts).to.include({ total: 7, indexed: 1, unchanged: 2, skipped: 4 });
    expectAsForetold(estimate, detail);
  }).timeout(60_000);

  it('foretells what cannot be read, what is unchanged, and nothing that an earlier filter left out', async () => {
    const estimate = await hub.context.estimates.estimate(hub.admin, { items });
    expect(estimate.filtered).to.equal(0);
    expect(estimate.unsupported.map(({ count }) => count)).to.deep.equal([2, 2]);
    expect(estimate.unsupported.map(({ reason }) => reason).join()).to.contain('an image');
    expectAsForetold(estimate, await run(items));
  }).timeout(90_000);

  it('says that the document of an earlier import stays where a filter leaves its file out now', async () => {
    const before = (await hub.context.documents.facets(hub.admin)).total;
    const detail = await run(items, { namePattern: 'rules*' });
    expect(detail.counts).to.include({ unchanged: 2, skipped: 16 });
    expect(detail.items.find(({ name }) => name === 'storm.txt')?.reason).to.equal(
      'Left out by the filter: its name does not match rules*. Its document from an earlier import stays as it is.',
    );
    expect(detail.items.find(({ name }) => name === 'picture.png')?.reason).to.equal(
      'Left out by the filter: its name does not match rules*.',
    );
    expect((await hub.context.documents.facets(hub.admin)).total).to.equal(before);
  }).timeout(60_000);
});

onOneDatabase('a sync of what was selected with filters', (open) => {
  for (const vendor of VENDORS.filter(({ platform }) => platform !== 'microsoft'))
    it(`leaves out the same at ${vendor.label}`, async () => {
      const hub = await startHub({ database: await open() });
      try {
        const { integration, files } = await followFolder(hub, vendor);
        const find = (name: string): SandboxFile =>
          files.find((file) => file.name === name) ?? expect.fail(`there is no ${name}`);
        const put = (file: SandboxFile): void => void files.splice(files.indexOf(find(file.name)), 1, file);
        const listed = async (ref: string, name: string) => {
          const { items } = await hub.context.browse.list(hub.admin, integration.id, { ref });
          return items.find((item) => item.name === name) ?? expect.fail(`${name} is not listed`);
        };
        const sync = async () =>
          finishedImport(hub, (await hub.context.syncs.start(hub.admin, integration.id)).id, 60_000);
        const byName = (detail: ImportDetail) => Object.fromEntries(detail.items.map((item) => [item.name, item]));

        const followed = await listed((await ownSpace(hub, integration)).ref, 'Followed');
        const { id } = await hub.context.imports.create(hub.admin, {
          items: [
            {
              integrationId: integration.id,
              ref: followed.ref,
              known: { name: 'Followed', kind: 'folder', path: 'Followed' },
            },
          ],
          filters: { types: ['text'], maxBytes: 200 },
        });
        expect((await finishedImport(hub, id, 60_000)).counts).to.include({ total: 33, unchanged: 33 });
        const [selection] = await hub.context.syncs.selections(hub.admin, integration.id);
        expect(selection?.filters).to.deep.equal({ types: ['text'], maxBytes: 200 });
        await sync();

        const fresh = entry('Fresh', find('Followed').id);
        files.push(
          entry('added.txt', find('Followed').id, 'A file that was added tells of the winter lights.'),
          entry('added.csv', find('Followed').id, 'berth,length\nNorth quay,84\n'),
          fresh,
          entry('fresh.txt', fresh.id, 'A file in a folder that came in tells of fog.'),
          entry('fresh.csv', fresh.id, 'berth,length\nSouth quay,61\n'),
        );
        put(entry('log 1.txt', find('Followed').id, 'The log of number 1 has grown. '.repeat(20)));
        put(entry('log 2.txt', find('Followed').id, 'The log of number 2 was written anew.'));
        files.splice(files.indexOf(find('log 3.txt')), 1);
        const detail = await sync();
        const rows = byName(detail);
        const type = 'Left out by the filter: not of the type Text and Markdown.';
        for (const name of ['added.csv', 'fresh.csv'])
          expect(rows[name]).to.include({ state: 'skipped', reasonCode: 'filtered', reason: type });
        for (const name of ['added.txt', 'fresh.txt', 'log 2.txt']) expect(rows[name]?.state, name).to.equal('indexed');
        expect(rows['log 1.txt']).to.include({
          state: 'skipped',
          reason: 'Left out by the filter: larger than 200 bytes. Its document from an earlier import stays as it is.',
        });
        expect(rows['log 3.txt']).to.include({ state: 'removed' });
        expect(detail.counts).to.include({ indexed: 3, skipped: 3, removed: 1, total: 7 });
        const { documents } = await hub.context.documents.list(hub.admin, { q: 'log 1.txt' });
        expect(documents[0]?.sizeBytes).to.be.lessThan(200);

        // Ticked by itself, a file is looked after whatever the folder's filters say: told by a feed, and listed anew.
        const picked = await listed(followed.ref, 'added.csv');
        const alone = await hub.context.imports.create(hub.admin, {
          items: [{ integrationId: integration.id, ref: picked.ref }],
        });
        expect((await finishedImport(hub, alone.id)).counts).to.include({ indexed: 1 });
        put(entry('added.csv', find('Followed').id, 'berth,length\nEast quay,30\n'));
        // The stand-in of Dropbox looks at its files anew when one comes or goes.
        files.push(entry('one more.txt', find('Followed').id, 'One more file tells of the buoys.'));
        expect(byName(await sync())['added.csv']).to.include({ state: 'indexed' });
        await hub.context.database.knex('change_feeds').update({ cursor: vendor.lostCursor });
        const anew = await sync();
        expect(byName(anew)['added.csv']).to.include({ state: 'unchanged' });
        expect(anew.counts).to.include({ indexed: 0, removed: 0, failed: 0 });
        expect(byName(anew)['fresh.csv']).to.include({ reasonCode: 'filtered' });
        expect(byName(anew)['log 1.txt']).to.include({ reasonCode: 'filtered' });
      } finally {
        await hub.close();
      }
    }).timeout(180_000);
});
