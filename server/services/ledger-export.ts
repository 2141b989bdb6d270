import type { Database } from '../database/database.ts';
import { listExportedItems, type ExportedItem } from '../stores/ledger-export-store.ts';
import type { LedgerFilter } from './import-service.ts';

export type LedgerLine = ExportedItem;

/** Rows of one statement: memory stays as small for a million of them. */
const PAGE = 500;

/** All rows of a ledger in the order of listing, read as they are asked for. */
export async function* ledgerLines(
  database: Database,
  importId: string,
  filter: LedgerFilter,
): AsyncGenerator<LedgerLine> {
  for (let after = '0'; ;) {
    const { items, last } = await listExportedItems(database.knex, importId, filter, after, PAGE);
    yield* items;
    if (last === undefined || items.length < PAGE) return;
    after = last;
  }
}
