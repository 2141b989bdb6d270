import type { Knex } from 'knex';
import { accountLabel } from '../format.ts';
import { isNews, type EventPayloads } from '../notifications/events.ts';
import type { ImportSummary } from '../services/import-service.ts';
import { findIntegrationById } from './integration-store.ts';
import { raiseNotification, resolveNotifications, subjectOf } from './notification-store.ts';

/** Tells of the end of an import or sync, and of what it has put right. Its row is ended already. */
export async function noteImportEnd(trx: Knex.Transaction, userId: string, ended: ImportSummary): Promise<void> {
  const { id, kind, status, counts, problem, integrationId } = ended;
  if (status === 'running') return;
  await resolveNotifications(trx, subjectOf.import(id), ['sync.held']);
  if (status === 'finished') {
    if (integrationId) await resolveNotifications(trx, subjectOf.syncs(integrationId), ['import.finished']);
    await resolveMadeGood(trx, userId, id);
  }
  const payload: EventPayloads['import.finished'] = { kind, status, counts, problem };
  if (!isNews(payload)) return;
  const failedWhole = status === 'failed' && integrationId !== undefined;
  await raiseNotification(trx, 'import.finished', {
    userId,
    subject: failedWhole ? subjectOf.syncs(integrationId) : subjectOf.import(id),
    payload: { ...payload, ...(await accountOf(trx, integrationId)) },
    importId: id,
    integrationId,
    quiet: await isKnown(trx, ended),
  });
}

/** Tells that a sync waits for an answer. */
export async function noteHeldSync(
  trx: Knex.Transaction,
  held: { userId: string; importId: string; integrationId: string; count: number; of: number },
): Promise<void> {
  const { userId, importId, integrationId, count, of } = held;
  const account = await accountOf(trx, integrationId);
  if (!account) return;
  await raiseNotification(trx, 'sync.held', {
    userId,
    subject: subjectOf.import(importId),
    payload: { ...account, count, of },
    importId,
    integrationId,
  });
}

async function accountOf(trx: Knex.Transaction, integrationId: string | undefined) {
  const integration = integrationId === undefined ? undefined : await findIntegrationById(trx, integrationId);
  return integration && { platform: integration.platform, account: accountLabel(integration) };
}

/**
 * Whether a person was written to about this already: the import was tried again by hand; the sync before this one had failures too; or the sync
 * failed for an account that is known to need attention.
 */
async function isKnown(
  trx: Knex.Transaction,
  { id, integrationId, status, startedAt }: ImportSummary,
): Promise<boolean> {
  const told = (query: Knex.QueryBuilder) => query.first('id').then((row: unknown) => row !== undefined);
  if (await told(trx('notifications').where({ import_id: id, event: 'import.finished' }))) return true;
  if (integrationId === undefined) return false;
  if (
    status === 'failed' &&
    (await told(
      trx('notifications')
        .where({ integration_id: integrationId })
        .whereLike('event', 'integration.%')
        .whereNull('resolved_at'),
    ))
  )
    return true;
  const before = (await trx('imports')
    .where({ integration_id: integrationId, kind: 'sync' })
    .whereIn('status', ['finished', 'failed'])
    .where('started_at', '<', startedAt)
    .orderBy('started_at', 'desc')
    .first('id', 'status')) as { id: string; status: string } | undefined;
  if (!before || before.status === 'failed') return before !== undefined;
  return told(trx('import_items').where({ import_id: before.id, state: 'failed' }));
}

/** What failed in earlier imports and came in now is no failure any more. */
async function resolveMadeGood(trx: Knex.Transaction, userId: string, importId: string): Promise<void> {
  await trx.raw(
    `update notifications set resolved_at = now()
     where user_id = ? and event = 'import.finished' and resolved_at is null
       and subject = 'import:' || import_id and import_id <> ?
       and not exists (
         select 1 from import_items failed
         where failed.import_id = notifications.import_id and failed.state = 'failed' and not exists (
           select 1 from import_items now_in
           where now_in.import_id = ? and now_in.integration_id = failed.integration_id
             and now_in.item_ref = failed.item_ref and now_in.state in ('indexed', 'unchanged', 'removed')
         )
       )`,
    [userId, importId, importId],
  );
}
