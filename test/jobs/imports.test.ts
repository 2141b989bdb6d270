import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';

const FILES: Record<string, string | Buffer> = {
  'Harbour rules.md': '# Harbour rules\n\nThe harbour office opens at six and closes at nine in the evening.',
  'Berths/berths.csv': 'berth,length in metres\nNorth quay,84\nSouth quay,61\n',
  'Berths/Winter/storm.txt': 'In a storm the ferry Curlew moors at the south quay with doubled lines.',
  'Berths/Winter/empty.txt': '',
  'Berths/picture.png': Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
};

onEachDatabase('an import', (open) => {
  let hub: TestHub;
  let folder: string;
  let integration: Integration;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    for (const [name, text] of Object.entries(FILES)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    hub = await startHub({ database: await open(), filesDir: folder, env: { MAX_FILE_BYTES: '1000' } });
    integration = await connectGoogle(hub, hub.admin);
  });
  afterEach(async () => {
    await hub.close();
    await rm(folder, { recursive: true });
  });

  async function myDrive(): Promise<string> {
    const { items } = await hub.context.browse.list(hub.admin, integration.id, {});
    return items.find(({ name }) => name === 'My Drive')?.ref ?? '';
  }

  async function run(refs: string[], recursive = true): Promise<ImportDetail> {
    const { id } = await hub.context.imports.create(hub.admin, {
      items: refs.map((ref) => ({ integrationId: integration.id, ref })),
      category: 'harbour',
      recursive,
    });
    return finishedImport(hub, id);
  }

  const byPath = (detail: ImportDetail) => Object.fromEntries(detail.items.map((item) => [item.path, item]));

  it('lists folders to the bottom and gives every file a state and a reason', async () => {
    const detail = await run([await myDrive()]);
    expect(detail.counts).to.include({ total: 5, indexed: 3, skipped: 2, failed: 0, waiting: 0, running: 0 });
    const items = byPath(detail);
    expect(Object.keys(items).sort()).to.deep.equal(
      Object.keys(FILES)
        .map((name) => `My Drive/${name}`)
        .sort(),
    );
    expect(items['My Drive/Berths/Winter/empty.txt']).to.include({ state: 'skipped', reasonCode: 'no_text' });
    expect(items['My Drive/Berths/picture.png']).to.include({ state: 'skipped', reasonCode: 'unsupported' });
    const { documents } = await hub.context.documents.list(hub.admin);
    expect((await hub.context.documents.facets(hub.admin)).total).to.equal(3);
    expect(documents.map(({ category }) => category)).to.deep.equal(['harbour', 'harbour', 'harbour']);
    const [hit] = await hub.context.search.search(hub.admin, { query: 'where does the Curlew moor in a storm?' });
    expect(hit).to.include({ title: 'storm.txt', path: 'My Drive/Berths/Winter/storm.txt' });
  });

  it('brings only the folder’s own files when it is not recursive', async () => {
    const detail = await run([await myDrive()], false);
    expect(detail.items.map(({ name }) => name)).to.deep.equal(['Harbour rules.md']);
  });

  it('counts a file once that was selected by itself and with its folder', async () => {
    const { items } = await hub.context.browse.list(hub.admin, integration.id, { ref: await myDrive() });
    const rules = items.find(({ name }) => name === 'Harbour rules.md');
    const detail = await run([rules?.ref ?? '', await myDrive()]);
    expect(detail.counts.total).to.equal(5);
  });

  it('finds everything unchanged the second time, and keeps the category', async () => {
    const ref = await myDrive();
    await run([ref]);
    expect((await run([ref])).counts).to.include({ unchanged: 3, indexed: 0, skipped: 2 });
    const before = await hub.context.documents.list(hub.admin, { q: 'berths' });
    expect(before.documents[0]?.category).to.equal('harbour');
  });

  it('says that an item does not exist, and the rest goes on', async () => {
    const { items } = await hub.context.browse.list(hub.admin, integration.id, { ref: await myDrive() });
    const rules = items.find(({ name }) => name === 'Harbour rules.md');
    const detail = await run([rules?.ref ?? '', 'no-such-item']);
    expect(detail.counts).to.include({ total: 2, indexed: 1, failed: 1 });
    const failed = detail.items.find(({ state }) => state === 'failed');
    expect(failed?.reasonCode).to.equal('gone');
    expect(failed?.reason).to.match(/\w+ .*\./);
  });

  it('skips a file over the cap and names the cap', async () => {
    await writeFile(path.join(folder, 'large.txt'), 'x'.repeat(2000));
    await hub.close();
    hub = await startHub({ filesDir: folder, env: { MAX_FILE_BYTES: '1000' } });
    integration = await connectGoogle(hub, hub.admin);
    const detail = await run([await myDrive()], false);
    const large = detail.items.find(({ name }) => name === 'large.txt');
    expect(large).to.include({ state: 'skipped', reasonCode: 'too_large' });
    expect(large?.reason).to.contain('1,000');
  });

  it('rides out a vendor that fails for a moment', async () => {
    const ref = await myDrive();
    hub.sandbox.google.state.failNext((asked) => asked.startsWith('/drive/v3/files'), { status: 500, body: {} }, 2);
    const detail = await run([ref]);
    expect(detail.counts).to.include({ indexed: 3, failed: 0 });
  }).timeout(60_000);

  it('cancels: what waits is skipped with that reason, and the import ends', async () => {
    const { id } = await hub.context.imports.create(hub.admin, {
      items: [{ integrationId: integration.id, ref: await myDrive() }],
    });
    await hub.context.imports.cancel(hub.admin, id);
    const detail = await hub.context.imports.get(hub.admin, id);
    expect(detail.status).to.equal('cancelled');
    expect(detail.finishedAt).to.be.instanceOf(Date);
    expect(detail.counts.waiting + detail.counts.running).to.equal(0);
  });

  it('tries failed items again when asked', async () => {
    const detail = await run(['no-such-item']);
    expect(await hub.context.imports.retry(hub.admin, detail.id)).to.equal(1);
    const again = await finishedImport(hub, detail.id);
    expect(again.counts).to.include({ failed: 1, total: 1 });
  });

  it('refuses a selection that is empty, too large or of somebody else, and writes nothing', async () => {
    const { imports } = hub.context;
    const item = { integrationId: integration.id, ref: 'x' };
    const refused = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => undefined,
        (e: unknown) => e as { code?: string },
      );
      return error?.code;
    };
    expect(await refused(imports.create(hub.admin, { items: [] }))).to.equal('invalid_input');
    expect(await refused(imports.create(hub.admin, { items: Array.from({ length: 501 }, () => item) }))).to.equal(
      'invalid_input',
    );
    expect(await refused(imports.create(hub.admin, { items: [item], category: 'c'.repeat(101) }))).to.equal(
      'invalid_input',
    );
    expect(await refused(imports.create(hub.member, { items: [item] }))).to.equal('not_found');
    expect((await imports.list(hub.admin)).imports).to.deep.equal([]);
  });

  it('deletes documents and their embeddings with the disconnect, or keeps them', async () => {
    await run([await myDrive()]);
    const { knex } = hub.context.database;
    await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'keep' });
    expect((await hub.context.documents.facets(hub.admin)).total).to.equal(3);
    const again = await connectGoogle(hub, hub.admin);
    expect(await hub.context.integrations.documentCount(hub.admin, again.id)).to.equal(3);
    const outcome = await hub.context.integrations.disconnect(hub.admin, again.id, { documents: 'delete' });
    expect(outcome).to.deep.include({ revoked: true, documents: { kept: 0, deleted: 3 } });
    for (const table of ['documents', 'chunks', 'chunk_embeddings', 'integration_credentials', 'user_integrations'])
      expect(await knex(table).first(knex.raw('1 as one')), table).to.equal(undefined);
  });
});
