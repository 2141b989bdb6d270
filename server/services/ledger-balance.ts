import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { formatCount, plural } from '../format.ts';
import { countRows } from '../stores/listed-store.ts';
import type { ImportKind } from './import-service.ts';

/** What is said of an import that has ended and whose rows are not as many as the items that were listed. Undefined where all is well. */
export function mismatchOf(ended: { kind: ImportKind; listed?: number; rows: number }): string | undefined {
  const { kind, listed, rows } = ended;
  if (listed === undefined || listed === rows) return undefined;
  return `The figures of this ${kind} do not add up: ${plural(listed, 'item was', 'items were')} listed, and ${formatCount(rows)} ${rows === 1 ? 'is' : 'are'} accounted for. Run it again to be sure that nothing is missing, and tell the operator: the log names this ${kind}.`;
}

/** Compares the rows of each import with what was listed, when it ends in this process. `settled` waits for comparisons under way. */
export function watchLedgerBalance(deps: { database: Database; logger: Logger }): { settled(): Promise<void> } {
  const { database, logger } = deps;
  const running = new Set<Promise<void>>();

  async function compare(importId: string): Promise<void> {
    const found = await countRows(database.knex, importId);
    if (found && mismatchOf(found))
      logger.error({ importId, listed: found.listed, rows: found.rows }, 'the ledger of an import does not add up');
  }

  database.onChange((changes) => {
    for (const { topic, id } of changes) {
      if (topic !== 'import-ended') continue;
      const work: Promise<void> = compare(id)
        .catch((error: unknown) => logger.warn({ err: error, importId: id }, 'a ledger could not be added up'))
        .finally(() => running.delete(work));
      running.add(work);
    }
  });
  return { settled: async () => void (await Promise.all(running)) };
}
