import type { Knex } from 'knex';
import type { Account, Platform, Site } from '../../providers/provider.ts';
import { accountLabel } from '../format.ts';
import type { Integration, IntegrationStatus } from '../services/integration-service.ts';
import { raiseNotification, resolveNotifications, resolveOfIntegration, subjectOf } from './notification-store.ts';

type IntegrationRow = {
  id: string;
  user_id: string;
  platform: Platform;
  account_id: string;
  account_email: string | null;
  account_name: string | null;
  status: IntegrationStatus;
  status_detail: string | null;
  method: string;
  site_url: string | null;
  api_url: string | null;
  from_settings: boolean;
  scopes: string[];
  connected_at: Date;
  last_sync_at: Date | null;
};

const COLUMNS = [
  'id',
  'user_id',
  'platform',
  'account_id',
  'account_email',
  'account_name',
  'status',
  'status_detail',
  'method',
  'site_url',
  'api_url',
  'from_settings',
  'scopes',
  'connected_at',
  'last_sync_at',
];

const toIntegration = (row: IntegrationRow): Integration => ({
  id: row.id,
  userId: row.user_id,
  platform: row.platform,
  accountId: row.account_id,
  accountEmail: row.account_email ?? undefined,
  accountName: row.account_name ?? undefined,
  status: row.status,
  statusDetail: row.status_detail ?? undefined,
  method: row.method,
  site: row.site_url !== null && row.api_url !== null ? { url: row.site_url, apiUrl: row.api_url } : undefined,
  fromSettings: row.from_settings,
  scopes: row.scopes,
  connectedAt: row.connected_at,
  lastSyncAt: row.last_sync_at ?? undefined,
});

export async function listIntegrations(db: Knex, userId: string): Promise<Integration[]> {
  const rows = (await db('user_integrations')
    .where({ user_id: userId })
    .select(COLUMNS)
    .orderBy('connected_at')
    .orderBy('id')) as IntegrationRow[];
  return rows.map(toIntegration);
}

export async function findIntegration(db: Knex, userId: string, id: string): Promise<Integration | undefined> {
  const row = (await db('user_integrations').where({ id, user_id: userId }).first(COLUMNS)) as
    IntegrationRow | undefined;
  return row && toIntegration(row);
}

export async function findIntegrationByAccount(
  db: Knex,
  account: { userId: string; platform: Platform; accountId: string },
): Promise<Integration | undefined> {
  const { userId, platform, accountId } = account;
  const row = (await db('user_integrations')
    .where({ user_id: userId, platform, account_id: accountId })
    .first(COLUMNS)) as IntegrationRow | undefined;
  return row && toIntegration(row);
}

/** Integrations that the operator's settings have made, of all users. */
export async function listSettingsIntegrations(db: Knex): Promise<Integration[]> {
  const rows = (await db('user_integrations').where({ from_settings: true }).select(COLUMNS)) as IntegrationRow[];
  return rows.map(toIntegration);
}

/** For work that was authorized when it was queued. */
export async function findIntegrationById(db: Knex, id: string): Promise<Integration | undefined> {
  const row = (await db('user_integrations').where({ id }).first(COLUMNS)) as IntegrationRow | undefined;
  return row && toIntegration(row);
}

export type NewIntegration = {
  userId: string;
  platform: Platform;
  account: Account;
  scopes: string[];
  /** Absent: by consent. */
  method?: string;
  site?: Site;
  fromSettings?: boolean;
};

/** Creates the account's integration, or makes the existing one active again under its id. */
export async function upsertIntegration(db: Knex, integration: NewIntegration): Promise<Integration> {
  const { userId, platform, account, scopes, method = 'oauth', site, fromSettings = false } = integration;
  const connected = {
    account_email: account.email ?? null,
    account_name: account.name ?? null,
    method,
    site_url: site?.url ?? null,
    api_url: site?.apiUrl ?? null,
    from_settings: fromSettings,
    scopes,
  };
  const [row] = (await db('user_integrations')
    .insert({ user_id: userId, platform, account_id: account.id, ...connected })
    .onConflict(['user_id', 'platform', 'account_id'])
    // Orders at the vendor may have ended with the grant before: they are looked at.
    .merge({
      ...connected,
      status: 'active',
      status_detail: null,
      connected_at: db.fn.now(),
      watches_due_at: db.fn.now(),
    })
    .returning(COLUMNS)) as [IntegrationRow];
  await resolveNotifications(db, subjectOf.integration(row.id), [
    'integration.needs_reconnect',
    'integration.missing_scope',
  ]);
  return toIntegration(row);
}

/** Notes that the grant is dead, and tells its owner once; one that is being disconnected stays so. */
export async function markNeedsReconnect(db: Knex, id: string, detail: string): Promise<void> {
  await db.transaction(async (trx) => {
    const [row] = (await trx('user_integrations')
      .where({ id })
      .whereNot({ status: 'disconnecting' })
      .update({ status: 'needs_reconnect', status_detail: detail })
      .returning(COLUMNS)) as IntegrationRow[];
    if (!row) return;
    await resolveNotifications(trx, subjectOf.integration(id), ['integration.missing_scope']);
    await tellOf(trx, row);
  });
}

/** Notes that the vendor did not grant something that is needed, and tells the owner; `detail` names it. */
export async function markMissingScope(db: Knex, id: string, detail: string): Promise<void> {
  await db.transaction(async (trx) => {
    const [row] = (await trx('user_integrations')
      .where({ id, status: 'active' })
      .update({ status: 'missing_scope', status_detail: detail })
      .returning(COLUMNS)) as IntegrationRow[];
    if (row) await tellOf(trx, row);
  });
}

async function tellOf(trx: Knex.Transaction, row: IntegrationRow): Promise<void> {
  if (row.status !== 'needs_reconnect' && row.status !== 'missing_scope') return;
  const { id, userId, platform, statusDetail: detail, ...account } = toIntegration(row);
  await raiseNotification(trx, `integration.${row.status}`, {
    userId,
    subject: subjectOf.integration(id),
    payload: { platform, account: accountLabel(account), detail },
    integrationId: id,
  });
}

/** Active integrations by consent of a platform whose grant was not refreshed for so many days, the most idle first. */
export async function listIdleIntegrations(
  db: Knex,
  platform: Platform,
  days: number,
  limit: number,
): Promise<string[]> {
  return (await db('user_integrations')
    .join('integration_credentials', 'integration_id', 'id')
    .where({ platform, status: 'active', method: 'oauth' })
    .whereRaw(`refreshed_at < now() - ? * interval '1 day'`, [days])
    .orderBy('refreshed_at')
    .limit(limit)
    .pluck('id')) as string[];
}

export async function markDisconnecting(db: Knex, id: string): Promise<void> {
  await db('user_integrations').where({ id }).update({ status: 'disconnecting', status_detail: null });
}

/** Keeps the row from being disconnected until the transaction ends. False when it is not active any more. */
export async function holdActiveIntegration(trx: Knex.Transaction, id: string): Promise<boolean> {
  const row: unknown = await trx('user_integrations')
    .where({ id })
    .whereNot({ status: 'disconnecting' })
    .forShare()
    .first('id');
  return row !== undefined;
}

export async function deleteIntegration(db: Knex, id: string): Promise<void> {
  await resolveOfIntegration(db, id);
  await db('user_integrations').where({ id }).delete();
}

/** Notes that an import of these integrations' items ended. */
export async function touchSyncedIntegrations(db: Knex, importId: string): Promise<void> {
  await db('user_integrations')
    .whereIn(
      'id',
      db('import_items').where({ import_id: importId }).whereNotNull('integration_id').select('integration_id'),
    )
    // A sync that found nothing has no items.
    .orWhereIn('id', db('imports').where({ id: importId }).whereNotNull('integration_id').select('integration_id'))
    .update({ last_sync_at: db.fn.now() });
}

export async function findSchedule(db: Knex, id: string): Promise<{ minutes: number | null; nextAt?: Date }> {
  const row = (await db('user_integrations').where({ id }).first('sync_minutes', 'next_sync_at')) as
    { sync_minutes: number | null; next_sync_at: Date | null } | undefined;
  return { minutes: row?.sync_minutes ?? null, nextAt: row?.next_sync_at ?? undefined };
}

/** Null: no syncs by themselves. */
export async function saveSchedule(
  db: Knex,
  id: string,
  schedule: { minutes: number; nextAt: Date } | null,
): Promise<void> {
  await db('user_integrations')
    .where({ id })
    .update({ sync_minutes: schedule?.minutes ?? null, next_sync_at: schedule?.nextAt ?? null });
}

/**
 * An active integration whose sync is due, held until the transaction ends; another process takes another one. `scheduled`: by the schedule, else
 * because its vendor told of news. News wait for `settle` seconds, in which more may come, for a sync under way, and until `apart` seconds after
 * the last one began.
 */
export async function findDueIntegration(
  trx: Knex.Transaction,
  news: { settle: number; apart: number },
): Promise<{ id: string; userId: string; minutes: number; scheduled: boolean } | undefined> {
  const row = (await trx('user_integrations')
    .where({ status: 'active' })
    // Those of a disabled user wait until they are enabled again.
    .whereNotExists(
      trx('users').whereRaw('users.id = user_integrations.user_id').whereNotNull('disabled_at').select('id'),
    )
    .where(
      (due) =>
        void due.where('next_sync_at', '<=', trx.fn.now()).orWhereRaw(
          `news_at <= now() - ? * interval '1 second' and not exists (
             select 1 from imports
             where integration_id = user_integrations.id and kind = 'sync'
               and (status = 'running' or started_at > now() - ? * interval '1 second')
           )`,
          [news.settle, news.apart],
        ),
    )
    .orderByRaw('least(next_sync_at, news_at)')
    .forUpdate()
    .skipLocked()
    .first('id', 'user_id', 'sync_minutes', trx.raw('coalesce(next_sync_at <= now(), false) as scheduled'))) as
    { id: string; user_id: string; sync_minutes: number | null; scheduled: boolean } | undefined;
  return row && { id: row.id, userId: row.user_id, minutes: row.sync_minutes ?? 1440, scheduled: row.scheduled };
}

/** Whether the next sync lists everything anew, because an earlier one did not bring to its end what the feeds had told it. */
export async function needsRelisting(db: Knex, id: string): Promise<boolean> {
  return (await db('user_integrations').where({ id, relist: true }).first('id')) !== undefined;
}

export async function setRelisting(db: Knex, id: string, relist: boolean): Promise<void> {
  await db('user_integrations').where({ id }).update({ relist });
}
