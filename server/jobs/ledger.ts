import type { Knex } from 'knex';
import type { Context } from '../context.ts';
import { JobRetry, type JobContext } from '../queue/worker.ts';
import { failImportFolder, type ImportFolder } from '../stores/import-folder-store.ts';
import {
  deleteLedgerItem,
  settleLedgerItem,
  upsertFailedFolder,
  type ItemOutcome,
  type LedgerItem,
} from '../stores/import-item-store.ts';
import { finishImportIfDone, lockImport } from '../stores/import-store.ts';
import { outcomeOf } from './outcomes.ts';

/** Said where an error is ours; the log has the rest. */
const OUR_FAULT = {
  reason: 'Something went wrong inside the hub while importing this item. Try it again; the log names the cause.',
  code: 'internal',
};

/** Gives an open row its final state, and ends the import with the last one. False when it was final already. */
export async function settle(trx: Knex.Transaction, item: LedgerItem, outcome: ItemOutcome): Promise<boolean> {
  await lockImport(trx, item.importId);
  const settled = await settleLedgerItem(trx, item.id, outcome);
  await finishImportIfDone(trx, item.importId);
  return settled;
}

/** What follows when an item's work failed. Errors: JobRetry where the job is to run again. */
export async function failItem(context: Context, item: LedgerItem, job: JobContext, error: unknown): Promise<void> {
  if (job.signal.aborted) throw new JobRetry('the worker is stopping', { cause: error });
  const outcome = outcomeOf(error);
  if (!outcome)
    context.logger.error({ err: error, importId: item.importId, itemId: item.id }, 'importing an item failed');
  if (outcome?.kind === 'retry' && !job.lastAttempt) throw new JobRetry(outcome.reason, { cause: error });
  if (!outcome && !job.lastAttempt) throw new JobRetry('an unexpected error', { cause: error });
  const { reason, code } = outcome ?? OUR_FAULT;
  const state = outcome?.kind === 'final' ? outcome.state : 'failed';
  await context.database.transaction((trx) => settle(trx, item, { state, reason, reasonCode: code }));
}

/** A folder that cannot be listed: its row in the ledger says what is missing and why. */
export async function failFolder(
  context: Context,
  folder: ImportFolder & { integrationId: string },
  job: JobContext,
  error: unknown,
): Promise<void> {
  if (job.signal.aborted) throw new JobRetry('the worker is stopping', { cause: error });
  const outcome = outcomeOf(error);
  if (!outcome)
    context.logger.error({ err: error, importId: folder.importId, folderId: folder.id }, 'listing a folder failed');
  if ((!outcome || outcome.kind === 'retry') && !job.lastAttempt)
    throw new JobRetry(outcome?.reason ?? 'an unexpected error', { cause: error });
  const { reason, code } = outcome ?? OUR_FAULT;
  await context.database.transaction(async (trx) => {
    await lockImport(trx, folder.importId);
    await failImportFolder(trx, folder.id);
    await upsertFailedFolder(trx, {
      importId: folder.importId,
      integrationId: folder.integrationId,
      ref: folder.ref,
      path: folder.path,
      reason: `This folder could not be listed, so what is in it is missing. ${reason}`,
      reasonCode: code,
    });
    await finishImportIfDone(trx, folder.importId);
  });
}

/** A selected folder: its own row gives way to what is in it. */
export async function replaceByFolder(
  context: Context,
  trx: Knex.Transaction,
  item: LedgerItem,
  folderId: string | undefined,
): Promise<void> {
  await lockImport(trx, item.importId);
  await deleteLedgerItem(trx, item.id);
  if (folderId) await context.queue.enqueue(trx, 'expand-folder', [{ importId: item.importId, folderId }]);
  else await finishImportIfDone(trx, item.importId);
}
