import { createHash } from 'node:crypto';
import type { Database } from '../../server/database/database.ts';
import { findFacts } from '../../server/index/azure-copies.ts';
import type { IndexedChunk, PreparedChunks, SearchIndex } from '../../server/index/index.ts';

export const EMBEDDER = 'test-words-1024';

/** A stand-in for a model: each word, cut to five letters, points in a direction of its own. */
export function embedWords(text: string, dimensions = 1024): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const place = createHash('md5').update(word.slice(0, 5)).digest().readUInt32LE(0) % dimensions;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
}

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** Chunks as the pipeline gives them, one for each text. */
export function toChunks(texts: string[], title = ''): IndexedChunk[] {
  return texts.map((text, ordinal) => {
    const embedText = title ? `${title}\n${text}` : text;
    return {
      ordinal,
      text,
      headingPath: title ? [title, `Part ${ordinal + 1}`] : [],
      page: ordinal + 1,
      anchor: `Slide ${ordinal + 1}`,
      tokenCount: text.split(/\s+/).length,
      textHash: hashOf(embedText),
      embedText,
    };
  });
}

type Model = { embedder?: string; dimensions?: number };

/** Stores the chunks' vectors, and brings the chunks to where they are searched. */
export async function prepareChunks(
  database: Database,
  index: SearchIndex,
  documentId: string,
  chunks: IndexedChunk[],
  { embedder = EMBEDDER, dimensions = 1024 }: Model = {},
): Promise<PreparedChunks | undefined> {
  await index.storeEmbeddings(
    new Map(chunks.map(({ textHash, embedText }) => [textHash, embedWords(embedText, dimensions)])),
    embedder,
  );
  const facts = await findFacts(database.knex, documentId);
  if (!facts) throw new Error('there is no such document');
  return index.prepare({ ...facts, documentId }, chunks, embedder, { signal: new AbortController().signal });
}

/** Replaces the document's chunks by these, as an import does. */
export async function replaceChunks(
  database: Database,
  index: SearchIndex,
  documentId: string,
  chunks: IndexedChunk[],
  model: Model = {},
): Promise<void> {
  const prepared = await prepareChunks(database, index, documentId, chunks, model);
  await database.transaction((trx) => index.replace(trx, documentId, chunks, model.embedder ?? EMBEDDER, prepared));
}

export async function addUser(database: Database, email: string): Promise<string> {
  const [row] = (await database
    .knex('users')
    .insert({ email, name: 'Ann', password_hash: 'x', role: 'member' })
    .returning('id')) as { id: string }[];
  if (!row) throw new Error('no user was inserted');
  return row.id;
}

export type DocumentFields = { title?: string; platform?: string; category?: string; url?: string; path?: string };

/** A row of `documents` alone, as an import writes it before its chunks. */
export async function addDocumentRow(database: Database, userId: string, chunkCount: number, fields: DocumentFields) {
  const ref = hashOf(Math.random().toString());
  const [row] = (await database
    .knex('documents')
    .insert({
      user_id: userId,
      platform: fields.platform ?? 'google_drive',
      account_id: 'account',
      item_ref: ref,
      title: fields.title ?? 'Untitled',
      path: fields.path ?? '/',
      category: fields.category ?? null,
      media_type: 'text/plain',
      format: 'txt',
      url: fields.url ?? null,
      content_hash: ref,
      text: '',
      chunk_count: chunkCount,
    })
    .returning('id')) as { id: string }[];
  if (!row) throw new Error('no document was inserted');
  return row.id;
}

/** A document with one chunk for each text; gives its id. */
export async function addDocument(
  database: Database,
  index: SearchIndex,
  userId: string,
  texts: string[],
  fields: DocumentFields = {},
): Promise<string> {
  const id = await addDocumentRow(database, userId, texts.length, fields);
  await replaceChunks(database, index, id, toChunks(texts, fields.title));
  return id;
}
