import type { Knex } from 'knex';

/**
 * Notes documents whose source is gone, as far as a sync has found out; they stay until it has seen everything, or until the next one has where it
 * broke off. Only followed ones count.
 */
export async function planRemovals(trx: Knex.Transaction, integrationId: string, documentIds: string[]): Promise<void> {
  if (documentIds.length === 0) return;
  await trx.raw(
    `insert into pending_removals (integration_id, document_id)
     select integration_id, id from documents where id = any (?) and integration_id = ? and followed
     on conflict (document_id) do nothing`,
    [documentIds, integrationId],
  );
}

/** The items are there after all: they were moved, and the vendor told of their old places first. */
export async function withdrawRemovals(trx: Knex.Transaction, documentIds: string[]): Promise<void> {
  if (documentIds.length > 0) await trx('pending_removals').whereIn('document_id', documentIds).delete();
}

export async function countRemovals(db: Knex, integrationId: string): Promise<number> {
  const row = (await db('pending_removals').where({ integration_id: integrationId }).count('* as count').first()) as {
    count: string;
  };
  return Number(row.count);
}

export type RemovableDocument = { id: string; ref: string; title: string; path: string; sizeBytes?: number };

/** Some of the documents that are to go, by path. */
export async function listRemovals(db: Knex, integrationId: string, limit: number): Promise<RemovableDocument[]> {
  const rows = (await db('pending_removals')
    .join('documents', 'documents.id', 'pending_removals.document_id')
    .where({ 'pending_removals.integration_id': integrationId })
    .select('documents.id', 'documents.item_ref', 'documents.title', 'documents.path', 'documents.size_bytes')
    .orderBy(['documents.path', 'documents.id'])
    .limit(limit)) as { id: string; item_ref: string; title: string; path: string; size_bytes: string | null }[];
  return rows.map((row) => ({
    id: row.id,
    ref: row.item_ref,
    title: row.title,
    path: row.path,
    sizeBytes: row.size_bytes === null ? undefined : Number(row.size_bytes),
  }));
}

/** The documents stay for good: no sync looks after them any more. */
export async function unfollowRemovals(trx: Knex.Transaction, integrationId: string): Promise<void> {
  await trx.raw(
    `with kept as (delete from pending_removals where integration_id = ? returning document_id)
     update documents set followed = false where id in (select document_id from kept)`,
    [integrationId],
  );
}

/** Followed documents at an address, or below it where it is a path. */
export async function findDocumentsAt(db: Knex, integrationId: string, address: string): Promise<string[]> {
  return (await db('documents')
    .where({ integration_id: integrationId, followed: true })
    .where((at) => void at.where({ address }).orWhereRaw('starts_with(address, ?)', [`${address}/`]))
    .pluck('id')) as string[];
}

export async function countFollowedDocuments(db: Knex, integrationId: string): Promise<number> {
  const row = (await db('documents')
    .where({ integration_id: integrationId, followed: true })
    .count('* as count')
    .first()) as { count: string };
  return Number(row.count);
}

/**
 * Of these documents, those that a sync which listed their places anew did not meet, or met as gone. Items that failed otherwise are there.
 */
export async function findUnmet(db: Knex, importId: string, documentIds: string[]): Promise<string[]> {
  if (documentIds.length === 0) return [];
  return (await db('documents')
    .whereIn('documents.id', documentIds)
    .whereNotExists(
      db('import_items')
        .where({ import_id: importId })
        .whereRaw('import_items.item_ref = documents.item_ref')
        .whereRaw(`coalesce(import_items.reason_code, '') <> 'gone'`)
        .select(db.raw('1')),
    )
    .pluck('documents.id')) as string[];
}

/** Whether a sync has seen everything, so that what is gone can be dealt with. */
export async function canSettleRemovals(trx: Knex.Transaction, importId: string): Promise<boolean> {
  const sync = (await trx('imports')
    .where({ id: importId, status: 'running', removals: 'pending' })
    .whereNotExists(trx('import_items').where({ import_id: importId }).whereIn('state', ['waiting', 'running']))
    .whereNotExists(trx('import_folders').where({ import_id: importId, state: 'waiting' }))
    .first('id')) as unknown;
  return sync !== undefined;
}
