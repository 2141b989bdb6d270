import type { Knex } from 'knex';
import type { Database } from '../database/database.ts';
import { EmbeddingError } from '../pipeline/embed/embedder.ts';
import { PREFIX_SEPARATOR, prefixParts } from '../pipeline/prefix.ts';
import { timeSlicer } from '../time-slicer.ts';
import type { IndexedChunk, SearchIndex } from './index.ts';
import { createCorpusReader } from './postgres-keywords.ts';
import { searchPostgres } from './postgres-search.ts';
import { toVector } from './postgres-vectors.ts';
import { countTerms, ownerTerm, toTsvector } from './terms.ts';

/** Rows of one statement: few, since to write it out holds the event loop. */
const BATCH = 128;
/** Others may wait for the transaction, so its rows are made before texts are embedded. */
const URGENT = { urgent: true };

type ChunkText = { ordinal: number; text: string; heading_path: string[]; user_id: string };

type VectorStorage = {
  type: 'vector' | 'real[]';
  /** From 0.8 on, pgvector's index goes on until it has enough rows that pass the filter. */
  filteredScans: boolean;
};

export type PostgresIndexOptions = {
  /** Visible passages up to which a server compares every vector instead of asking the approximate index. Default 10,000. */
  exactUpTo?: number;
  /** Vectors that the approximate index looks at before every one is compared after all. Default 20,000. */
  scanUpTo?: number;
};

/**
 * The index in the hub's own database. Without pgvector, or without a query vector, every mode is by keyword.
 */
export function createPostgresIndex(database: Database, options: PostgresIndexOptions = {}): SearchIndex {
  const readCorpus = createCorpusReader();
  let storage: VectorStorage | undefined;
  const storageIn = async (db: Knex) => (storage ??= await readVectorStorage(db));

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
      // While the server is at work, the next rows are split into terms.
      let written: Promise<unknown> = holdEmbeddings(trx, hashes, embedderId).then(() =>
        trx('chunks').where({ document_id: documentId }).del(),
      );
      for (let start = 0; start < chunks.length; start += BATCH) {
        // Its failure is told where it is waited for.
        written.catch(() => undefined);
        const rows = await timeSlicer.map(
          chunks.slice(start, start + BATCH),
          (chunk) => toRow(documentId, document.user_id, chunk),
          URGENT,
        );
        await written;
        written = Promise.resolve(trx('chunks').insert(rows));
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
        const found = await timeSlicer.map(
          batch,
          ({ heading_path, text, user_id }) =>
            termsOf(`${prefixParts(title, heading_path).join(PREFIX_SEPARATOR)}\n\n${text}`, user_id),
          URGENT,
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

    storeEmbeddings: (vectors, embedderId) =>
      database.transaction(async (trx) => storeEmbeddings(trx, vectors, embedderId, (await storageIn(trx)).type)),

    async search(query) {
      const { type, filteredScans } = await storageIn(database.current());
      return database.transaction(async (trx) =>
        searchPostgres(trx, query, {
          vectors: type === 'vector',
          approximate: database.kind === 'postgres' && filteredScans,
          exactUpTo: options.exactUpTo ?? 10_000,
          scanUpTo: options.scanUpTo ?? 20_000,
          semanticWeight: semanticWeightOf(query.embedderId),
          readCorpus,
        }),
      );
    },
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

async function readVectorStorage(db: Knex): Promise<VectorStorage> {
  const answer = await db.raw<{ rows: { type: string; version: string | null }[] }>(
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
    const values = await timeSlicer.map(
      batch,
      ([, embedding]) => (type === 'vector' ? toVector(embedding) : `{${embedding.join(',')}}`),
      URGENT,
    );
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
  // One look-up a text whatever the planner believes: without statistics it would read all vectors there are.
  const answer = await trx.raw<{ rows: { found: number }[] }>(
    `select count(*)::integer as found from unnest(?::text[]) as t (hash)
     cross join lateral (
       select from chunk_embeddings e where e.text_hash = t.hash and e.embedder = ? limit 1
     ) as stored`,
    [textHashes, embedderId],
  );
  if (answer.rows[0]?.found !== textHashes.length)
    throw new EmbeddingError(
      'unavailable',
      'Other documents with the same texts were deleted while this one was imported.',
    );
}

/**
 * The embeddings have their document now. Those that another transaction has in hand are left to it, so that none waits for another. Rows are
 * named by their place, since a join with themselves took most of the time of a replacement.
 */
export async function forgetPending(db: Knex, textHashes: string[], embedderId: string): Promise<void> {
  await db.raw(
    `delete from pending_embeddings where ctid = any(array(
       select ctid from pending_embeddings where text_hash = any(?) and embedder = ? for update skip locked
     ))`,
    [textHashes, embedderId],
  );
}

function toRow(documentId: string, userId: string, chunk: IndexedChunk) {
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
    terms,
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
