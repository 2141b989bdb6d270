import type { Knex } from 'knex';
import { changedNow, insertLedgerItems, type NewLedgerItem } from './import-item-store.ts';

/**
 * Adds rows, or sets rows that were final waiting again because there is news of their items; not so for those that are as they were
 * (`isKnown`). Gives the ones that wait for a job.
 */
export async function reopenLedgerItems(
  trx: Knex.Transaction,
  importId: string,
  items: (NewLedgerItem & { isKnown: boolean })[],
): Promise<{ id: string; ref: string }[]> {
  const added = await insertLedgerItems(trx, importId, items);
  const news = new Map(items.filter(({ isKnown, skipped }) => !isKnown && !skipped).map((item) => [item.ref, item]));
  for (const { ref } of added) news.delete(ref);
  const reopened: { id: string; ref: string }[] = [];
  for (const { ref, name, path } of news.values()) {
    const rows = (await trx('import_items')
      .where({ import_id: importId, item_ref: ref, listing: false })
      .whereNotIn('state', ['waiting', 'running'])
      .update({
        name,
        path,
        state: 'waiting',
        reason: null,
        reason_code: null,
        settled_at: null,
        changed: changedNow(trx),
      })
      .returning(['id', 'item_ref as ref'])) as { id: string; ref: string }[];
    reopened.push(...rows);
  }
  return [...added, ...reopened];
}

/** Writes the rows of documents that a sync takes away. */
export async function upsertRemovedItems(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  documents: { ref: string; title: string; path: string; sizeBytes?: number }[],
  because: { reason: string; code: string },
): Promise<void> {
  if (documents.length === 0) return;
  const removed = {
    state: 'removed',
    reason: because.reason,
    reason_code: because.code,
    settled_at: trx.fn.now(),
  };
  await trx('import_items')
    .insert(
      documents.map(({ ref, title, path, sizeBytes }) => ({
        import_id: importId,
        integration_id: integrationId,
        item_ref: ref,
        name: title,
        path,
        kind: 'file',
        size_bytes: sizeBytes ?? null,
        ...removed,
      })),
    )
    .onConflict(['import_id', 'integration_id', 'item_ref', 'listing'])
    .merge({ ...removed, changed: changedNow(trx) });
}

/** Those of the refs that have a row in this import. */
export async function findLedgerRefs(db: Knex, importId: string, refs: string[]): Promise<string[]> {
  if (refs.length === 0) return [];
  return (await db('import_items')
    .where({ import_id: importId })
    .whereIn('item_ref', refs)
    .pluck('item_ref')) as string[];
}

/** What may be otherwise the next time; what is gone or forbidden will be so again. */
const PASSING = ['transient', 'rate_limited', 'bad_response', 'cursor_expired', 'network', 'reconnect', 'internal'];

/** Whether a listing of this import failed for a reason that may pass. */
export async function mayBeListedLater(db: Knex, importId: string): Promise<boolean> {
  const row = (await db('import_items')
    .where({ import_id: importId, listing: true })
    .whereIn('reason_code', PASSING)
    .first('id')) as { id: string } | undefined;
  return row !== undefined;
}
