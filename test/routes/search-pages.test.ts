import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { createPostgresIndex } from '../../server/index/postgres.ts';
import { paths } from '../../server/paths.ts';
import { answer, NOWHERE, openClient, problem, type Client } from '../api/client.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { connectScripted, createScriptedProvider } from '../helpers/scripted-provider.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { addDocument } from '../index/passages.ts';

onOneDatabase('the filters of the search page and call', (open) => {
  let hub: TestHub;
  let client: Client;
  let visitor: Visitor;
  let integrationId: string;

  before(async () => {
    hub = await startHub({ database: await open() });
    client = await openClient(hub);
    visitor = await signInAs(hub.url, hub.admin.email);
    integrationId = (await connectGoogle(hub, hub.admin)).id;
    const { database } = hub.context;
    const add = async (path: string, fields: Record<string, unknown>) => {
      const id = await addDocument(database, createPostgresIndex(database), hub.admin.id, [`budget at ${path}`], {
        path,
      });
      await database.knex('documents').where({ id }).update(fields);
    };
    await add('Drive/50%/old', { modified_at: new Date('2026-03-01T23:59:59.500Z'), integration_id: integrationId });
    await add('Drive/50%/sub/new', { modified_at: new Date('2026-03-02T08:00:00Z') });
    await add('Drive/500/else', { modified_at: null });
  });
  after(() => hub.close());

  const call = (body: object, user = hub.admin) =>
    client.call('POST', '/search', { body: { query: 'budget', mode: 'keyword', ...body }, user });
  const found = async (body: object) =>
    (await answer(await call(body), 200, schemas.searchAnswer)).results.map(({ path }) => path).sort();

  it('keep the call to a folder, an account and times of modification', async () => {
    const [old, sub, other] = ['Drive/50%/old', 'Drive/50%/sub/new', 'Drive/500/else'];
    expect(await found({})).to.deep.equal([old, sub, other]);
    expect(await found({ folder: '/Drive/50%/' })).to.deep.equal([old, sub]);
    expect(await found({ integrationId })).to.deep.equal([old]);
    expect(await found({ modifiedFrom: '2026-03-01', modifiedTo: '2026-03-01' })).to.deep.equal([old]);
    expect(await found({ modifiedFrom: '2026-03-02T09:00:00+01:00' })).to.deep.equal([sub]);
    expect(await found({ modifiedTo: '2026-03-02T08:00:00Z', folder: null })).to.deep.equal([old, sub]);
  });

  it('are refused field by field where they make no sense', async () => {
    const fieldsOf = async (response: Response) =>
      (await problem(response, 422, 'invalid_input')).errors?.map(({ field }) => field);
    for (const date of ['yesterday', '2026-02-30', '2026-03-01T10:00', 20260301])
      expect(await fieldsOf(await call({ modifiedFrom: date, modifiedTo: date }))).to.deep.equal([
        'modifiedFrom',
        'modifiedTo',
      ]);
    expect(await fieldsOf(await call({ modifiedFrom: '2026-03-02', modifiedTo: '2026-03-01' }))).to.deep.equal([
      'modifiedTo',
    ]);
    expect(await fieldsOf(await call({ integrationId: NOWHERE }))).to.deep.equal(['integrationId']);
    expect(await fieldsOf(await call({ integrationId: 'none' }))).to.deep.equal(['integrationId']);
    expect(await fieldsOf(await call({ integrationId }, hub.member))).to.deep.equal(['integrationId']);
    expect(await fieldsOf(await call({ folder: ' ' }))).to.deep.equal(['folder']);
  });

  it('stand in the page’s form and address, and can be cleared', async () => {
    const page = await visitor.get(
      paths.search({
        q: 'budget',
        integrationId,
        folder: 'Drive/50%',
        modifiedFrom: '2026-03-01',
        modifiedTo: '2026-03-01',
      }),
    );
    expect(page.status).to.equal(200);
    expect(page.html).to.include('Drive/50%/old').and.not.include('Drive/50%/sub/new');
    expect(page.html).to.match(/<details class="more search-form__more" open/);
    expect(page.html).to.include(`<option value="${integrationId}" selected>`);
    for (const value of ['Drive/50%', '2026-03-01']) expect(page.html).to.include(`value="${value}"`);
    expect(page.html).to.include('<a href="/admin/search?q=budget">Clear filters</a>');
    const plain = await visitor.get(paths.search({ q: 'budget' }));
    expect(plain.html).to.include('Drive/500/else').and.not.include('Clear filters');
    expect(plain.html).not.to.match(/<details class="more search-form__more" open/);
  });

  it('tell what is wrong beside the field and keep what was typed', async () => {
    const wrong = await visitor.get(paths.search({ q: 'budget', modifiedFrom: '31.12.2026', folder: 'Kept' }));
    expect(wrong.status).to.equal(422);
    expect(wrong.html)
      .to.include('id="modifiedFrom-error"')
      .and.include('value="31.12.2026"')
      .and.include('value="Kept"');
    const turned = await visitor.get(
      paths.search({ q: 'budget', modifiedFrom: '2026-03-02', modifiedTo: '2026-03-01' }),
    );
    expect(turned.status).to.equal(422);
    expect(turned.html).to.include('id="modifiedTo-error"');
    const foreign = await visitor.get(paths.search({ q: 'budget', integrationId: NOWHERE }));
    expect(foreign.status).to.equal(422);
    expect(foreign.html).to.include('id="integrationId-error"');
  });
});

onOneDatabase('the results of the search page', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());

  it('show the passages with the words first, and fold away what is only similar', async () => {
    const text = 'The ferry leaves at noon.</p><h2>Crew</h2><p>Ferrymen and ferryboats rest on Monday.';
    const provider = createScriptedProvider({
      roots: [{ name: 'Space', below: [{ name: 'Rota', text }] }],
      listsDeep: true,
      pageSize: 50,
    });
    const { id: integrationId } = await connectScripted(hub, provider, hub.admin);
    const items = [{ integrationId, ref: provider.refOf('Space') }];
    await finishedImport(hub, (await hub.context.imports.create(hub.admin, { items })).id);
    const visitor = await signInAs(hub.url, hub.admin.email);
    const { html } = await visitor.get(paths.search({ q: 'ferry' }));
    const [shown = '', folded = ''] = html.split('1 more passage');
    expect(textOf(shown)).to.include('100% match').and.include('The ferry leaves at noon.').and.not.include('Ferrymen');
    expect(textOf(folded)).to.include('similar, without these words').and.include('Ferrymen');
  });
});
