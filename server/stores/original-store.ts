import type { Knex } from 'knex';

/** Notes an original that is about to be put, and that its process has it in hand for as long as `holdMs`. */
export async function insertOriginal(
  db: Knex,
  original: { id: string; place: string; fileName: string; contentHash: string },
  holdMs: number,
): Promise<void> {
  await db('originals')
    .insert({
      id: original.id,
      place: original.place,
      file_name: original.fileName,
      content_hash: original.contentHash,
      held_until: later(db, holdMs),
    })
    .onConflict('id')
    .merge(['file_name', 'content_hash', 'held_until']);
}

/** The process still has it in hand. */
export async function holdOriginal(db: Knex, id: string, holdMs: number): Promise<void> {
  await db('originals')
    .where({ id })
    .update({ held_until: later(db, holdMs) });
}

/** Its process has it in hand no more: where no document has it, it is removed. Written anew where it was taken for left behind meanwhile. */
export async function releaseOriginal(db: Knex, id: string, place: string): Promise<void> {
  await db('originals')
    .insert({ id, place, file_name: '', content_hash: '' })
    .onConflict('id')
    .merge({ held_until: null, next_attempt_at: db.fn.now() });
}

/** The document has this original from now on, and no other. False where it was taken for left behind meanwhile. */
export async function attachOriginal(trx: Knex.Transaction, documentId: string, id: string): Promise<boolean> {
  await trx('originals').where({ document_id: documentId }).whereNot({ id }).update(detached(trx));
  const attached = await trx('originals')
    .where({ id })
    .whereNull('doomed_at')
    .update({ document_id: documentId, held_until: null });
  return attached > 0;
}

/** The document lets go of an original that is not of these bytes; it is removed. */
export async function detachOtherOriginal(
  trx: Knex.Transaction,
  documentId: string,
  contentHash: string,
): Promise<void> {
  await trx('originals')
    .where({ document_id: documentId })
    .whereNot({ content_hash: contentHash })
    .update(detached(trx));
}

/** The object turned out not to be there: the next import brings it again. */
export async function forgetOriginal(db: Knex, id: string): Promise<void> {
  await db('originals').where({ id }).update(detached(db));
}

export type StoredOriginal = {
  id: string;
  place: string;
  fileName: string;
  contentHash: string;
  /** Of the document. */
  title: string;
  mediaType: string;
  sizeBytes: number;
};

/** The original of a document of the user. `document: false`: there is no such document. */
export async function findOriginal(
  db: Knex,
  userId: string,
  documentId: string,
): Promise<{ document: boolean; original?: StoredOriginal }> {
  const row = (await db('documents')
    .leftJoin('originals', 'originals.document_id', 'documents.id')
    .where({ 'documents.id': documentId, 'documents.user_id': userId })
    .first(
      'originals.id',
      'originals.place',
      'originals.file_name',
      'originals.content_hash',
      'documents.title',
      'documents.media_type',
      'documents.size_bytes',
    )) as
    | {
        id: string | null;
        place: string;
        file_name: string;
        content_hash: string;
        title: string;
        media_type: string;
        size_bytes: string | null;
      }
    | undefined;
  if (!row) return { document: false };
  if (row.id === null) return { document: true };
  return {
    document: true,
    original: {
      id: row.id,
      place: row.place,
      fileName: row.file_name,
      contentHash: row.content_hash,
      title: row.title,
      mediaType: row.media_type,
      sizeBytes: Number(row.size_bytes),
    },
  };
}

/** SHA-256 of the original that a document has; undefined where it has none. */
export async function findOriginalHash(db: Knex, documentId: string): Promise<string | undefined> {
  const row = await db('originals').where({ document_id: documentId }).first<{ content_hash: string }>('content_hash');
  return row?.content_hash;
}

export type RemovableOriginal = { id: string; place: string; attempts: number };

/**
 * Takes originals that no document has and no process has in hand, for as long as `leaseMs`: nobody else tries to remove them meanwhile, and
 * no document takes one of them any more.
 */
export async function takeRemovableOriginals(db: Knex, limit: number, leaseMs: number): Promise<RemovableOriginal[]> {
  const { rows } = (await db.raw(
    `update originals
     set doomed_at = coalesce(doomed_at, now()), attempts = attempts + 1,
       next_attempt_at = now() + ? * interval '1 millisecond'
     where id in (
       select id from originals
       where document_id is null and next_attempt_at <= now() and (held_until is null or held_until < now())
       order by next_attempt_at limit ? for update skip locked
     )
     returning id, place, attempts`,
    [leaseMs, limit],
  )) as { rows: RemovableOriginal[] };
  return rows;
}

/** It is removed. */
export async function deleteOriginals(db: Knex, ids: string[]): Promise<void> {
  if (ids.length > 0) await db('originals').whereIn('id', ids).whereNull('document_id').delete();
}

/** It could not be removed, and is tried again later. */
export async function postponeOriginal(db: Knex, id: string, problem: string, delayMs: number): Promise<void> {
  await db('originals')
    .where({ id })
    .update({ problem, next_attempt_at: later(db, delayMs) });
}

/** Those of the names that no row knows. */
export async function findUnknownOriginals(db: Knex, ids: string[]): Promise<string[]> {
  const { rows } = (await db.raw(
    `select wanted.id from unnest(?::text[]) as wanted (id)
     where not exists (select 1 from originals where originals.id::text = wanted.id)`,
    [ids],
  )) as { rows: { id: string }[] };
  return rows.map(({ id }) => id);
}

const detached = (db: Knex) => ({ document_id: null, held_until: null, next_attempt_at: db.fn.now() });

const later = (db: Knex, ms: number) => db.raw(`now() + ? * interval '1 millisecond'`, [ms]);
