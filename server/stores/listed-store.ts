import type { Knex } from 'knex';
import type { ImportKind } from '../services/import-service.ts';

/**
 * Counts what a vendor has named, before its rows are written: items that the ledger does not have yet. Counted from what was named, and in the
 * same transaction as the rows, it shows later whether one was lost. The caller holds the import's lock.
 */
export async function countListed(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  refs: string[],
): Promise<void> {
  if (refs.length === 0) return;
  await trx.raw(
    `update imports set listed = listed + (
       select count(distinct ref) from unnest(?::text[]) as named (ref)
       where not exists (
         select from import_items
         where import_id = imports.id and integration_id = ? and item_ref = named.ref and not listing
       )
     ) where id = ?`,
    [refs, integrationId, importId],
  );
}

/** Counts rows that come or go for another reason than that an item was named: those of selections, and of listings that failed. */
export async function addListed(trx: Knex.Transaction, importId: string, rows: number): Promise<void> {
  if (rows !== 0) await trx('imports').where({ id: importId }).increment('listed', rows);
}

/** What was listed of an import that has ended, and the rows it has. Undefined while it runs. */
export async function countRows(
  db: Knex,
  importId: string,
): Promise<{ kind: ImportKind; listed?: number; rows: number } | undefined> {
  const row = (await db('imports')
    .where({ id: importId })
    .whereNot({ status: 'running' })
    .first('kind', 'listed', db('import_items').where({ import_id: importId }).count('*').as('rows'))) as
    { kind: ImportKind; listed: number | null; rows: string } | undefined;
  return row && { kind: row.kind, listed: row.listed ?? undefined, rows: Number(row.rows) };
}
