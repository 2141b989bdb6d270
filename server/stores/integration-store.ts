import type { Knex } from 'knex';
import type { Account, Platform } from '../../providers/provider.ts';
import type { Integration, IntegrationStatus } from '../services/integration-service.ts';

type IntegrationRow = {
  id: string;
  user_id: string;
  platform: Platform;
  account_id: string;
  account_email: string | null;
  account_name: string | null;
  status: IntegrationStatus;
  status_detail: string | null;
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

/** For work that was authorized when it was queued. */
export async function findIntegrationById(db: Knex, id: string): Promise<Integration | undefined> {
  const row = (await db('user_integrations').where({ id }).first(COLUMNS)) as IntegrationRow | undefined;
  return row && toIntegration(row);
}

/** Creates the account's integration, or makes the existing one active again under its id. */
export async function upsertIntegration(
  db: Knex,
  integration: { userId: string; platform: Platform; account: Account; scopes: string[] },
): Promise<Integration> {
  const { userId, platform, account, scopes } = integration;
  const [row] = (await db('user_integrations')
    .insert({
      user_id: userId,
      platform,
      account_id: account.id,
      account_email: account.email ?? null,
      account_name: account.name ?? null,
      scopes,
    })
    .onConflict(['user_id', 'platform', 'account_id'])
    .merge({
      account_email: account.email ?? null,
      account_name: account.name ?? null,
      scopes,
      status: 'active',
      status_detail: null,
      connected_at: db.fn.now(),
    })
    .returning(COLUMNS)) as [IntegrationRow];
  return toIntegration(row);
}

/** Notes that the grant is dead; one that is being disconnected stays so. */
export async function markNeedsReconnect(db: Knex, id: string, detail: string): Promise<void> {
  await db('user_integrations')
    .where({ id })
    .whereNot({ status: 'disconnecting' })
    .update({ status: 'needs_reconnect', status_detail: detail });
}

/** Notes that the vendor did not grant something that is needed; `detail` names it. */
export async function markMissingScope(db: Knex, id: string, detail: string): Promise<void> {
  await db('user_integrations')
    .where({ id, status: 'active' })
    .update({ status: 'missing_scope', status_detail: detail });
}

/** Active integrations of a platform whose grant was not refreshed for so many days, the most idle first. */
export async function listIdleIntegrations(
  db: Knex,
  platform: Platform,
  days: number,
  limit: number,
): Promise<string[]> {
  return (await db('user_integrations')
    .join('integration_credentials', 'integration_id', 'id')
    .where({ platform, status: 'active' })
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
  await db('user_integrations').where({ id }).delete();
}

/** Notes that an import of these integrations' items ended. */
export async function touchSyncedIntegrations(db: Knex, importId: string): Promise<void> {
  await db('user_integrations')
    .whereIn(
      'id',
      db('import_items').where({ import_id: importId }).whereNotNull('integration_id').select('integration_id'),
    )
    .update({ last_sync_at: db.fn.now() });
}
