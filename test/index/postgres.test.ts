import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import type { SearchIndex, SearchQuery } from '../../server/index/index.ts';
import { createPostgresIndex, deleteOrphanEmbeddings } from '../../server/index/postgres.ts';
import { onEachDatabase } from '../helpers/database.ts';
import {
  EMBEDDER,
  addDocument,
  addDocumentRow,
  addUser,
  embedWords,
  hashOf,
  replaceChunks,
  toChunks,
} from './passages.ts';

onEachDatabase('the search index', (open) => {
  let database: Database;
  let index: SearchIndex;
  let userId: string;

  before(async () => {
    database = await open();
    index = createPostgresIndex(database);
  });
  after(() => database.close());
  beforeEach(async () => {
    await database.knex('users').del();
    userId = await addUser(database, 'ann@example.com');
  });

  const search = (text: string, more: Partial<SearchQuery> = {}) =>
    index.search({ userId, text, embedding: embedWords(text), mode: 'hybrid', limit: 10, ...more });
  const texts = async (text: string, more: Partial<SearchQuery> = {}) =>
    (await search(text, more)).map((result) => result.text);

  const storedVector = async (text: string) => {
    const row = await database
      .knex('chunk_embeddings')
      .where({ text_hash: hashOf(text), embedder: EMBEDDER })
      .first<{ vector: number[] }>(database.knex.raw('embedding::real[] as vector'));
    return Float32Array.from(row.vector);
  };

  it('scores the same whatever other users have', async () => {
    await addDocument(database, index, userId, ['Pump maintenance plan', 'Crew rota']);
    const before = await search('pump rota swordfish');
    const other = await addUser(database, 'ben@example.com');
    await addDocument(database, index, other, ['swordfish pump', 'pump pump rota', 'swordfish']);
    const after = await search('pump rota swordfish');
    expect(after.map(({ text, score, confidence }) => ({ text, score, confidence }))).to.deep.equal(
      before.map(({ text, score, confidence }) => ({ text, score, confidence })),
    );
  });

  it('finds and scores the same by words among many passages, whoever else has more', async () => {
    const texts = Array.from(
      { length: 3_200 },
      (_, n) =>
        `harbour ${n % 2 ? 'winter' : 'summer'} ${n % 3 ? 'ferry' : 'cargo'} ${n % 400 ? 'herring' : 'swordfish'} ${n === 1700 ? 'gangway' : 'quay'}`,
    );
    // One vector for all, since only words are asked for.
    await index.storeEmbeddings(new Map([[hashOf('any'), embedWords('any')]]), EMBEDDER);
    const chunks = toChunks(texts).map((chunk) => ({ ...chunk, textHash: hashOf('any') }));
    const id = await addDocumentRow(database, userId, chunks.length, {});
    await database.transaction((trx) => index.replace(trx, id, chunks, EMBEDDER));
    const ask = async (text: string) =>
      (await search(text, { mode: 'keyword' })).map(({ ordinal, score, confidence }) => ({
        ordinal,
        score,
        confidence,
      }));
    const queries = ['gangway', 'swordfish cargo', 'winter cargo', 'harbour ferry', 'harbour'];
    const askAll = async () => {
      const answers: Awaited<ReturnType<typeof ask>>[] = [];
      for (const query of queries) answers.push(await ask(query));
      return answers;
    };
    const alone = await askAll();
    const [one = [], rare = [], middling = [], common = [], any = []] = alone.map((found) =>
      found.map(({ ordinal }) => ordinal),
    );
    expect(one).to.deep.equal([1700]);
    expect(rare.slice(0, 3)).to.have.members([0, 1200, 2400]);
    expect(middling.filter((n) => n % 2 && n % 3 === 0)).to.have.length(10);
    expect(common.filter((n) => n % 3)).to.have.length(10);
    expect(any).to.have.length(10);

    // So many more of another user that the search asks the inverted index for the owner as well.
    const other = await addUser(database, 'ben@example.com');
    await database.knex.raw(
      `insert into chunks (document_id, ordinal, text, token_count, text_hash, terms, term_count)
       select ?, n, repeat('x', 1800), 1, ?, 'harbour swordfish cargo winter gangway'::tsvector, 5 from generate_series(1, 14000) as n`,
      [await addDocumentRow(database, other, 14_000, {}), hashOf('any')],
    );
    expect(await askAll()).to.deep.equal(alone);
  });

  it('stores the same text once, knows it again, and forgets it when no chunk refers to it', async () => {
    const first = await addDocument(database, index, userId, ['boilerplate', 'boilerplate', 'own text']);
    const second = await addDocument(database, index, userId, ['boilerplate']);
    await database.transaction(deleteOrphanEmbeddings);
    const count = async () => Number((await database.knex('chunk_embeddings').count({ n: '*' }).first())?.n);
    expect(await count()).to.equal(2);

    const known = await index.knownEmbeddings([hashOf('boilerplate'), hashOf('never seen')], EMBEDDER);
    expect([...known]).to.deep.equal([hashOf('boilerplate')]);
    expect(await storedVector('boilerplate')).to.deep.equal(embedWords('boilerplate'));
    expect((await index.knownEmbeddings([hashOf('boilerplate')], 'another')).size).to.equal(0);
    expect((await index.knownEmbeddings([], EMBEDDER)).size).to.equal(0);

    await database.knex('documents').where({ id: first }).del();
    expect(await database.transaction(deleteOrphanEmbeddings)).to.equal(1);
    expect(await texts('boilerplate', { mode: 'semantic' })).to.deep.equal(['boilerplate']);
    await database.knex('documents').where({ id: second }).del();
    expect(await database.transaction(deleteOrphanEmbeddings)).to.equal(1);
    expect(await count()).to.equal(0);
  });

  it('keeps what was stored for a document that is still to come, whoever else deletes theirs, but not for ever', async () => {
    const id = await addDocument(database, index, userId, ['of a document', 'shared']);
    const vectors = new Map(['shared', 'ahead'].map((text) => [hashOf(text), embedWords(text)]));
    await index.storeEmbeddings(vectors, EMBEDDER);
    await database.knex('documents').where({ id }).del();
    // What was stored before is not pending: with its only document it goes.
    expect(await database.transaction(deleteOrphanEmbeddings)).to.equal(2);
    expect(await index.knownEmbeddings([...vectors.keys()], EMBEDDER)).to.have.keys(hashOf('ahead'));

    const later = await addDocument(database, index, userId, ['ahead']);
    expect(await database.knex('pending_embeddings').select('text_hash')).to.deep.equal([]);
    await database.knex('documents').where({ id: later }).del();
    expect(await database.transaction(deleteOrphanEmbeddings)).to.equal(1);

    await index.storeEmbeddings(vectors, EMBEDDER);
    await database.knex('pending_embeddings').update({ created_at: new Date(Date.now() - 25 * 3_600_000) });
    expect(await database.transaction(deleteOrphanEmbeddings)).to.equal(2);
    expect(await database.knex('pending_embeddings').select('text_hash')).to.deep.equal([]);
  });

  it('compares with vectors of the named embedder only, and never with those of another length', async () => {
    const id = await addDocumentRow(database, userId, 2, {});
    await replaceChunks(database, index, id, toChunks(['short vector']), { embedder: 'short', dimensions: 256 });
    await addDocument(database, index, userId, ['long vector']);
    expect(await texts('vector', { mode: 'semantic' })).to.deep.equal(['long vector']);
    expect(await texts('vector', { mode: 'semantic', embedding: embedWords('vector', 256) })).to.deep.equal([
      'short vector',
    ]);
    const query = { userId, text: 'x', embedding: embedWords('vector'), mode: 'semantic', limit: 5 } as const;
    expect(await index.search({ ...query, embedderId: 'other' })).to.deep.equal([]);
    expect(await index.search({ ...query, embedderId: EMBEDDER })).to.have.length(1);
  });

  it('finds the same neighbours by the approximate index as by comparing every vector', async () => {
    const other = await addUser(database, 'ben@example.com');
    const words = ['pump', 'valve', 'engine', 'rota', 'berth', 'ferry', 'winter', 'budget'];
    const passages = Array.from(
      { length: 120 },
      (_, n) => `${words[n % 8]} ${words[(n >> 3) % 8]} ${words[(n * 7 + 3) % 8]} ${n === 1700 ? 'gangway' : 'quay'}`,
    );
    await addDocument(database, index, userId, passages, { category: 'own' });
    await addDocument(database, index, other, [...passages, ...passages.map((text) => `${text} theirs`)]);
    const query = {
      userId,
      text: 'engine berth',
      embedding: embedWords('engine berth'),
      embedderId: EMBEDDER,
      mode: 'semantic',
      limit: 10,
      category: 'own',
    } as const;
    const exact = await createPostgresIndex(database).search(query);
    const approximate = await createPostgresIndex(database, { exactUpTo: 0 }).search(query);
    expect(approximate).to.have.length(10);
    const similarity = (text: string) =>
      embedWords(text).reduce((sum, value, place) => sum + value * (query.embedding[place] ?? 0), 0);
    const sum = (texts: { text: string }[]) => texts.reduce((total, { text }) => total + similarity(text), 0);
    expect(sum(approximate)).to.be.closeTo(sum(exact), 0.05);
    for (const { text } of approximate) expect(text).not.to.match(/theirs/);
  });

  it('searches by words where the vectors are stored without pgvector', async () => {
    const indexes = [1024, 1536, 3072].map((dimensions) => `chunk_embeddings_hnsw_${dimensions}_idx`);
    await database.knex.raw(`drop index if exists ${indexes.join(', ')}`);
    await database.knex.raw('alter table chunk_embeddings alter column embedding type real[] using embedding::real[]');
    const plain = createPostgresIndex(database);
    await addDocument(database, plain, userId, ['Winter timetable', 'Summer timetable']);
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      const query = { userId, text: 'winter', embedding: embedWords('summer'), mode, limit: 5 };
      expect((await plain.search(query)).map(({ text }) => text)).to.deep.equal(['Winter timetable']);
    }
    expect(await storedVector('Winter timetable')).to.deep.equal(embedWords('Winter timetable'));
  });
});
