import type { Knex } from 'knex';
import type { Context } from '../context.ts';
import type { JobPayloads } from '../queue/payloads.ts';
import type { Queue } from '../queue/queue.ts';
import { JobRetry, WorkerStopping, type JobContext } from '../queue/worker.ts';
import type { Integration } from '../services/integration-service.ts';
import { endSync } from '../services/sync-end.ts';
import { failImportFolder, reopenImportFolders, type ImportFolder } from '../stores/import-folder-store.ts';
import {
  deleteLedgerItem,
  handBackLedgerItem,
  noteRunEnded,
  postponeLedgerItem,
  settleLedgerItem,
  upsertFailedListing,
  type ItemOutcome,
  type LedgerItem,
} from '../stores/import-item-store.ts';
import { finishImportIfDone, lockImport } from '../stores/import-store.ts';
import { addListed } from '../stores/listed-store.ts';
import { canSettleRemovals } from '../stores/removal-store.ts';
import { outcomeOf } from './outcomes.ts';

/** Said where an error is ours; the log has the rest. */
const OUR_FAULT = {
  reason: 'Something went wrong inside the hub while importing this item. Try it again; the log names the cause.',
  code: 'internal',
};

/** Gives an open row its final state, and ends the import with the last one. False when it was final already. */
export async function settle(
  queue: Queue,
  trx: Knex.Transaction,
  item: LedgerItem,
  outcome: ItemOutcome,
): Promise<boolean> {
  await lockImport(trx, item.importId);
  const settled = await settleLedgerItem(trx, item.id, outcome);
  await endIfDone(queue, trx, item.importId);
  return settled;
}

/** Ends an import with its last row. A sync looks at once for what is gone. The caller holds the import's lock. */
export async function endIfDone(queue: Queue, trx: Knex.Transaction, importId: string): Promise<void> {
  if (await finishImportIfDone(trx, importId)) return;
  if (await canSettleRemovals(trx, importId)) await queue.enqueue(trx, 'settle-removals', [{ importId }]);
}

/**
 * What an error asks for. Undefined: the job was put off, or must not speak. Errors: JobRetry where the job is to run again soon.
 * Nothing waits inside a worker: where the vendor named a time, `putOff` plans a job for it.
 */
async function weigh(
  context: Context,
  integration: Integration,
  job: JobContext,
  error: unknown,
  putOff: (until: Date, reason: string) => Promise<void>,
): Promise<{ state: 'skipped' | 'failed'; reason: string; code: string } | undefined> {
  if (job.signal.aborted) throw new JobRetry('the worker is stopping', { cause: error });
  await context.connections.noteFailure(integration, error);
  const outcome = outcomeOf(error);
  if (!outcome) context.logger.error({ err: error, integrationId: integration.id }, 'a step of an import failed');
  if (outcome?.kind === 'final') return outcome;
  if (outcome?.kind === 'wait') {
    // Spread a little: what was stopped together should not come back as one.
    await putOff(new Date(outcome.until.getTime() + Math.random() * 2000), outcome.reason);
    return undefined;
  }
  if (!job.lastAttempt) throw new JobRetry(outcome?.reason ?? 'an unexpected error', { cause: error });
  return { state: 'failed', ...(outcome ?? OUR_FAULT) };
}

/** What follows when an item's work failed or was cut short. Errors: JobRetry where the job is to run again. */
export async function failItem(
  context: Context,
  integration: Integration,
  item: LedgerItem,
  payload: JobPayloads['import-item'],
  job: JobContext,
  error: unknown,
): Promise<void> {
  const { database, queue } = context;
  if (job.signal.reason instanceof WorkerStopping)
    await database.transaction(async (trx) => {
      await lockImport(trx, item.importId);
      await handBackLedgerItem(trx, item.id);
    });
  else if (!job.signal.aborted) await noteRunEnded(database.knex, item.id);
  const outcome = await weigh(context, integration, job, error, (until, reason) =>
    database.transaction(async (trx) => {
      await lockImport(trx, item.importId);
      const open = await postponeLedgerItem(trx, item.id, reason);
      if (open) await queue.enqueue(trx, 'import-item', [payload], { startAfter: until });
    }),
  );
  if (!outcome) return;
  const { state, reason, code } = outcome;
  await database.transaction((trx) => settle(queue, trx, item, { state, reason, reasonCode: code }));
}

/** A listing that cannot be ended: its row in the ledger says what is missing and why. */
export async function failFolder(
  context: Context,
  integration: Integration,
  folder: ImportFolder,
  job: JobContext,
  error: unknown,
): Promise<void> {
  const { database, queue } = context;
  const outcome = await weigh(context, integration, job, error, (until) =>
    database.transaction((trx) =>
      queue.enqueue(trx, 'expand-folder', [{ importId: folder.importId, folderId: folder.id }], { startAfter: until }),
    ),
  );
  if (!outcome) return;
  await database.transaction(async (trx) => {
    await lockImport(trx, folder.importId);
    await failImportFolder(trx, folder.id);
    const name = folder.path.split('/').at(-1) ?? folder.path;
    const isNew = await upsertFailedListing(trx, {
      importId: folder.importId,
      integrationId: integration.id,
      ref: folder.ref,
      name,
      path: folder.path,
      reason: `What is in “${name}” could not be listed, so it is missing. ${outcome.reason}`,
      code: outcome.code,
    });
    await addListed(trx, folder.importId, isNew ? 1 : 0);
    await endIfDone(queue, trx, folder.importId);
  });
}

/** A sync whose changes cannot be read fails as a whole; the next one lists everything anew. */
export async function failSync(
  context: Context,
  integration: Integration,
  payload: JobPayloads['sync'],
  job: JobContext,
  error: unknown,
): Promise<void> {
  const { database, queue } = context;
  const outcome = await weigh(context, integration, job, error, (until) =>
    database.transaction((trx) => queue.enqueue(trx, 'sync', [payload], { startAfter: until })),
  );
  if (!outcome) return;
  await database.transaction(async (trx) => {
    if ((await lockImport(trx, payload.importId)) !== 'running') return;
    await endSync(trx, payload.importId, integration.id, {
      status: 'failed',
      problem: `What changed could not be read. ${outcome.reason}`,
    });
  });
}

/** The row of a failed listing gives way to the listing itself, which goes on where it stopped. */
export async function listAgain(context: Context, item: LedgerItem, integrationId: string): Promise<void> {
  const { database, queue } = context;
  const { importId } = item;
  await database.transaction(async (trx) => {
    if ((await lockImport(trx, importId)) !== 'running') return;
    const ids = await reopenImportFolders(trx, importId, integrationId, item.ref);
    await queue.enqueue(
      trx,
      'expand-folder',
      ids.map((folderId) => ({ importId, folderId })),
    );
    await giveWay(queue, trx, item);
  });
}

/** Takes away the row of what was selected or could not be listed: the rows of what is in it stand for it. The caller holds the import's lock. */
export async function giveWay(queue: Queue, trx: Knex.Transaction, item: LedgerItem): Promise<void> {
  await deleteLedgerItem(trx, item.id);
  await addListed(trx, item.importId, -1);
  await endIfDone(queue, trx, item.importId);
}
