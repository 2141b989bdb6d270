import type { Knex } from 'knex';
import type { Database } from '../database/database.ts';
import type { IndexedChunk, SearchIndex } from './index.ts';
import { searchPostgres, toVector } from './postgres-search.ts';
import { countTerms, ownerTerm, toTsvector } from './terms.ts';

/** Rows of one statement: few, since splitting texts into terms holds the event loop meanwhile. */
const BATCH = 32;

type VectorStorage = {
  type: 'vector' | 'real[]';
  /** From 0.8 on, pgvector's index goes on until it has enough rows that pass the filter. */
  filteredScans: boolean;
};

export type PostgresIndexOptions = {
  /**
   * The embedder whose vectors are searched. Without it, vectors of every embedder with the query vector's length are compared,
   * with the small say that the built-in one has.
   */
  embedderId?: string;
  /** Visible passages up to which a server compares every vector instead of asking the approximate index. Default 10,000. */
  exactUpTo?: number;
};

/**
 * The index in the hub's own database. Without pgvector, or without a query vector, every mode is by keyword.
 */
export function createPostgresIndex(database: Database, options: PostgresIndexOptions = {}): SearchIndex {
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
      await storeEmbeddings(trx, chunks, embedderId, (await storageIn(trx)).type);
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
          vectors: (await storageIn(trx)).type === 'vector',
          approximate: database.kind === 'postgres' && (await storageIn(trx)).filteredScans,
          exactUpTo: options.exactUpTo ?? 10_000,
          embedderId: options.embedderId,
          semanticWeight: semanticWeightOf(options.embedderId),
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

/**
 * The built-in embedder compares spellings, which the keyword arm knows better: it has a small say, for typos and inflections.
 * Measured in test/index/retrieval.test.ts; a trained model has the same say as the words.
 */
function semanticWeightOf(embedderId = 'lexical'): number {
  return embedderId.startsWith('lexical') ? 0.2 : 1;
}

async function readVectorStorage(trx: Knex.Transaction): Promise<VectorStorage> {
  const answer = await trx.raw<{ rows: { type: string; version: string | null }[] }>(
    `select format_type(atttypid, null) as type,
       (select extversion from pg_extension where extname = 'vector') as version
     from pg_attribute where attrelid = 'chunk_embeddings'::regclass and attname = 'embedding'`,
  );
  const row = answer.rows[0];
  const [major = 0, minor = 0] = (row?.version ?? '0').split('.').map(Number);
  return { type: row?.type.startsWith('real') ? 'real[]' : 'vector', filteredScans: major > 0 || minor >= 8 };
}

async function storeEmbeddings(
  trx: Knex.Transaction,
  chunks: IndexedChunk[],
  embedderId: string,
  type: VectorStorage['type'],
): Promise<void> {
  // In the order of their hashes: two transactions that store the same texts wait for each other, and never in a circle.
  const distinct = new Map(chunks.map((chunk) => [chunk.textHash, chunk.embedding]));
  const rows = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH);
    const values = batch.map(([, embedding]) => (type === 'vector' ? toVector(embedding) : `{${embedding.join(',')}}`));
    await trx.raw(
      `insert into chunk_embeddings (text_hash, embedder, embedding)
       select t.hash, ?, t.embedding::${type} from unnest(?::text[], ?::text[]) as t (hash, embedding)
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
