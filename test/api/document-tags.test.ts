import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { seedDocuments } from '../helpers/documents.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { answer, openClient, problem, type Client } from './client.ts';
import * as schemas from '../../server/api/schemas.ts';

onOneDatabase('documents that a client has already', (open) => {
  let hub: TestHub;
  let call: Client['call'];
  let id: string;
  let queries: string[];
  before(async () => {
    hub = await startHub({ database: await open() });
    ({ call } = await openClient(hub));
    [id = ''] = await seedDocuments(hub.context.database.knex, hub.admin.id, [
      { title: 'Fares', chunks: 3 },
      { title: 'Winter timetable', chunks: 1 },
    ]);
    hub.context.database.knex.on('query', ({ sql }: { sql: string }) => queries?.push(sql));
  });
  beforeEach(() => {
    queries = [];
  });
  after(() => hub?.close());

  const get = async (route: string, tag?: string) =>
    call('GET', route, { headers: tag === undefined ? {} : { 'if-none-match': tag } });
  const tagOf = async (route: string) => {
    const response = await get(route);
    expect(response.status).to.equal(200);
    return response.headers.get('etag') ?? '';
  };

  it('are not sent again, nor read', async () => {
    const route = `/documents/${id}`;
    const tag = await tagOf(route);
    expect(tag).to.match(/^W\/"[\w-]{43}"$/);
    expect(queries.filter((sql) => sql.includes('"chunks"'))).to.have.length(1);
    queries = [];
    for (const known of [tag, tag.slice(2), `"other", ${tag}`, '*']) {
      const same = await get(route, known);
      expect(same.status, known).to.equal(304);
      expect(await same.text()).to.equal('');
      expect(same.headers.get('etag')).to.equal(tag);
      expect(same.headers.get('cache-control')).to.equal('private, no-cache');
      expect(same.headers.get('ratelimit')).to.match(/r=\d+/);
    }
    expect(queries.filter((sql) => sql.includes('"chunks"') || /"text"/.test(sql))).to.deep.equal([]);
    expect(queries.filter((sql) => sql.includes('"documents"'))).to.have.length(4);
  });

  it('are sent whenever anything of their answer is another', async () => {
    const route = `/documents/${id}`;
    const { knex } = hub.context.database;
    const changes: (() => Promise<unknown>)[] = [
      () => knex('documents').where({ id }).update({ category: 'fares' }),
      () => knex('documents').where({ id }).update({ imported_at: new Date() }),
      // The same bytes are imported once more elsewhere.
      () => knex('documents').whereNot({ id }).update({ content_hash: 'hash of Fares' }),
      () => knex('documents').where({ id }).update({ title: 'Fares 2027' }),
    ];
    for (const change of changes) {
      const before = await tagOf(route);
      await change();
      const response = await get(route, before);
      await answer(response, 200, schemas.documentDetailAnswer);
      expect(response.headers.get('etag')).not.to.equal(before);
      expect((await get(route, response.headers.get('etag') ?? '')).status).to.equal(304);
    }
  });

  it('are a list that is sent again when one of them changes', async () => {
    const route = '/documents?q=fares';
    const tag = await tagOf(route);
    const same = await get(route, tag);
    expect([same.status, await same.text()]).to.deep.equal([304, '']);
    expect(same.headers.get('cache-control')).to.equal('private, no-cache');
    expect((await get('/documents', tag)).status).to.equal(200);
    await hub.context.database.knex('documents').where({ id }).update({ category: 'other' });
    await answer(await get(route, tag), 200, schemas.documentsAnswer);
  });

  it('are not confirmed to somebody else, nor once they are gone', async () => {
    const route = `/documents/${id}`;
    const tag = await tagOf(route);
    const headers = { 'if-none-match': tag };
    await problem(await call('GET', route, { user: hub.member, headers }), 404, 'not_found');
    await problem(await get('/documents/1', tag), 404, 'not_found');
    expect((await call('DELETE', route)).status).to.equal(204);
    await problem(await get(route, tag), 404, 'not_found');
  });
});
