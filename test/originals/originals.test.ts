import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { answer, openClient, problem, type Client } from '../api/client.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import {
  connectScripted,
  createScriptedProvider,
  type Node,
  type ScriptedProvider,
} from '../helpers/scripted-provider.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';
import { PLACES, type Place } from './places.ts';

const PAGES = ['Harbour “rules” \u202Eäö', 'Tides', 'Berths'];

for (const [name, openPlace] of Object.entries(PLACES))
  onOneDatabase(`originals of documents on ${name}`, (open) => {
    let place: Place;
    let hub: TestHub;
    let client: Client;
    let wiki: ScriptedProvider;
    let integration: Integration;
    before(async () => {
      place = await openPlace();
      hub = await startHub({ database: await open(), env: place.env });
      client = await openClient(hub);
    });
    after(async () => {
      await hub.close();
      await place.close();
    });
    beforeEach(async () => {
      wiki = createScriptedProvider({
        roots: [{ name: 'Space', below: PAGES.map((page): Node => ({ name: page, text: `All about ${page}.` })) }],
        listsDeep: false,
        pageSize: 50,
      });
      integration = await connectScripted(hub, wiki, hub.admin);
    });
    afterEach(async () => {
      await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'delete' });
      await emptied();
    });

    const knex = () => hub.context.database.knex;
    const page = (title: string): Node => wiki.script.roots[0]!.below!.find((node) => node.name === title)!;
    const bytesOf = ({ name, text }: Node): string => `<h1>${name}</h1><p>${text}</p>`;

    async function importAll(): Promise<ImportDetail> {
      const { id } = await hub.context.imports.create(hub.admin, {
        items: [{ integrationId: integration.id, ref: wiki.refOf('Space') }],
      });
      return finishedImport(hub, id, 60_000);
    }

    async function idOf(title: string): Promise<string> {
      const { documents } = await hub.context.documents.list(hub.admin);
      return documents.find((document) => document.title === title)?.id ?? expect.fail(`there is no ${title}`);
    }

    const download = (id: string, headers: Record<string, string> = {}, method = 'GET') =>
      client.call(method, `/documents/${id}/original`, { headers });
    const objects = () => place.names(hub);
    const emptied = (count = 0) =>
      waitFor(`${count} originals to be left`, async () => (await objects()).length === count);
    // The row of an original goes after its bytes.
    const forgotten = () =>
      waitFor('the rows to be gone', async () => (await knex()('originals').whereNull('document_id')).length === 0);

    it('are downloaded as they were imported, by page and API, with headers that let no browser run them', async function () {
      // The first import of a process starts its parser threads.
      this.timeout(120_000);
      expect((await importAll()).counts).to.include({ indexed: 3, failed: 0 });
      expect(await objects()).to.have.length(3);
      const [first = ''] = PAGES;
      const id = await idOf(first);
      const whole = bytesOf(page(first));

      const visitor = await signInAs(hub.url, hub.admin.email);
      expect((await visitor.get(`/admin/documents/${id}`)).html).to.include(`href="/admin/documents/${id}/original"`);
      const detail = await answer(await client.call('GET', `/documents/${id}`), 200, schemas.documentDetailAnswer);
      expect(detail.hasOriginal).to.equal(true);
      for (const response of [await visitor.fetch(`/admin/documents/${id}/original`), await download(id)]) {
        expect(response.status).to.equal(200);
        expect(await response.text()).to.equal(whole);
        const { headers } = response;
        expect(headers.get('content-disposition')).to.match(
          /^attachment; filename="Harbour .*rules.*html"; filename\*=UTF-8''/,
        );
        expect(decodeURIComponent(headers.get('content-disposition')!.split("UTF-8''")[1]!)).to.equal(
          'Harbour “rules”  äö.html',
        );
        expect(headers.get('content-type')).to.equal('text/html');
        expect(headers.get('content-length')).to.equal(String(Buffer.byteLength(whole)));
        expect(headers.get('x-content-type-options')).to.equal('nosniff');
        expect(headers.get('content-security-policy')).to.equal(
          "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
        );
        expect(headers.get('cache-control')).to.include('no-store');
      }
      const part = await download(id, { range: 'bytes=4-10' });
      expect(part.status).to.equal(206);
      expect(Buffer.from(await part.arrayBuffer())).to.deep.equal(Buffer.from(whole).subarray(4, 11));
      expect((await download(id, { range: 'bytes=4-10', 'if-range': '"other"' })).status).to.equal(200);
      expect((await download(id, { range: 'bytes=9999-' })).status).to.equal(416);
      expect((await download(id, {}, 'HEAD')).headers.get('content-length')).to.equal(String(Buffer.byteLength(whole)));

      const other = await client.call('GET', `/documents/${id}/original`, { user: hub.member });
      await problem(other, 404, 'not_found');
      expect(
        (await (await signInAs(hub.url, hub.member.email)).get(`/admin/documents/${id}/original`)).status,
      ).to.equal(404);
    });

    it('stay where content does not change, give way to a new version, and go with their document', async () => {
      await importAll();
      const before = await objects();
      expect((await importAll()).counts).to.include({ unchanged: 3 });
      Object.assign(page('Tides'), { version: '2' });
      expect((await importAll()).counts).to.include({ unchanged: 3 });
      expect(await objects()).to.deep.equal(before);

      Object.assign(page('Tides'), { version: '3', text: 'The tides were written anew.' });
      expect((await importAll()).counts).to.include({ unchanged: 2, indexed: 1 });
      await emptied(3);
      expect((await objects()).filter((one) => before.includes(one))).to.have.length(2);
      const id = await idOf('Tides');
      expect(await (await download(id)).text()).to.equal(bytesOf(page('Tides')));

      await hub.context.documents.delete(hub.admin, id);
      await emptied(2);
      await problem(await download(id), 404, 'not_found');
      // What a sync finds gone.
      wiki.script.roots[0]!.below!.pop();
      const { id: syncId } = await hub.context.syncs.start(hub.admin, integration.id);
      expect((await finishedImport(hub, syncId)).counts).to.include({ removed: 1 });
      // The page that was deleted here came back.
      await forgotten();
      expect(await objects()).to.have.length((await hub.context.documents.facets(hub.admin)).total);
    });

    if (name !== 'disk')
      it('fail their item where the storage does not take them, and leave the document as it was', async () => {
        await importAll();
        const id = await idOf('Tides');
        const old = bytesOf(page('Tides'));
        Object.assign(page('Tides'), { version: '2', text: 'A later tide.' });
        await place.become(hub, 'refusing');
        const failing = await importAll();
        await place.become(hub, 'there');
        expect(failing.counts).to.include({ failed: 1, unchanged: 2 });
        const row = failing.items.find(({ state }) => state === 'failed');
        expect(row).to.include({ name: 'Tides', reasonCode: 'original_refused' });
        expect(row?.reason)
          .to.include('Azure Storage refuses the hub')
          .and.to.include('Nothing of this file was saved');
        expect((await hub.context.documents.get(hub.admin, id)).text).to.include('All about Tides');
        expect(await (await download(id)).text()).to.equal(old);
        expect(await hub.context.imports.retry(hub.admin, failing.id)).to.equal(1);
        expect((await finishedImport(hub, failing.id)).counts).to.include({ indexed: 1, failed: 0 });
        expect(await (await download(id)).text()).to.equal(bytesOf(page('Tides')));
        await emptied(3);
      });

    it('are remembered where they cannot be removed, and removed when the storage is back', async () => {
      await importAll();
      await place.become(hub, 'away');
      const id = await idOf('Berths');
      await hub.context.documents.delete(hub.admin, id);
      const other = await download(await idOf('Tides'));
      const row = await waitFor('an attempt', () =>
        knex()('originals').whereNotNull('problem').first<{ problem: string; attempts: number }>(),
      );
      expect(row.problem).to.include('The original could not be removed');
      await problem(other, 503, 'original_unavailable');
      await place.become(hub, 'there');
      expect(await objects()).to.have.length(3);
      // As if the pause had passed.
      await knex()('originals').update({ next_attempt_at: new Date(0) });
      await emptied(2);
      await forgotten();
    });

    it('come with the next import where they are missing, or were not kept before', async () => {
      await importAll();
      const id = await idOf('Tides');
      const original = await knex()('originals').where({ document_id: id }).first<{ id: string }>('id');
      await place.lose(hub, original?.id ?? '');
      const gone = await problem(await download(id), 404, 'no_original');
      expect(gone.detail).to.include('gone from its storage').and.to.include('Import the document again');
      await problem(await download(id), 404, 'no_original');
      // As documents are that were imported before.
      await knex()('originals')
        .where({ document_id: await idOf('Berths') })
        .update({ document_id: null });
      await emptied(1);
      const shown = await (await signInAs(hub.url, hub.admin.email)).get(`/admin/documents/${id}`);
      expect(shown.html).not.to.include('Download original');
      expect((await importAll()).counts).to.include({ unchanged: 3 });
      expect(await objects()).to.have.length(3);
      expect(await (await download(id)).text()).to.equal(bytesOf(page('Tides')));
    });

    it('that are in nobody’s hand any more are removed, those that are in hand are not', async () => {
      await importAll();
      const [kept = ''] = await objects();
      // As a process leaves them that dies between its upload and its row.
      await knex()('originals').update({ document_id: null, held_until: new Date(Date.now() + 600_000) });
      await hub.context.originals.removeSome();
      expect(await objects())
        .to.include(kept)
        .and.to.have.length(3);
      await knex()('originals').update({ held_until: new Date(0) });
      await emptied();
    });

    it('leave no secret in log or database', async () => {
      await importAll();
      if (!place.secret) return;
      const rows = JSON.stringify(await knex()('originals').select('*'));
      for (const text of [hub.logs(), rows]) expect(text.includes(place.secret)).to.equal(false);
      expect(hub.logs()).to.not.include('AccountKey').and.not.include('SharedKey ');
      expect(JSON.stringify(hub.context.config)).to.not.include(place.secret);
    });
  });
