import type { Context } from '../context.ts';
import { RETRY_LIMIT } from '../queue/queue.ts';
import { listWaitingFolders } from '../stores/import-folder-store.ts';
import { listOpenItems, settleLedgerItem } from '../stores/import-item-store.ts';
import { finishImportIfDone, listRunningImports, listRunningSyncs, lockImport } from '../stores/import-store.ts';

const EVERY_MS = 30_000;

const GIVEN_UP = {
  state: 'failed',
  reason:
    'Something went wrong inside the hub each time it worked on this item. Try it again; the log names the cause.',
  reasonCode: 'internal',
} as const;

/**
 * Makes sure that every running import has a job for each open row: the queue gives a job up after its last attempt (where even noting the
 * failure failed, say), and the ledger must still come to an end.
 */
export function startReconciler(context: Context): () => void {
  let running: Promise<void> | undefined;
  const round = () => {
    running ??= reconcile(context)
      .catch((error: unknown) =>
        context.logger.error({ err: error }, 'the ledger could not be compared with the queue'),
      )
      .finally(() => {
        running = undefined;
      });
  };
  const timer = setInterval(round, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** One round over all running imports. */
export async function reconcile(context: Context): Promise<void> {
  const { database, queue } = context;
  await reviveSyncs(context);
  for (const importId of await listRunningImports(database.knex)) {
    const items = await listOpenItems(database.knex, importId);
    const orphanIds = new Set(
      await queue.withoutJob(
        'import-item',
        'itemId',
        items.map(({ id }) => id),
      ),
    );
    const orphanFolders = await queue.withoutJob(
      'expand-folder',
      'folderId',
      await listWaitingFolders(database.knex, importId),
    );
    await database.transaction(async (trx) => {
      await lockImport(trx, importId);
      const orphans = items.filter(({ id }) => orphanIds.has(id));
      for (const { id } of orphans.filter(({ attempts }) => attempts > RETRY_LIMIT))
        await settleLedgerItem(trx, id, GIVEN_UP);
      await queue.enqueue(
        trx,
        'import-item',
        orphans.filter(({ attempts }) => attempts <= RETRY_LIMIT).map(({ id }) => ({ importId, itemId: id })),
      );
      await queue.enqueue(
        trx,
        'expand-folder',
        orphanFolders.map((folderId) => ({ importId, folderId })),
      );
      await finishImportIfDone(trx, importId);
    });
  }
}

/** A sync has a job as long as it reads its feeds, and as long as it looks for what is gone. */
async function reviveSyncs(context: Context): Promise<void> {
  const { database, queue } = context;
  for (const [removals, job] of [
    ['reading', 'sync'],
    ['pending', 'settle-removals'],
  ] as const) {
    const orphans = await queue.withoutJob(job, 'importId', await listRunningSyncs(database.knex, removals));
    await database.transaction((trx) =>
      queue.enqueue(
        trx,
        job,
        orphans.map((importId) => ({ importId })),
      ),
    );
  }
}
