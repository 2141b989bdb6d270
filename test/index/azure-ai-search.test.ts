import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import type { IndexError } from '../../server/index/index-error.ts';
import type { SearchQuery } from '../../server/index/index.ts';
import { createPostgresIndex } from '../../server/index/postgres.ts';
import { expectProper, openAzureIndex, type AzureIndex } from '../helpers/azure-index.ts';
import { startAzureSearchServer, type AzureSearchServer } from '../helpers/azure-search-server.ts';
import { onEachDatabase } from '../helpers/database.ts';
import {
  EMBEDDER,
  addDocument,
  addDocumentRow,
  addUser,
  embedWords,
  prepareChunks,
  replaceChunks,
  toChunks,
} from './passages.ts';

const WRITES = /POST .*search\.index/;
const SEARCHES = /POST .*search\.post\.search/;
const MODES = ['hybrid', 'semantic', 'keyword'] as const;

onEachDatabase('Azure AI Search', (open) => {
  let database: Database;
  let server: AzureSearchServer;
  let azure: AzureIndex;
  let userId: string;

  before(async () => {
    database = await open();
  });
  after(() => database.close());
  beforeEach(async () => {
    await database.knex('users').del();
    await database.knex('index_copies').del();
    userId = await addUser(database, 'ann@example.com');
    server = await startAzureSearchServer();
    azure = openAzureIndex(database, server, { embedderId: EMBEDDER });
    await azure.keeper.open();
  });
  afterEach(async () => {
    await expectProper(server, azure);
    await azure.close();
    await server.close();
  });

  const search = (text: string, more: Partial<SearchQuery> = {}, from = azure) =>
    from.index.search({ userId, text, embedding: embedWords(text), mode: 'hybrid', limit: 10, ...more });
  const texts = async (text: string, more: Partial<SearchQuery> = {}, from = azure) =>
    (await search(text, more, from)).map((result) => result.text);
  const passages = (count: number, word: string) => Array.from({ length: count }, (_, n) => `${word} number${n}`);
  const held = () => server.entries().map(({ content }) => content as string);
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('it did not fail'),
      (error: unknown) => error as IndexError,
    );
  const asIfHoursLater = () =>
    database.knex('index_copies').update({ due_at: database.knex.raw("now() - interval '1 minute'") });

  it('is made with what the hub needs, is known again, and is refused with what to do where it does not fit', async () => {
    expect(await azure.keeper.open()).to.equal('found');
    const other = openAzureIndex(database, server, { embedderId: 'other', dimensions: 256 });
    const misfit = await failure(other.keeper.open());
    expect(misfit).to.include({ name: 'IndexError', kind: 'misconfigured' });
    expect(misfit.message).to.match(
      /have 1024 numbers and those of the embedder 256\. Set AZURE_SEARCH_INDEX to a name/,
    );
    await other.close();

    const { fields } = server.indexes.get('tributary-test')!.definition;
    fields.find(({ name }) => name === 'userId')!.filterable = false;
    expect((await failure(azure.keeper.open())).message).to.include('its field “userId” is not filterable');
    fields.splice(
      fields.findIndex(({ name }) => name === 'terms'),
      1,
    );
    fields.find(({ name }) => name === 'userId')!.filterable = true;
    expect((await failure(azure.keeper.open())).message).to.include('it has no field “terms”');

    server.key = 'another-key';
    const locked = await failure(azure.keeper.open());
    expect(locked).to.include({ kind: 'misconfigured' });
    expect(locked.message).to.include('refused the key in AZURE_SEARCH_API_KEY (403)');
  });

  it('uploads many chunks in batches within the limits, and repeats what was throttled, lost or failed in part', async () => {
    server.planned.push(
      { on: WRITES, status: 503, retryAfter: '0' },
      { on: WRITES, status: 429, retryAfter: '0' },
      { on: WRITES, lost: true },
      { on: WRITES, failing: 7, actionStatus: 503 },
    );
    await addDocument(database, azure.index, userId, passages(700, 'pump'));
    expect(server.entries()).to.have.length(700);
    const writes = server.calls.filter(({ path }) => path.includes('search.index'));
    const sizes = writes.map(({ body }) => (JSON.parse(body) as { value: unknown[] }).value.length);
    expect(sizes).to.include(7);
    expect(Math.max(...sizes)).to.be.at.most(1000);
    expect(writes.map(({ status }) => status)).to.include.members([503, 429, 0, 207, 200]);
    expect(Math.max(...writes.map(({ body }) => body.length))).to.be.at.most(16 * 1024 * 1024);
    expect(await search('pump', { limit: 50 })).to.have.length(50);
  });

  it('fails an upload that is refused, with the reason, and leaves nothing of it', async () => {
    const id = await addDocument(database, azure.index, userId, ['kept']);
    server.planned.push({ on: WRITES, failing: 1, actionStatus: 400 });
    const refused = await failure(replaceChunks(database, azure.index, id, toChunks(['one', 'two'])));
    expect(refused).to.include({ name: 'IndexError', kind: 'refused' });
    expect(refused.message).to.include('did not take 1 passage (400)');
    expect(await texts('kept one two')).to.deep.equal(['kept']);
    await azure.settled();
    expect(held()).to.deep.equal(['kept']);
  });

  it('shows the old version or the new one whole, whenever it is asked meanwhile', async () => {
    server.seenAfterMs = 40;
    const id = await addDocument(database, azure.index, userId, passages(5, 'version0'));
    const seen: string[] = [];
    let ended = false;
    const reader = (async () => {
      while (!ended) {
        const found = await texts('number0 number1 number2 number3 number4', { mode: 'keyword', limit: 50 });
        expect(found).to.have.length(5);
        expect(new Set(found.map((text) => text.split(' ')[0])).size).to.equal(1);
        seen.push(found[0]!.split(' ')[0]!);
      }
    })();
    for (let version = 1; version <= 6; version += 1) {
      await replaceChunks(database, azure.index, id, toChunks(passages(5, `version${version}`)));
      if (version % 2 === 0) await azure.settled();
    }
    ended = true;
    await reader;
    expect(new Set(seen).size).to.be.greaterThan(1);
    expect(await texts('number1', { mode: 'keyword' })).to.deep.equal(['version6 number1']);
    await azure.settled();
    expect(server.entries()).to.have.length(5);
    expect(azure.logs()).not.to.include('did not answer a search');
  });

  it('shows nothing of an upload that a dead process left, and removes it later', async () => {
    const id = await addDocument(database, azure.index, userId, ['kept as it is']);
    // As after kill -9 between the upload and the commit: neither replaced nor discarded.
    await prepareChunks(database, azure.index, id, toChunks(['left by the dead', 'also left']));
    expect(held()).to.have.length(3);
    for (const mode of MODES) expect(await texts('left dead', { mode })).not.to.include('left by the dead');
    await azure.settled();
    expect(held(), 'the upload might still go on').to.have.length(3);
    await asIfHoursLater();
    await azure.settled();
    expect(held()).to.deep.equal(['kept as it is']);
    expect(await database.knex('index_copies').pluck('state')).to.deep.equal(['current']);
  });

  it('does not show an upload that was given up before it was committed', async () => {
    const id = await addDocument(database, azure.index, userId, ['kept']);
    const chunks = toChunks(['too late']);
    const prepared = await prepareChunks(database, azure.index, id, chunks);
    await asIfHoursLater();
    await azure.settled();
    const late = await failure(database.transaction((trx) => azure.index.replace(trx, id, chunks, EMBEDDER, prepared)));
    expect(late).to.include({ name: 'IndexError', kind: 'unavailable' });
    await azure.index.discard(prepared);
    await azure.settled();
    expect(held()).to.deep.equal(['kept']);
    expect(await texts('kept')).to.deep.equal(['kept']);
  });

  it('forgets deleted documents at once, and lets go of their passages although the service fails at first', async () => {
    const id = await addDocument(database, azure.index, userId, passages(30, 'gone'));
    const other = await addUser(database, 'ben@example.com');
    await addDocument(database, azure.index, other, ['gone with its user']);
    await addDocument(database, azure.index, userId, ['gone is not this one']);
    await database.knex('documents').where({ id }).del();
    await database.knex('users').where({ id: other }).del();
    expect(await texts('gone', { limit: 50 })).to.deep.equal(['gone is not this one']);
    // All six tries for each of the two.
    server.planned.push(...Array.from({ length: 12 }, () => ({ on: WRITES, status: 500 })));
    await azure.settled();
    expect(held()).to.have.length(32);
    await asIfHoursLater();
    await azure.settled();
    expect(held()).to.deep.equal(['gone is not this one']);
  });

  it('learns a new title, place, category and account without another upload', async () => {
    const id = await addDocumentRow(database, userId, 1, { title: 'Balloon', path: 'a/Balloon' });
    await replaceChunks(database, azure.index, id, toChunks(['about pumps']));
    const [before] = server.entries();
    await database.transaction(async (trx) => {
      await trx('documents').where({ id }).update({ title: 'Zeppelin', path: 'b/c/Zeppelin', category: "it's" });
      await azure.index.rename(trx, id, 'Zeppelin');
    });
    await azure.settled();
    const [after] = server.entries();
    expect(after).to.include({ id: before?.id, title: 'Zeppelin', category: "it's" });
    expect(after?.vector).to.deep.equal(before?.vector);
    expect(after?.folders).to.deep.equal(['b/c/Zeppelin', 'b/c', 'b']);
    expect(await texts('zeppelin', { mode: 'keyword', folder: 'b/c', category: "it's" })).to.deep.equal([
      'about pumps',
    ]);
    expect(await texts('balloon', { mode: 'keyword' })).to.deep.equal([]);
    expect(await texts('zeppelin', { mode: 'keyword', folder: 'a' })).to.deep.equal([]);
  });

  it('keeps to the filters, whatever characters they hold', async () => {
    const evil = "x' or userId ne '";
    const integrationId = randomUUID();
    const account = { id: integrationId, user_id: userId, platform: 'google_drive', account_id: 'a', status: 'active' };
    await database.knex('user_integrations').insert(account);
    const add = async (text: string, path: string, columns: object = {}, owner = userId) => {
      const id = await addDocumentRow(database, owner, 1, { path });
      if (Object.keys(columns).length > 0) await database.knex('documents').where({ id }).update(columns);
      await replaceChunks(database, azure.index, id, toChunks([text]));
    };
    const other = await addUser(database, 'ben@example.com');
    await add('budget theirs', 'Drive/plan', {}, other);
    await add('budget one', "Drive/O'Brien, 100%/plan", { category: evil, modified_at: new Date('2026-03-01') });
    await add('budget two', 'Drive/other/plan', { integration_id: integrationId, modified_at: new Date('2026-03-02') });
    await add('budget three', 'Drive', { platform: 'jira' });
    const cases: [Partial<SearchQuery>, string[]][] = [
      [{}, ['budget one', 'budget three', 'budget two']],
      [{ userId: other }, ['budget theirs']],
      [{ category: evil }, ['budget one']],
      [{ category: "' or userId ne '" }, []],
      [{ folder: "Drive/O'Brien, 100%" }, ['budget one']],
      [{ folder: 'Drive/oth' }, []],
      [{ folder: 'nul \0 byte' }, []],
      [{ folder: 'Drive' }, ['budget one', 'budget three', 'budget two']],
      [{ integrationId }, ['budget two']],
      [{ platform: 'jira' }, ['budget three']],
      [{ modifiedFrom: new Date('2026-03-02') }, ['budget two']],
      [{ modifiedTo: new Date('2026-03-01') }, ['budget one']],
      [
        { modifiedFrom: new Date('2026-03-01'), modifiedTo: new Date('2026-03-02'), folder: 'Drive/other' },
        ['budget two'],
      ],
    ];
    for (const [place, [query, expected]] of cases.entries())
      for (const mode of place < 4 ? MODES : (['hybrid'] as const))
        expect((await texts('budget', { mode, ...query })).sort(), JSON.stringify(query)).to.deep.equal(expected);
    expect(azure.logs()).not.to.include('did not answer a search');
  });

  it('lets the semantic ranker choose the order where there is one, and goes on without it where there is none', async () => {
    await addDocument(database, azure.index, userId, ['ferry ferry ferry', 'the ferry of the winter timetable']);
    const ranked = openAzureIndex(database, server, { embedderId: EMBEDDER, ranker: true });
    const query = 'winter timetable of the ferry';
    expect((await texts(query, { mode: 'hybrid' }, ranked))[0]).to.equal('the ferry of the winter timetable');
    const asked = () => server.calls.filter(({ body }) => body.includes('"queryType":"semantic"')).length;
    expect(asked()).to.equal(1);
    server.hasRanker = false;
    expect(await texts(query, { mode: 'hybrid' }, ranked)).to.have.length(2);
    expect(await texts(query, { mode: 'hybrid' }, ranked)).to.have.length(2);
    expect(asked()).to.equal(2);
    expect(ranked.logs()).to.include('the semantic ranker is not there');
    await ranked.close();
  });

  it('answers from the database while the service does not', async () => {
    await addDocument(database, azure.index, userId, ['Winter timetable']);
    server.planned.push({ on: SEARCHES, status: 503 }, { on: SEARCHES, status: 503 });
    expect(await texts('winter')).to.deep.equal(['Winter timetable']);
    expect(azure.logs()).to.include('the index did not answer a search, and the database did');
  });

  it('is filled from what is stored, also after the index was deleted, and the database answers until then', async () => {
    const postgres = createPostgresIndex(database);
    for (const n of [1, 2, 3])
      await addDocument(database, postgres, userId, [`stored ${n}`, 'shared'], { title: `T${n}` });
    const later = openAzureIndex(database, server, { embedderId: EMBEDDER });
    expect(await texts('stored', { mode: 'keyword' }, later)).to.have.length(3);
    expect(server.calls.filter(({ path }) => path.includes('post.search'))).to.deep.equal([]);
    await later.settled();
    await later.close();
    expect(server.entries()).to.have.length(6);
    expect(server.entries().every(({ vector }) => Array.isArray(vector))).to.equal(true);
    expect(await texts('stored', { mode: 'keyword' })).to.have.length(3);
    expect(server.calls.filter(({ path }) => path.includes('post.search')).length).to.be.greaterThan(0);

    server.indexes.clear();
    expect(await azure.keeper.open()).to.equal('made');
    await azure.settled();
    expect(server.entries()).to.have.length(6);
  });

  it('gets new vectors when the embedder is another, once they are there', async () => {
    await addDocument(database, azure.index, userId, ['winter timetable']);
    const other = openAzureIndex(database, server, { embedderId: 'other' });
    await other.settled();
    expect(server.entries().map(({ vector }) => vector)).to.deep.equal([undefined]);
    await other.index.storeEmbeddings(
      new Map(toChunks(['winter timetable']).map(({ textHash }) => [textHash, embedWords('another')])),
      'other',
    );
    await other.settled();
    expect(server.entries()).to.have.length(1);
    expect(await texts('x', { mode: 'semantic', embedding: embedWords('another') }, other)).to.deep.equal([
      'winter timetable',
    ]);
    await other.close();
  });
});
