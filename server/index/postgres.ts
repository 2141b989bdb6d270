import type { Knex } from 'knex';
import type { Database } from '../database/database.ts';
import type { IndexedChunk, SearchIndex } from './index.ts';
import { searchPostgres, toVector } from './postgres-search.ts';
import { countTerms, ownerTerm, toTsvector } from './terms.ts';

const BATCH = 100;

type VectorStorage = 'vector' | 'real[]';

/**
 * The index in the hub's own database. `embedderId` names the embedder whose vectors are searched; without it, vectors of every
 * embedder with the query vector's length are compared. Without pgvector, or without a query vector, every mode is by keyword.
 */
export function createPostgresIndex(database: Database, options: { embedderId?: string } = {}): SearchIndex {
  let storage: VectorStorage | undefined;
  const storageIn = async (trx: Knex.Transaction) => (storage ??= await readVectorStorage(trx));

  return {
    async replace(trx, documentId, chunks, embedderId) {
      // Two replacements of one document wait for each other here.
      const document = await trx('documents')
        .where({ id: documentId })
        .forUpdate()
        .first<{ user_id: string } | undefined>('user_id');
      if (!document) throw new Error(`There is no document ${documentId} to index chunks of.`);
      // Before the chunks: deleteOrphanEmbeddings relies on it.
      await storeEmbeddings(trx, chunks, embedderId, await storageIn(trx));
      await trx('chunks').where({ document_id: documentId }).del();
      for (let start = 0; start < chunks.length; start += BATCH)
        await trx('chunks').insert(
          chunks.slice(start, start + BATCH).map((chunk) => toRow(trx, documentId, document.user_id, chunk)),
        );
    },

    async knownEmbeddings(textHashes, embedderId) {
      if (textHashes.length === 0) return new Map();
      const answer = await database.transaction((trx) =>
        trx.raw<{ rows: { text_hash: string; embedding: number[] }[] }>(
          'select text_hash, embedding::real[] as embedding from chunk_embeddings where text_hash = any(?) and embedder = ?',
          [textHashes, embedderId],
        ),
      );
      return new Map(answer.rows.map((row) => [row.text_hash, Float32Array.from(row.embedding)]));
    },

    search: (query) =>
      database.transaction(async (trx) =>
        searchPostgres(trx, query, {
          vectors: (await storageIn(trx)) === 'vector',
          approximate: database.kind === 'postgres',
          embedderId: options.embedderId,
        }),
      ),
  };
}

/**
 * Removes embeddings that no chunk refers to any more; gives their number. To be run in a transaction of its own: it waits for
 * replacements under way and holds back new ones until it ends.
 */
export async function deleteOrphanEmbeddings(trx: Knex.Transaction): Promise<number> {
  // Without the lock a replacement could be counting on a stored embedding that goes at the same moment.
  await trx.raw('lock table chunk_embeddings in share row exclusive mode');
  const answer = await trx.raw<{ rowCount: number | null }>(
    `delete from chunk_embeddings e
     where not exists (select from chunks c where c.text_hash = e.text_hash)`,
  );
  return answer.rowCount ?? 0;
}

async function readVectorStorage(trx: Knex.Transaction): Promise<VectorStorage> {
  const answer = await trx.raw<{ rows: { type: string }[] }>(
    `select format_type(atttypid, null) as type from pg_attribute
     where attrelid = 'chunk_embeddings'::regclass and attname = 'embedding'`,
  );
  return answer.rows[0]?.type.startsWith('real') ? 'real[]' : 'vector';
}

async function storeEmbeddings(
  trx: Knex.Transaction,
  chunks: IndexedChunk[],
  embedderId: string,
  storage: VectorStorage,
): Promise<void> {
  // In the order of their hashes: two transactions that store the same texts wait for each other, and never in a circle.
  const distinct = new Map(chunks.map((chunk) => [chunk.textHash, chunk.embedding]));
  const rows = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH);
    const values = batch.map(([, embedding]) =>
      storage === 'vector' ? toVector(embedding) : `{${embedding.join(',')}}`,
    );
    await trx.raw(
      `insert into chunk_embeddings (text_hash, embedder, embedding)
       select t.hash, ?, t.embedding::${storage} from unnest(?::text[], ?::text[]) as t (hash, embedding)
       on conflict do nothing`,
      [embedderId, batch.map(([hash]) => hash), values],
    );
  }
}

function toRow(trx: Knex.Transaction, documentId: string, userId: string, chunk: IndexedChunk) {
  const counts = countTerms(chunk.embedText);
  let length = 0;
  for (const count of counts.values()) length += count;
  counts.set(ownerTerm(userId), 1);
  return {
    document_id: documentId,
    ordinal: chunk.ordinal,
    text: withoutNul(chunk.text),
    heading_path: chunk.headingPath.map(withoutNul),
    page: chunk.page ?? null,
    anchor: chunk.anchor === undefined ? null : withoutNul(chunk.anchor),
    token_count: chunk.tokenCount,
    text_hash: chunk.textHash,
    terms: trx.raw('?::tsvector', [toTsvector(counts)]),
    term_count: length,
  };
}

/** Postgres' text cannot hold the character NUL. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
