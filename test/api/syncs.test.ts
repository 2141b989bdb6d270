import { expect } from 'chai';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import * as schemas from '../../server/api/schemas.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { VENDORS, type Vendor } from '../faults/vendors.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';
import { answer, NOWHERE, openClient, problem, type Client } from './client.ts';

onOneDatabase('syncs by the API', (open) => {
  let hub: TestHub;
  let call: Client['call'];
  let integration: Integration;
  let files: SandboxFile[];
  before(async () => {
    hub = await startHub({ database: await open() });
    ({ call } = await openClient(hub));
    ({ integration, files } = await followFolder(hub, VENDORS[0] as Vendor));
  });
  after(() => hub.close());

  const remove = (...names: string[]): void => {
    for (const name of names)
      files.splice(
        files.findIndex((file) => file.name === name),
        1,
      );
  };
  const logs = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `log ${from + at}.txt`);
  const start = async (): Promise<string> => {
    const response = await call('POST', `/integrations/${integration.id}/sync`);
    const { importId } = await answer(response, 202, schemas.importStartedAnswer);
    expect(response.headers.get('location')).to.equal(`/api/v1/imports/${importId}`);
    return importId;
  };
  const show = async (id: string) => answer(await call('GET', `/imports/${id}`), 200, schemas.importAnswer);
  const held = (id: string) =>
    waitFor('the question', async () => {
      const found = await show(id);
      return found.held && found;
    });

  it('begin by a call, and are told apart from imports', async () => {
    const id = await start();
    await finishedImport(hub, id);
    const sync = await show(id);
    expect(sync).to.include({ kind: 'sync', integrationId: integration.id, held: false, status: 'finished' });
    expect(sync).not.to.have.any.keys('problem', 'removals');
    const { imports } = await answer(await call('GET', '/imports'), 200, schemas.importsAnswer);
    expect(imports.map(({ kind }) => kind)).to.deep.equal(['sync', 'import']);
    const { integrations } = await answer(await call('GET', '/integrations'), 200, schemas.integrationsAnswer);
    expect(integrations.find(({ connected }) => connected)).to.include({ lastSyncAt: sync.finishedAt });
  });

  it('are waited for, where the caller prefers so', async () => {
    files.push(entry('new.txt', files.find(({ name }) => name === 'Inner')?.id ?? '', 'The winter lights are on.'));
    const done = await answer(
      await call('POST', '/integrations/google_drive/sync', { headers: { prefer: 'wait=30' } }),
      200,
      schemas.importDoneAnswer,
    );
    expect(done.message).to.equal('The sync is finished: 1 indexed.');
    expect(done.documents.map(({ title }) => title)).to.deep.equal(['new.txt']);
  });

  it('run by a schedule, which can be set, read and switched off', async () => {
    const route = `/integrations/${integration.id}/schedule`;
    const read = async () => answer(await call('GET', route), 200, schemas.scheduleAnswer);
    expect(await read()).to.include({ every: null, nextAt: null, webhooks: false });
    const set = await answer(await call('PUT', route, { body: { every: '1h' } }), 200, schemas.scheduleAnswer);
    expect(set.every).to.equal('1h');
    expect(Date.parse(set.nextAt ?? '')).to.be.above(Date.now());
    expect(await read()).to.deep.equal(set);
    for (const body of [{ every: '5m' }, {}, { every: '1h', at: 'noon' }])
      await problem(await call('PUT', route, { body }), 422, 'invalid_input');
    const off = await answer(await call('PUT', route, { body: { every: null } }), 200, schemas.scheduleAnswer);
    expect(off).to.include({ every: null, nextAt: null, webhooks: false });
  });

  it('begin when the vendor calls, where that is wanted and it can', async () => {
    const route = `/integrations/${integration.id}/schedule`;
    const read = async () => answer(await call('GET', route), 200, schemas.scheduleAnswer);
    const put = async (body: object) => answer(await call('PUT', route, { body }), 200, schemas.scheduleAnswer);
    expect((await read()).webhookStatus).to.deep.equal({
      possible: true,
      reason: null,
      address: `${hub.url}/webhooks/google_drive/${integration.id}`,
      byHand: false,
      setUp: null,
      watching: 0,
      unwatched: 0,
      renewsAt: null,
      heard: 0,
      heardAt: null,
      problem: null,
      triedAgainAt: null,
    });
    expect((await put({ every: '24h', webhooks: true })).webhooks).to.equal(true);
    const on = await waitFor('the watch', async () => {
      const state = await read();
      return state.webhookStatus?.watching === 1 && state;
    });
    expect(Date.parse(on.webhookStatus?.renewsAt ?? '')).to.be.above(Date.now());
    expect(on.webhookStatus?.heard, 'the vendor has tried the address').to.equal(1);
    expect(await put({ every: null }), 'nothing was said of calls').to.include({ every: null, webhooks: true });
    expect(await put({ every: null, webhooks: false })).to.include({ webhooks: false });
    await problem(await call('PUT', route, { body: { every: null, webhooks: 'yes' } }), 422, 'invalid_input');
    const { config } = hub.context;
    const [{ baseUrl }, { apiUrl }] = [config, { ...config.google }];
    Object.assign(config, { baseUrl: 'http://hub.example.com' });
    Object.assign(config.google, { apiUrl: 'https://www.googleapis.com' });
    try {
      await problem(await call('PUT', route, { body: { every: '1h', webhooks: true } }), 409, 'webhooks_impossible');
      expect(await read()).to.include({ every: null, webhooks: false });
      expect((await read()).webhookStatus).to.include({ possible: false });
    } finally {
      Object.assign(config, { baseUrl });
      Object.assign(config.google, { apiUrl });
    }
  });

  it('ask before they remove many documents, and take one answer', async () => {
    remove(...logs(0, 12));
    const id = await start();
    const asking = await held(id);
    expect(asking).to.include({ status: 'running', finishedAt: null });
    expect(asking.removals).to.include({ count: 12, of: 34 });
    expect(asking.removals?.examples).to.have.length(12);
    expect(asking.removals?.examples[0]).to.include({ title: 'log 0.txt', path: 'Followed/log 0.txt' });
    await problem(await call('POST', `/imports/${id}/removals`, { body: { answer: 'yes' } }), 422, 'invalid_input');
    await answer(
      await call('POST', `/imports/${id}/removals`, { body: { answer: 'remove' } }),
      202,
      schemas.cancelAnswer,
    );
    await problem(await call('POST', `/imports/${id}/removals`, { body: { answer: 'keep' } }), 409, 'not_held');
    expect((await finishedImport(hub, id)).counts).to.include({ removed: 12 });
    const gone = await answer(await call('GET', `/imports/${id}?state=removed`), 200, schemas.importAnswer);
    expect(gone.items).to.have.length(12);
    expect(gone.items[0]).to.include({ status: 'removed', reasonCode: 'gone' });
  });

  it('leave what a person wants to keep, and do not ask again', async () => {
    remove(...logs(12, 24));
    const id = await start();
    expect((await held(id)).removals).to.include({ count: 12, of: 22 });
    await call('POST', `/imports/${id}/removals`, { body: { answer: 'keep' } });
    expect((await finishedImport(hub, id)).counts).to.include({ removed: 0 });
    expect((await finishedImport(hub, await start())).counts).to.include({ total: 0 });
    expect((await hub.context.documents.facets(hub.admin)).total).to.equal(22);
  });

  it('are of what is selected, until it is no longer followed', async () => {
    const route = `/integrations/${integration.id}/selections`;
    const list = async () => (await answer(await call('GET', route), 200, schemas.selectionsAnswer)).selections;
    const { items } = await hub.context.browse.list(hub.admin, integration.id, {
      ref: (await list())[0]?.fileId ?? '',
    });
    const inner = items.find(({ name }) => name === 'Inner');
    const { importId } = await answer(
      await call('POST', `/integrations/${integration.id}/import`, { body: { fileIds: [inner?.ref] } }),
      202,
      schemas.importStartedAnswer,
    );
    await finishedImport(hub, importId);
    const [folder, second, ...others] = await list();
    expect(others).to.deep.equal([]);
    expect(folder).to.include({ name: 'Followed', path: 'Followed', category: 'logs', recursive: true });
    expect(second).to.include({ fileId: inner?.ref, name: 'Inner' });

    await problem(await call('DELETE', `${route}/${NOWHERE}`), 404, 'not_found');
    await problem(await call('DELETE', `${route}/${folder?.id}`, { user: hub.member }), 404, 'not_found');
    expect((await call('DELETE', `${route}/${folder?.id}`)).status).to.equal(204);
    remove('log 24.txt', 'inner.txt');
    expect((await finishedImport(hub, await start())).counts).to.include({ removed: 1, failed: 0 });
    const { documents } = await hub.context.documents.list(hub.admin);
    const titles = documents.map(({ title }) => title);
    expect(titles).to.include('log 24.txt').and.not.to.include('inner.txt');

    expect((await call('DELETE', `${route}/${second?.id}`)).status).to.equal(204);
    expect(await list()).to.deep.equal([]);
    await problem(await call('POST', `/integrations/${integration.id}/sync`), 409, 'nothing_selected');
  });

  it('are refused for an account that is to be reconnected', async () => {
    await hub.context.database.knex('user_integrations').update({ status: 'needs_reconnect' });
    await problem(await call('POST', `/integrations/${integration.id}/sync`), 409, 'needs_reconnect');
  });

  it('are nobody else’s', async () => {
    const { member } = hub;
    const { imports } = await hub.context.imports.list(hub.admin);
    const removals = `/imports/${imports[0]?.id}/removals`;
    for (const [method, route, body] of [
      ['POST', `/integrations/${integration.id}/sync`],
      ['GET', `/integrations/${integration.id}/schedule`],
      ['PUT', `/integrations/${integration.id}/schedule`, { every: '1h' }],
      ['GET', `/integrations/${integration.id}/selections`],
      ['POST', removals, { answer: 'remove' }],
    ] as const)
      await problem(await call(method, route, { user: member, body }), 404, 'not_found');
  });
});
