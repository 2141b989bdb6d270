import type { Database } from '../database/database.ts';
import { countReasons, countSettledOverTime } from '../stores/import-chart-store.ts';
import type { ItemState } from './import-service.ts';

/** What an import has come to so far, in figures to draw. */
export type ImportCharts = {
  /** The time from its start to its end, or to now, in equal parts: items that ended in each, those that are searchable apart from others. */
  slots: { brought: number; others: number }[];
  /** The whole of that time. */
  seconds: number;
  /** Why items were skipped or failed, the most frequent first; at most eight. */
  reasons: { state: ItemState; code: string; items: number }[];
};

const SLOTS = 30;
const REASONS = 8;

export async function readImportCharts(database: Database, importId: string): Promise<ImportCharts> {
  const db = database.current();
  return {
    ...(await countSettledOverTime(db, importId, SLOTS)),
    reasons: await countReasons(db, importId, REASONS),
  };
}
