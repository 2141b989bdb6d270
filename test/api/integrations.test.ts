import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { connectGoogle, consent } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { signInAs } from '../helpers/visitor.ts';
import { answer, NOWHERE, openClient, problem, type Client } from './client.ts';

// The tests of this file build on one another: an account is connected, its files are imported, and in the end it is disconnected.
onOneDatabase('integrations in the JSON API', (open) => {
  let hub: TestHub;
  let folder: string;
  let call: Client['call'];

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-api-'));
    await writeFile(path.join(folder, 'harbour.txt'), 'The harbour opens at six and closes at nine.');
    await writeFile(path.join(folder, 'scan.bin'), Buffer.from([0, 1, 2, 3, 250, 251]));
    await writeFile(path.join(folder, 'broken.docx'), 'PK\u0003\u0004 and then nothing of a word file');
    await mkdir(path.join(folder, 'Handbook'));
    await writeFile(path.join(folder, 'Handbook', 'crew.md'), '# Crew\n\n## Shifts\n\nA shift has eight hours.\n');
    await writeFile(path.join(folder, 'Handbook', 'fares.csv'), 'route,fare\nnorth,12\nsouth,14\n');
    hub = await startHub({ database: await open(), filesDir: folder });
    ({ call } = await openClient(hub));
  });
  after(async () => {
    await hub?.close();
    await rm(folder, { recursive: true });
  });

  describe('integrations', () => {
    it('stand in the list before any account is connected', async () => {
      const { integrations } = await answer(await call('GET', '/integrations'), 200, schemas.integrationsAnswer);
      expect(integrations.find(({ platform }) => platform === 'google_drive')).to.deep.equal({
        platform: 'google_drive',
        connected: false,
        configured: true,
        missing: { clientId: false, clientSecret: false },
      });
    });

    it('are connected by address, consent and callback, each once', async () => {
      const { url } = await answer(
        await call('GET', '/integrations/google_drive/connect?format=json'),
        200,
        schemas.connectAnswer,
      );
      const back = await consent(url, 'Allow');
      const callback = `/integrations/google_drive/callback${back.search}`;
      const done = await answer(await call('GET', callback), 200, schemas.callbackAnswer);
      expect(done.message).to.include(done.integration.accountEmail);
      await problem(await call('GET', callback), 400, 'invalid_state');

      const { integrations } = await answer(await call('GET', '/integrations'), 200, schemas.integrationsAnswer);
      expect(integrations).to.deep.include(done.integration);
    });

    it('send a browser to the vendor, and from there to the page of the account', async () => {
      const visitor = await signInAs(hub.url, 'admin@example.com');
      const away = await visitor.fetch('/api/v1/integrations/google_drive/connect');
      expect(away.status).to.equal(302);
      const back = await consent(away.headers.get('location') ?? '', 'Allow');
      const landed = await visitor.get(back.pathname + back.search);
      expect(landed.status).to.equal(303);
      expect(landed.location).to.match(/^\/admin\/integrations\/[0-9a-f-]{36}$/);
      expect((await visitor.get(landed.location ?? '')).html).to.include('is connected');
      const again = await visitor.get(back.pathname + back.search);
      expect(again.location).to.equal('/admin/integrations');
      expect((await visitor.get('/admin/integrations')).html).to.include('was not begun here');
    });

    it('of a service that the hub does not have are not found', async () => {
      await problem(await call('GET', '/integrations/fax/connect'), 404, 'not_found');
      await problem(await call('GET', '/integrations/fax/files'), 404, 'not_found');
      await problem(await call('DELETE', `/integrations/${NOWHERE}?documents=maybe`), 422, 'invalid_input');
    });
  });

  /** The files of a folder, by name. */
  async function files(query = '', target = 'google_drive') {
    const page = await answer(await call('GET', `/integrations/${target}/files${query}`), 200, schemas.filesAnswer);
    return { ...page, named: (name: string) => page.files.find((file) => file.name === name) };
  }

  async function homeFolder() {
    const root = (await files()).named('My Drive');
    expect(root).to.include({ isFolder: true });
    return files(`?folder_id=${encodeURIComponent(root?.id ?? '')}`);
  }

  describe('files, imports and documents', () => {
    it('are listed folder by folder and found by search', async () => {
      const home = await homeFolder();
      expect(home.breadcrumbs.map(({ name }) => name)).to.deep.equal(['My Drive']);
      expect(home.named('harbour.txt')).to.include({ isFolder: false, importable: true, mimeType: 'text/plain' });
      const handbook = await files(`?folder_id=${encodeURIComponent(home.named('Handbook')?.id ?? '')}`);
      expect(handbook.files.map(({ name }) => name).sort()).to.deep.equal(['crew.md', 'fares.csv']);
      const found = await files('?q=crew');
      expect(found.named('crew.md')).to.include({ isFolder: false });
    });

    it('are imported while the caller waits', async () => {
      const home = await homeFolder();
      const fileIds = [home.named('harbour.txt')?.id, home.named('Handbook')?.id];
      const response = await call('POST', '/integrations/google_drive/import', {
        body: { fileIds, category: 'ports' },
        headers: { prefer: 'wait=60' },
      });
      expect(response.headers.get('preference-applied')).to.equal('wait=60');
      const done = await answer(response, 200, schemas.importDoneAnswer);
      expect(done).to.include({ success: true, message: 'The import is finished: 3 indexed.' });
      expect(done.documents.map(({ title }) => title).sort()).to.deep.equal(['crew.md', 'fares.csv', 'harbour.txt']);
      for (const document of done.documents) {
        expect(document).to.include({ source_type: 'google_drive' });
        const detail = await answer(await call('GET', `/documents/${document.id}`), 200, schemas.documentDetailAnswer);
        expect(detail).to.include({ title: document.title, chunkCount: document.chunk_count, category: 'ports' });
        expect(detail.chunks).to.have.length(document.chunk_count);
      }
    });

    it('are imported in the background, followed by ledger and by events', async () => {
      const [integration] = await hub.context.integrations.list(hub.admin);
      const home = await homeFolder();
      const items = ['harbour.txt', 'scan.bin'].map((name) => ({
        integrationId: integration?.id,
        fileId: home.named(name)?.id,
      }));
      const response = await call('POST', '/imports', { body: { items } });
      const { importId } = await answer(response, 202, schemas.importStartedAnswer);
      expect(response.headers.get('location')).to.equal(`/api/v1/imports/${importId}`);

      const stream = await call('GET', `/imports/${importId}/events`, { headers: { 'accept-encoding': 'gzip' } });
      expect(stream.headers.get('content-type')).to.match(/^text\/event-stream/);
      expect(stream.headers.get('content-encoding')).to.equal(null);
      const events = (await stream.text()).split('\n\n').filter((block) => block.includes('data: '));
      expect(events.at(-1)).to.include('event: done');
      const done = JSON.parse(events.at(-1)?.split('data: ')[1] ?? '') as unknown;
      const summary = schemas.importSummaryAnswer.parse(done);
      expect(summary.counts).to.include({ total: 2, unchanged: 1, skipped: 1, waiting: 0, running: 0 });
      for (const event of events.filter((block) => block.includes('event: item')))
        schemas.importItemAnswer.parse(JSON.parse(event.split('data: ')[1] ?? ''));

      const ledger = await answer(await call('GET', `/imports/${importId}`), 200, schemas.importAnswer);
      const { items: rows, nextCursor, position, ...rest } = ledger;
      expect(rest).to.deep.equal(summary);
      expect(position).to.match(/^\d+$/);
      expect(nextCursor).to.equal(undefined);
      expect(rows.map(({ name, status }) => [name, status]).sort()).to.deep.equal([
        ['harbour.txt', 'unchanged'],
        ['scan.bin', 'skipped'],
      ]);
      const skipped = await answer(await call('GET', `/imports/${importId}?state=skipped`), 200, schemas.importAnswer);
      expect(skipped.items).to.have.length(1);
      expect(skipped.items[0]?.reason).to.be.a('string').and.not.to.equal('');

      const { imports } = await answer(await call('GET', '/imports'), 200, schemas.importsAnswer);
      expect(imports[0]).to.deep.equal(summary);
      await problem(await call('POST', `/imports/${importId}/cancel`), 409, 'not_running');
      await problem(await call('POST', `/imports/${importId}/retry`), 409, 'nothing_to_retry');
    });

    it('that fail say so to a caller who waited, and are tried again', async () => {
      const home = await homeFolder();
      const done = await answer(
        await call('POST', '/integrations/google_drive/import', {
          body: { fileIds: [home.named('broken.docx')?.id] },
          headers: { prefer: 'wait=60' },
        }),
        200,
        schemas.importDoneAnswer,
      );
      expect(done).to.deep.include({ success: false, message: 'The import is finished: 1 failed.', documents: [] });
      const ledger = await answer(await call('GET', `/imports/${done.importId}`), 200, schemas.importAnswer);
      expect(ledger.items[0]).to.include({ name: 'broken.docx', status: 'failed', reasonCode: 'corrupt' });
      const route = `/imports/${done.importId}/retry`;
      await problem(await call('POST', route, { body: { itemId: NOWHERE } }), 409, 'nothing_to_retry');
      const retried = await answer(
        await call('POST', route, { body: { itemId: ledger.items[0]?.id } }),
        202,
        schemas.retryAnswer,
      );
      expect(retried.retried).to.equal(1);
      await finishedImport(hub, done.importId);
    });

    it('are cancelled while they run', async () => {
      const home = await homeFolder();
      let away = true;
      hub.sandbox.google.state.failNext(() => away, { status: 503 }, 1000);
      const started = await call('POST', '/integrations/google_drive/import', {
        body: { fileIds: [home.named('harbour.txt')?.id] },
        headers: { prefer: 'wait=1' },
      });
      const { importId } = await answer(started, 202, schemas.importStartedAnswer);
      expect(started.headers.get('preference-applied')).to.equal('wait=1');
      await answer(await call('POST', `/imports/${importId}/cancel`), 200, schemas.cancelAnswer);
      away = false;
      const found = await answer(await call('GET', `/imports/${importId}`), 200, schemas.importAnswer);
      expect(found.status).to.equal('cancelled');
      expect(found.counts).to.include({ total: 1, skipped: 1 });
    });

    it('are listed, searched and deleted', async () => {
      const all = await answer(await call('GET', '/documents'), 200, schemas.documentsAnswer);
      expect(all.documents).to.have.length(3);
      const crew = await answer(
        await call('GET', '/documents?platform=google_drive&category=ports&q=crew'),
        200,
        schemas.documentsAnswer,
      );
      expect(crew.documents.map(({ title }) => title)).to.deep.equal(['crew.md']);
      const id = crew.documents[0]?.id ?? '';

      const { results } = await answer(
        await call('POST', '/search', { body: { query: 'how many hours has a shift', limit: 2, mode: 'keyword' } }),
        200,
        schemas.searchAnswer,
      );
      expect(results[0]).to.include({ documentId: id, title: 'crew.md', sourceType: 'google_drive' });
      expect(results[0]?.headingPath).to.deep.equal(['Crew', 'Shifts']);

      const synced = await call('POST', `/documents/${id}/sync`);
      const { importId } = await answer(synced, 202, schemas.syncAnswer);
      expect(synced.headers.get('location')).to.equal(`/api/v1/imports/${importId}`);
      await finishedImport(hub, importId);

      expect((await call('DELETE', `/documents/${id}`)).status).to.equal(204);
      await problem(await call('GET', `/documents/${id}`), 404, 'not_found');
    });
  });

  describe('what belongs to somebody else', () => {
    it('is not found, by no call', async () => {
      const [integration] = await hub.context.integrations.list(hub.admin);
      const { documents } = await hub.context.documents.list(hub.admin);
      const { imports } = await hub.context.imports.list(hub.admin);
      const [token] = await hub.context.tokens.list(hub.admin);
      const [mine, theirs] = [`/integrations/${integration?.id}`, `/documents/${documents[0]?.id}`];
      const calls: [string, string, unknown?][] = [
        ['DELETE', mine],
        ['GET', `${mine}/files`],
        ['POST', `${mine}/import`, { fileIds: ['x'] }],
        ['POST', '/imports', { items: [{ integrationId: integration?.id, fileId: 'x' }] }],
        ['GET', theirs],
        ['DELETE', theirs],
        ['POST', `${theirs}/sync`],
        ['GET', `/imports/${imports[0]?.id}`],
        ['GET', `/imports/${imports[0]?.id}/events`],
        ['POST', `/imports/${imports[0]?.id}/cancel`],
        ['POST', `/imports/${imports[0]?.id}/retry`],
        ['DELETE', `/tokens/${token?.id}`],
      ];
      for (const [method, route, body] of calls) {
        const response = await call(method, route, { body, user: hub.member });
        expect(response.status, `${method} ${route}`).to.equal(404);
        await problem(response, 404, 'not_found');
      }
      for (const odd of ['/documents/1', '/imports/%27', '/imports/x/events', `/integrations/${NOWHERE}/files`])
        await problem(await call('GET', odd), 404, 'not_found');
      const found = await call('POST', '/search', { body: { query: 'harbour' }, user: hub.member });
      expect((await answer(found, 200, schemas.searchAnswer)).results).to.deep.equal([]);
      expect(await hub.context.integrations.list(hub.admin)).to.have.length(1);
    });
  });

  describe('disconnecting', () => {
    it('keeps the documents unless they are to go, and ends the grant', async () => {
      const kept = await answer(await call('DELETE', '/integrations/google_drive'), 200, schemas.disconnectAnswer);
      expect(kept).to.deep.include({ success: true, revoked: true, documents: { kept: 2, deleted: 0 } });
      const { documents } = await answer(await call('GET', '/documents'), 200, schemas.documentsAnswer);
      expect(documents.map(({ integrationId }) => integrationId)).to.deep.equal([null, null]);
      await problem(await call('POST', `/documents/${documents[0]?.id}/sync`), 409, 'disconnected');

      const again = await connectGoogle(hub, hub.admin);
      const gone = await answer(
        await call('DELETE', `/integrations/${again.id}?documents=delete`),
        200,
        schemas.disconnectAnswer,
      );
      expect(gone.documents).to.deep.equal({ kept: 0, deleted: 2 });
      await problem(await call('DELETE', '/integrations/google_drive'), 404, 'not_found');
    });
  });
});
