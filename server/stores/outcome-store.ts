import type { Knex } from 'knex';
import type { ItemState } from '../services/import-service.ts';

export type ReasonCount = { importId: string; state: ItemState; code: string | null; count: number };

/** How many items of these imports ended for which reason, most frequent first. */
export async function countReasons(db: Knex, importIds: string[]): Promise<ReasonCount[]> {
  if (importIds.length === 0) return [];
  const rows = (await db('import_items')
    .whereIn('import_id', importIds)
    .whereIn('state', ['skipped', 'failed'])
    .groupBy('import_id', 'state', 'reason_code')
    .select('import_id', 'state', 'reason_code')
    .count('* as count')
    .orderBy('count', 'desc')) as { import_id: string; state: ItemState; reason_code: string | null; count: string }[];
  return rows.map((row) => ({
    importId: row.import_id,
    state: row.state,
    code: row.reason_code,
    count: Number(row.count),
  }));
}

/** How many folders each of these imports has listed. */
export async function countFolders(db: Knex, importIds: string[]): Promise<Map<string, number>> {
  if (importIds.length === 0) return new Map();
  const rows = (await db('import_folders')
    .whereIn('import_id', importIds)
    .groupBy('import_id')
    .select('import_id')
    .count('* as count')) as { import_id: string; count: string }[];
  return new Map(rows.map((row) => [row.import_id, Number(row.count)]));
}
