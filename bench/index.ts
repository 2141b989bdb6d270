import type { Knex } from 'knex';
import type { Database } from '../server/database/database.ts';
import { createPostgresIndex } from '../server/index/postgres.ts';
import { databaseKinds, openTestDatabase } from '../test/helpers/database.ts';
import { addDocumentRow, addUser } from '../test/index/passages.ts';
import type { Bench } from './bench.ts';
import { median, timed } from './measure.ts';
import { createPassages, DIMENSIONS, type Passage } from './passages.ts';

const PASSAGES = 100_000;
const PASSAGES_OF_DOCUMENT = 20;
const AT_ONCE = 4;
const ROUNDS = 5;
const SEARCH_ROUNDS = 6;
const WRITTEN = 2_000;
const QUERIES = 50;
const EMBEDDER = 'bench';
const HNSW = `chunk_embeddings_hnsw_${DIMENSIONS}_idx`;

/** Memory to build the approximate index in: with less than it takes, the building is many times slower. */
const BUILD_MEMORY = '1GB';

type Samples = { replace: number[]; insert: number[]; search: Record<string, { hybrid: number[]; bare: number[] }> };

/** The index on a Postgres server: writing beside an insert of the same rows, and a hybrid search beside the bare approximate index. */
export const index: Bench = {
  name: 'index',
  about: `writing ${WRITTEN} passages, and searching ${PASSAGES} of one user, before and after statistics were gathered`,
  async run(say) {
    if (!databaseKinds.includes('postgres')) throw new Error('TEST_DATABASE_URL names no Postgres server to measure.');
    const database = await openTestDatabase('postgres');
    try {
      return toTable(await measure(database, say));
    } finally {
      await database.close();
    }
  },
};

async function measure(database: Database, say: (line: string) => void): Promise<Samples> {
  const { knex } = database;
  const made = createPassages(1);
  const userId = await addUser(database, 'bench@example.com');
  // Gathered when this says so, and not in between.
  for (const table of ['documents', 'chunks', 'chunk_embeddings'])
    await knex.raw('alter table ?? set (autovacuum_enabled = false)', [table]);
  const definition = await indexDefinition(knex);
  await knex.raw('drop index ??', [HNSW]);
  const write = async (passages: Passage[]) => {
    await createPostgresIndex(database).storeEmbeddings(
      new Map(passages.map(({ hash, vector }) => [hash, vector])),
      EMBEDDER,
    );
    const id = await addDocumentRow(database, userId, passages.length, {});
    return { id, ms: await timed(() => replace(database, id, passages)) };
  };
  const some = (count: number) => Array.from({ length: count }, () => made.passage());
  for (let filled = 0; filled < PASSAGES; filled += AT_ONCE * PASSAGES_OF_DOCUMENT) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => write(some(PASSAGES_OF_DOCUMENT))));
    if (filled % 10_000 === 0) say(`${filled} of ${PASSAGES} passages`);
  }
  const samples: Samples = { replace: [], insert: [], search: {} };
  for (let round = 1; round <= ROUNDS; round += 1) {
    await takeIn(knex);
    const { id, ms } = await write(some(WRITTEN));
    samples.replace.push(ms + (await timed(() => takeIn(knex))));
    samples.insert.push(await insertAgain(database, id));
    await knex('documents').where({ id }).del();
    say(`round ${round} of ${ROUNDS} of writing`);
  }
  await knex.transaction(async (trx) => {
    await trx.raw(`set local maintenance_work_mem = '${BUILD_MEMORY}'`);
    await trx.raw(definition);
  });
  say('the approximate index is built');
  const hybrid = createPostgresIndex(database);
  const queries = Array.from({ length: QUERIES }, () => made.query());
  for (const when of ['before statistics', 'after statistics']) {
    if (when.startsWith('after')) await knex.raw('analyze');
    const found = { hybrid: [] as number[], bare: [] as number[] };
    for (let round = 0; round <= SEARCH_ROUNDS; round += 1)
      for (const { text, vector } of queries) {
        const search = {
          bare: () => nearest(database, vector),
          hybrid: () =>
            hybrid.search({ userId, text, embedding: vector, embedderId: EMBEDDER, mode: 'hybrid', limit: 10 }),
        };
        const took = { bare: 0, hybrid: 0 };
        // Each goes first in every other round: the second finds in memory what the first has read.
        for (const which of round % 2 ? (['bare', 'hybrid'] as const) : (['hybrid', 'bare'] as const))
          took[which] = await timed(search[which]);
        // The first round only fills the caches.
        if (round === 0) continue;
        found.bare.push(took.bare);
        found.hybrid.push(took.hybrid);
      }
    samples.search[when] = found;
  }
  return samples;
}

const replace = (database: Database, id: string, passages: Passage[]) =>
  database.transaction((trx) =>
    createPostgresIndex(database).replace(
      trx,
      id,
      passages.map(({ text, hash }, ordinal) => ({
        ordinal,
        text,
        headingPath: [],
        tokenCount: 120,
        textHash: hash,
        embedText: text,
      })),
      EMBEDDER,
    ),
  );

/** Milliseconds of writing a document's rows once more, by inserts of many rows in one transaction. */
async function insertAgain(database: Database, id: string): Promise<number> {
  const { knex } = database;
  const columns = 'document_id, ordinal, text, heading_path, page, anchor, token_count, text_hash, terms, term_count';
  const { rows } = await knex.raw<{ rows: { terms: string }[] }>(
    `select ${columns.replace('terms,', 'terms::text as terms,')} from chunks where document_id = ? order by ordinal`,
    [id],
  );
  await knex('chunks').where({ document_id: id }).del();
  return timed(async () => {
    await database.transaction(async (trx) => {
      for (let at = 0; at < rows.length; at += 500) await trx('chunks').insert(rows.slice(at, at + 500));
    });
    await takeIn(knex);
  });
}

/** Brings what waits outside into the inverted index: else whoever writes last pays for those before. */
const takeIn = (knex: Knex) => knex.raw("select gin_clean_pending_list('chunks_terms_idx')");

/** What pgvector takes by itself for as many neighbours as the semantic half of a search asks for. */
const nearest = (database: Database, vector: Float32Array) =>
  database.transaction(async (trx) => {
    await trx.raw('set local hnsw.ef_search = 100');
    await trx.raw(
      `select text_hash from chunk_embeddings where vector_dims(embedding) = ${DIMENSIONS}
       order by embedding::halfvec(${DIMENSIONS}) <=> ?::halfvec(${DIMENSIONS}) limit 100`,
      [`[${vector.join(',')}]`],
    );
  });

async function indexDefinition(knex: Knex): Promise<string> {
  const { rows } = await knex.raw<{ rows: { definition: string }[] }>(
    'select pg_get_indexdef(?::regclass) as definition',
    [HNSW],
  );
  return rows[0]?.definition ?? '';
}

function toTable(samples: Samples) {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const p95 = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0;
  const row = (what: string, ours: number, bare: number, ratio: number) => [
    what,
    ms(ours),
    ms(bare),
    `${ratio.toFixed(2)} ×`,
  ];
  const [replaced, inserted] = [median(samples.replace), median(samples.insert)];
  return {
    columns: ['', 'the hub', 'Postgres alone', 'ratio'],
    rows: [
      row(`writing ${WRITTEN} passages (speed)`, replaced, inserted, inserted / replaced),
      ...Object.entries(samples.search).flatMap(([when, { hybrid, bare }]) => [
        row(`hybrid search, ${when}, median`, median(hybrid), median(bare), median(hybrid) / median(bare)),
        row(`hybrid search, ${when}, 95 of 100 within`, p95(hybrid), p95(bare), p95(hybrid) / p95(bare)),
      ]),
    ],
    samples,
  };
}
