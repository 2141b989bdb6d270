import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { answer, openClient, problem, type CallOptions, type Client } from './client.ts';

onEachDatabase('an Idempotency-Key', (open) => {
  let hub: TestHub;
  let folder: string;
  let call: Client['call'];
  let integration: Integration;
  let fileId: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-keys-'));
    await writeFile(path.join(folder, 'harbour.txt'), 'The harbour opens at six and closes at nine.');
    hub = await startHub({ database: await open(), filesDir: folder });
    ({ call } = await openClient(hub));
    integration = await connectGoogle(hub, hub.admin);
    await connectGoogle(hub, hub.member);
    const [root] = (await hub.context.browse.list(hub.admin, integration.id, {})).items;
    const { items } = await hub.context.browse.list(hub.admin, integration.id, { ref: root?.ref });
    fileId = items.find(({ name }) => name === 'harbour.txt')?.ref ?? '';
  });
  beforeEach(async () => {
    await hub.context.database.knex('idempotency_keys').delete();
  });
  after(async () => {
    await hub?.close();
    await rm(folder, { recursive: true });
  });

  const route = '/integrations/google_drive/import';
  const send = (key: string, options: CallOptions = {}, to = route) =>
    call('POST', to, {
      body: { fileIds: [fileId] },
      ...options,
      headers: { 'idempotency-key': key, ...options.headers },
    });
  const started = async (response: Response) => {
    const { importId } = await answer(response, 202, schemas.importStartedAnswer);
    expect(response.headers.get('location')).to.equal(`/api/v1/imports/${importId}`);
    return { importId, replayed: response.headers.get('idempotent-replayed') };
  };
  const countImports = async () => (await hub.context.imports.list(hub.admin)).imports.length;
  const keys = () => hub.context.database.knex('idempotency_keys').select('key', 'import_id');

  it('makes one import of a request that comes again, and the answer says so', async () => {
    const before = await countImports();
    const first = await started(await send('"nightly 1"'));
    expect(first.replayed).to.equal(null);
    const body = { category: 'ports', fileIds: [fileId] };
    const again = await started(await send('"nightly 1"'));
    expect(again).to.deep.equal({ importId: first.importId, replayed: 'true' });
    const other = await started(await send('nightly-1', { body }));
    // Written in another order, it is the same request.
    const reordered = await started(await send('nightly-1', { body: { fileIds: [fileId], category: 'ports' } }));
    expect(reordered).to.deep.equal({ importId: other.importId, replayed: 'true' });
    expect(other.importId).not.to.equal(first.importId);
    expect(await countImports()).to.equal(before + 2);
  });

  it('gives the outcome to whoever asks again and waits, also once the account is gone', async () => {
    const member = { user: hub.member };
    const wait = { headers: { prefer: 'wait=60' } };
    const { items } = await hub.context.browse.list(
      hub.member,
      (await hub.context.integrations.list(hub.member))[0]!.id,
      {
        query: 'harbour',
      },
    );
    const body = { fileIds: [items[0]?.ref] };
    const { importId } = await started(await send('waiting', { ...member, body }));
    const first = await answer(await send('waiting', { ...member, ...wait, body }), 200, schemas.importDoneAnswer);
    expect(first).to.deep.include({ importId, success: true, message: 'The import is finished: 1 indexed.' });
    expect(first.documents.map(({ title, source_type: from }) => [title, from])).to.deep.equal([
      ['harbour.txt', 'google_drive'],
    ]);
    expect((await call('DELETE', '/integrations/google_drive', member)).status).to.equal(200);
    const later = await send('waiting', { ...member, ...wait, body });
    expect(later.headers.get('idempotent-replayed')).to.equal('true');
    expect(await answer(later, 200, schemas.importDoneAnswer)).to.deep.equal(first);
  });

  it('makes one import of requests that come in the same moment', async () => {
    const before = await countImports();
    const answers = await Promise.all(Array.from({ length: 6 }, () => send('at-once').then(started)));
    expect(new Set(answers.map(({ importId }) => importId))).to.have.property('size', 1);
    expect(answers.map(({ replayed }) => replayed).sort()).to.deep.equal(
      [null, 'true', 'true', 'true', 'true', 'true'].sort(),
    );
    expect(await countImports()).to.equal(before + 1);
  });

  it('works for imports of several accounts and for syncs alike', async () => {
    const items = [{ integrationId: integration.id, fileId }];
    const several = await started(await send('several', { body: { items } }, '/imports'));
    expect(await started(await send('several', { body: { items } }, '/imports'))).to.deep.equal({
      ...several,
      replayed: 'true',
    });
    await finishedImport(hub, several.importId);
    const to = `/integrations/${integration.id}/sync`;
    const sync = await started(await send('sync', { body: undefined }, to));
    await finishedImport(hub, sync.importId);
    expect(await started(await send('sync', { body: undefined }, to))).to.deep.equal({ ...sync, replayed: 'true' });
  });

  it('is refused with another request', async () => {
    await started(await send('once'));
    const before = await countImports();
    const refused: [CallOptions, string?][] = [
      [{ body: { fileIds: [fileId], category: 'other' } }],
      [{}, `/integrations/${integration.id}/import`],
      [{ body: { items: [{ integrationId: integration.id, fileId }] } }, '/imports'],
      [{ body: undefined }, '/integrations/google_drive/sync'],
    ];
    for (const [options, to] of refused) await problem(await send('once', options, to), 422, 'idempotency_key_reused');
    expect(await countImports()).to.equal(before);
  });

  it('is refused where it is malformed or too long, and nothing begins', async () => {
    const before = await countImports();
    for (const key of [
      '""',
      '"open',
      'two words',
      'one, two',
      '"one", "two"',
      'k"ey',
      'é',
      'k'.repeat(256),
      `"${'k'.repeat(256)}"`,
    ])
      await problem(await send(key), 400, 'invalid_idempotency_key');
    expect(await countImports()).to.equal(before);
    await started(await send('k'.repeat(255)));
    await started(await send(`"with \\"quotes\\" and \\\\"`));
    expect((await keys()).map(({ key }: { key: string }) => key)).to.include('with "quotes" and \\');
  });

  it('is a user’s own', async () => {
    const mine = await started(await send('shared'));
    await connectGoogle(hub, hub.member);
    const theirs = await started(await send('shared', { user: hub.member }));
    expect(theirs.replayed).to.equal(null);
    expect(theirs.importId).not.to.equal(mine.importId);
  });

  it('is free again when its request was refused', async () => {
    await problem(await send('refused', { body: { fileIds: [] } }), 422, 'invalid_input');
    await problem(await send('refused', {}, '/integrations/dropbox/import'), 404, 'not_found');
    expect(await keys()).to.deep.equal([]);
    await started(await send('refused'));
  });

  it('is there exactly when its import is', async () => {
    const { context, admin } = hub;
    const before = await countImports();
    const items = [{ integrationId: integration.id, ref: fileId }];
    const request = { key: 'torn', content: 'x' };
    const failing = context.idempotency.once(admin, request, async () => {
      await context.imports.create(admin, { items });
      throw new Error('the process ended here');
    });
    expect(await failing.catch((error: Error) => error.message)).to.equal('the process ended here');
    expect([await keys(), await countImports()]).to.deep.equal([[], before]);
    const { id } = await context.idempotency.once(admin, request, () => context.imports.create(admin, { items }));
    expect(await keys()).to.deep.equal([{ key: 'torn', import_id: id }]);
  });

  it('is forgotten after a day', async () => {
    const first = await started(await send('daily'));
    const age = (hours: number) =>
      hub.context.database
        .knex('idempotency_keys')
        .update({ created_at: hub.context.database.knex.raw(`now() - ? * interval '1 hour'`, [hours]) });
    await age(23.9);
    await hub.context.idempotency.prune();
    expect((await started(await send('daily'))).importId).to.equal(first.importId);
    await age(24.1);
    const second = await started(await send('daily'));
    expect(second.replayed).to.equal(null);
    expect(second.importId).not.to.equal(first.importId);
    expect((await started(await send('daily'))).importId).to.equal(second.importId);
    await age(24.1);
    await hub.context.idempotency.prune();
    expect(await keys()).to.deep.equal([]);
  });
});
