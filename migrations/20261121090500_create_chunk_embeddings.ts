import type { Knex } from 'knex';

/** Lengths of vectors that get an approximate index on a Postgres server; vectors of any other length are searched exactly. */
const INDEXED_DIMENSIONS = [1024, 1536, 3072];

/**
 * One row per distinct text and embedder; chunks refer to it by `text_hash`, so that nothing is embedded twice. Without pgvector
 * the vectors are kept as `real[]`, and search is by keyword.
 */
export async function up(knex: Knex): Promise<void> {
  const hasVectors = await createVectorExtension(knex);
  await knex.raw(`
    create table chunk_embeddings (
      text_hash text not null,
      embedder text not null,
      embedding ${hasVectors ? 'vector' : 'real[]'} not null,
      constraint chunk_embeddings_pkey primary key (text_hash, embedder)
    );
    -- Vectors stay in the row, uncompressed, as long as they fit a page: exact scans are three times faster than from TOAST.
    alter table chunk_embeddings alter column embedding set storage external;
    alter table chunk_embeddings set (toast_tuple_target = 8160);

    -- the chunks of an embedding: the semantic arm of search, and finding embeddings that no chunk refers to
    create index chunks_text_hash_idx on chunks (text_hash);

    -- a chunk's length in terms, for the ranking by keywords
    alter table chunks add column term_count integer not null default 0;
  `);
  // The embedded engine scans exactly: there an index takes minutes to build and a third of a second for each insert.
  if (!hasVectors || (await isEmbedded(knex)) || !(await typeExists(knex, 'halfvec'))) return;
  for (const dimensions of INDEXED_DIMENSIONS)
    await knex.raw(`
      -- the semantic arm of search for vectors of ${dimensions} numbers
      create index chunk_embeddings_hnsw_${dimensions}_idx on chunk_embeddings
        using hnsw ((embedding::halfvec(${dimensions})) halfvec_cosine_ops)
        where vector_dims(embedding) = ${dimensions};
    `);
}

/** The extension stays: others may use it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table chunks drop column term_count;
    drop index chunks_text_hash_idx;
    drop table chunk_embeddings;
  `);
}

/** Whether the type `vector` can be used; a server without pgvector, or a role that may not create it, is no error. */
async function createVectorExtension(knex: Knex): Promise<boolean> {
  const available = await knex('pg_available_extensions').where({ name: 'vector' }).first<{ name: string }>('name');
  if (!available) return false;
  // A migration runs in a transaction: the nested one is a savepoint, so that a refusal does not end the outer.
  await knex.transaction((savepoint) => savepoint.raw('create extension if not exists vector')).catch(() => undefined);
  return typeExists(knex, 'vector');
}

async function typeExists(knex: Knex, name: string): Promise<boolean> {
  const answer = await knex.raw<{ rows: { found: boolean }[] }>('select to_regtype(?) is not null as found', [name]);
  return answer.rows[0]?.found === true;
}

/** PGlite's `version()`: "PostgreSQL 18.6 (PGlite 0.5.14) on wasm32-unknown-emscripten, …". */
async function isEmbedded(knex: Knex): Promise<boolean> {
  const answer = await knex.raw<{ rows: { version: string }[] }>('select version() as version');
  return /pglite|emscripten|wasm/i.test(answer.rows[0]?.version ?? '');
}
