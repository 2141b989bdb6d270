import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Database } from '../database/database.ts';
import { EmbeddingError } from '../pipeline/embed/embedder.ts';
import { PREFIX_SEPARATOR, prefixParts } from '../pipeline/prefix.ts';
import type { IndexedChunk, SearchIndex } from './index.ts';
import { searchPostgres } from './postgres-search.ts';
import { toVector } from './postgres-vectors.ts';
import { countTerms, ownerTerm, toTsvector } from './terms.ts';

/** Rows of one statement: few, since splitting texts into terms holds the event loop meanwhile. */
const BATCH = 64;

type ChunkText = { ordinal: number; text: string; heading_path: string[]; user_id: string };

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
  /** Vectors that the approximate index looks at before every one is compared after all. Default 20,000. */
  scanUpTo?: number;
};

/**
 * The index in the hub's own database. Without pgvector, or without a query vector, every mode is by keyword.
 */
export function createPostgresIndex(database: Database, options: PostgresIndexOptions = {}): SearchIndex {
  let storage: VectorStorage | undefined;
  const storageIn = async (trx: Knex.Transaction) => (storage ??= await readVectorStorage(trx));

  return {
    // Chunks are searched where the transaction writes them.
    prepare: async () => undefined,
    discard: async () => undefined,

    async replace(trx, documentId, chunks, embedderId) {
      // Two replacements of one document wait for each other here.
      const document = await trx('documents')
        .where({ id: documentId })
        .forUpdate()
        .first<{ user_id: string } | undefined>('user_id');
      if (!document) throw new Error(`There is no document ${documentId} to index chunks of.`);
      const hashes = [...new Set(chunks.map(({ textHash }) => textHash))];
      await holdEmbeddings(trx, hashes, embedderId);
      await trx('chunks').where({ document_id: documentId }).del();
      // While the server writes a batch, the next one is split into terms.
      let written: Promise<unknown> = Promise.resolve();
      for (let start = 0; start < chunks.length; start += BATCH) {
        const rows = chunks.slice(start, start + BATCH).map((chunk) => toRow(trx, documentId, document.user_id, chunk));
        await written;
        written = Promise.resolve(trx('chunks').insert(rows));
        // Begun before the next ones are made; its failure is told where it is waited for.
        written.catch(() => undefined);
        await setImmediate();
      }
      await written;
      await forgetPending(trx, hashes, embedderId);
    },

    async rename(trx, documentId, title) {
      const rows = (await trx('chunks as c')
        .join('documents as d', 'd.id', 'c.document_id')
        .where('d.id', documentId)
        .orderBy('c.ordinal')
        .select('c.ordinal', 'c.text', 'c.heading_path', 'd.user_id')) as ChunkText[];
      for (let start = 0; start < rows.length; start += BATCH) {
        const batch = rows.slice(start, start + BATCH);
        const found = batch.map(({ heading_path, text, user_id }) =>
          termsOf(`${prefixParts(title, heading_path).join(PREFIX_SEPARATOR)}\n\n${text}`, user_id),
        );
        await trx.raw(
          `update chunks c set terms = t.terms::tsvector, term_count = t.length
           from unnest(?::integer[], ?::text[], ?::integer[]) as t (ordinal, terms, length)
           where c.document_id = ? and c.ordinal = t.ordinal`,
          [
            batch.map(({ ordinal }) => ordinal),
            found.map(({ terms }) => terms),
            found.map(({ length }) => length),
            documentId,
          ],
        );
        await setImmediate();
      }
    },

    async knownEmbeddings(textHashes, embedderId) {
      if (textHashes.length === 0) return new Set();
      const answer = await database
        .current()
        .raw<{ rows: { text_hash: string }[] }>(
          'select text_hash from chunk_embeddings where text_hash = any(?) and embedder = ?',
          [textHashes, embedderId],
        );
      return new Set(answer.rows.map((row) => row.text_hash));
    },

    async isEmbedded(documentId, embedderId) {
      const answer = await database.current().raw<{ rows: unknown[] }>(
        `select from chunks c where c.document_id = ? and not exists (
           select from chunk_embeddings e where e.text_hash = c.text_hash and e.embedder = ?
         ) limit 1`,
        [documentId, embedderId],
      );
      return answer.rows.length === 0;
    },

    storeEmbeddings: (vectors, embedderId) =>
      database.transaction(async (trx) => storeEmbeddings(trx, vectors, embedderId, (await storageIn(trx)).type)),

    search: (query) =>
      database.transaction(async (trx) =>
        searchPostgres(trx, query, {
          vectors: (await storageIn(trx)).type === 'vector',
          approximate: database.kind === 'postgres' && (await storageIn(trx)).filteredScans,
          exactUpTo: options.exactUpTo ?? 10_000,
          scanUpTo: options.scanUpTo ?? 20_000,
          embedderId: options.embedderId,
          semanticWeight: semanticWeightOf(options.embedderId),
        }),
      ),
  };
}

/**
 * Removes embeddings that no chunk refers to any more; gives their number. Those that wait for their document stay for a day. To be run in
 * a transaction of its own: it waits for replacements under way and holds back new ones until it ends.
 */
export async function deleteOrphanEmbeddings(trx: Knex.Transaction): Promise<number> {
  // Without the lock a replacement could be counting on a stored embedding that goes at the same moment.
  await trx.raw('lock table chunk_embeddings in share row exclusive mode');
  await trx.raw(`delete from pending_embeddings where created_at < now() - interval '1 day'`);
  const answer = await trx.raw<{ rowCount: number | null }>(
    `delete from chunk_embeddings e
     where not exists (select from chunks c where c.text_hash = e.text_hash)
       and not exists (select from pending_embeddings p where p.text_hash = e.text_hash and p.embedder = e.embedder)`,
  );
  return answer.rowCount ?? 0;
}

/**
 * The built-in embedder compares spellings, which the keyword arm knows better: it has a small say, for typos and inflections.
 * Measured in test/index/retrieval.test.ts; a trained model has the same say as the words.
 */
export function semanticWeightOf(embedderId = 'lexical'): number {
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
  vectors: Map<string, Float32Array>,
  embedderId: string,
  type: VectorStorage['type'],
): Promise<void> {
  // In the order of their hashes: two transactions that store the same texts wait for each other, and never in a circle.
  const rows = [...vectors].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH);
    const hashes = batch.map(([hash]) => hash);
    const values = batch.map(([, embedding]) => (type === 'vector' ? toVector(embedding) : `{${embedding.join(',')}}`));
    // Pending only where it was not stored before: what a document has needs no day of grace.
    await trx.raw(
      `with stored as (
         insert into chunk_embeddings (text_hash, embedder, embedding)
         select t.hash, ?, t.embedding::${type} from unnest(?::text[], ?::text[]) as t (hash, embedding)
         on conflict do nothing returning text_hash, embedder
       )
       insert into pending_embeddings (text_hash, embedder) select text_hash, embedder from stored
       on conflict (text_hash, embedder) do update set created_at = now()`,
      [embedderId, hashes, values],
    );
  }
}

/** Keeps stored embeddings from being deleted until the transaction ends. Errors: EmbeddingError when one of them is not there. */
async function holdEmbeddings(trx: Knex.Transaction, textHashes: string[], embedderId: string): Promise<void> {
  // deleteOrphanEmbeddings waits for this lock, and this for its.
  await trx.raw('lock table chunk_embeddings in row exclusive mode');
  const answer = await trx.raw<{ rows: { missing: number }[] }>(
    `select count(*)::integer as missing from unnest(?::text[]) as t (hash)
     where not exists (select from chunk_embeddings e where e.text_hash = t.hash and e.embedder = ?)`,
    [textHashes, embedderId],
  );
  if (answer.rows[0]?.missing)
    throw new EmbeddingError(
      'unavailable',
      'Other documents with the same texts were deleted while this one was imported.',
    );
}

/**
 * The embeddings have their document now. Those that another transaction has in hand are left to it, so that none waits for another. Rows are
 * named by their place, since a join with themselves took most of the time of a replacement.
 */
async function forgetPending(trx: Knex.Transaction, textHashes: string[], embedderId: string): Promise<void> {
  await trx.raw(
    `delete from pending_embeddings where ctid = any(array(
       select ctid from pending_embeddings where text_hash = any(?) and embedder = ? for update skip locked
     ))`,
    [textHashes, embedderId],
  );
}

function toRow(trx: Knex.Transaction, documentId: string, userId: string, chunk: IndexedChunk) {
  const { terms, length } = termsOf(chunk.embedText, userId);
  return {
    document_id: documentId,
    ordinal: chunk.ordinal,
    text: withoutNul(chunk.text),
    heading_path: chunk.headingPath.map(withoutNul),
    page: chunk.page ?? null,
    anchor: chunk.anchor === undefined ? null : withoutNul(chunk.anchor),
    token_count: chunk.tokenCount,
    text_hash: chunk.textHash,
    terms: trx.raw('?::tsvector', [terms]),
    term_count: length,
  };
}

/** A passage's words as a tsvector's text, with its owner's mark; `length` is without that. */
function termsOf(embedText: string, userId: string): { terms: string; length: number } {
  const counts = countTerms(embedText);
  let length = 0;
  for (const count of counts.values()) length += count;
  counts.set(ownerTerm(userId), 1);
  return { terms: toTsvector(counts), length };
}

/** Postgres' text cannot hold the character NUL. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
