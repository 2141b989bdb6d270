import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';

/**
 * A standing order at a vendor to call. `asked`: the vendor has not answered yet; `none`: it does not watch this feed; `ending`: it is still to be
 * ended there. `sealed` is vault ciphertext.
 */
export type WatchRow = {
  id: string;
  integrationId: string;
  feed: string;
  watchId: string;
  address: string;
  data: Record<string, string>;
  sealed: string;
  state: 'asked' | 'standing' | 'none' | 'ending';
  madeAt: Date;
  renewAt?: Date;
  expiresAt?: Date;
};

type Row = {
  id: string;
  integration_id: string;
  feed: string;
  watch_id: string;
  address: string;
  data: Record<string, string>;
  sealed: string;
  state: WatchRow['state'];
  made_at: Date;
  renew_at: Date | null;
  expires_at: Date | null;
};

const COLUMNS = [
  'watches.id',
  'integration_id',
  'feed',
  'watch_id',
  'address',
  'data',
  'sealed',
  'state',
  'made_at',
  'renew_at',
  'expires_at',
];

const toWatch = (row: Row): WatchRow => ({
  id: row.id,
  integrationId: row.integration_id,
  feed: row.feed,
  watchId: row.watch_id,
  address: row.address,
  data: row.data,
  sealed: row.sealed,
  state: row.state,
  madeAt: row.made_at,
  renewAt: row.renew_at ?? undefined,
  expiresAt: row.expires_at ?? undefined,
});

/** The newest first. */
export async function listWatches(db: Knex, integrationId: string): Promise<WatchRow[]> {
  const rows = (await db('watches')
    .where({ integration_id: integrationId })
    .select(COLUMNS)
    .orderBy('made_at', 'desc')
    .orderBy('id')) as Row[];
  return rows.map(toWatch);
}

/** Those by which a platform may call: of one of its integrations, or of all. */
export async function listCallingWatches(db: Knex, platform: Platform, integrationId?: string): Promise<WatchRow[]> {
  const query = db('watches')
    .join('user_integrations', 'user_integrations.id', 'integration_id')
    .where({ platform })
    .whereNot({ state: 'none' })
    .select(COLUMNS);
  if (integrationId !== undefined) query.where({ integration_id: integrationId });
  return ((await query) as Row[]).map(toWatch);
}

/** Written before the vendor is asked, because it may call before it answers. */
export async function insertWatch(
  db: Knex,
  watch: Pick<WatchRow, 'id' | 'integrationId' | 'feed' | 'watchId' | 'address' | 'sealed'>,
): Promise<void> {
  await db('watches').insert({
    id: watch.id,
    integration_id: watch.integrationId,
    feed: watch.feed,
    watch_id: watch.watchId,
    address: watch.address,
    sealed: watch.sealed,
    state: 'asked',
  });
}

/** What the vendor has answered. */
export async function saveWatch(
  db: Knex,
  id: string,
  watch: Pick<WatchRow, 'watchId' | 'data' | 'sealed' | 'state' | 'renewAt' | 'expiresAt'>,
): Promise<void> {
  await db('watches')
    .where({ id })
    .update({
      watch_id: watch.watchId,
      data: JSON.stringify(watch.data),
      sealed: watch.sealed,
      state: watch.state,
      renew_at: watch.renewAt ?? null,
      expires_at: watch.expiresAt ?? null,
    });
}

/** Every feed that an order serves is watched for longer with it. */
export async function prolongWatches(
  db: Knex,
  order: { integrationId: string; watchId: string },
  to: Pick<WatchRow, 'watchId' | 'data' | 'renewAt' | 'expiresAt'>,
): Promise<void> {
  await db('watches')
    .where({ integration_id: order.integrationId, watch_id: order.watchId, state: 'standing' })
    .update({
      watch_id: to.watchId,
      data: JSON.stringify(to.data),
      renew_at: to.renewAt ?? null,
      expires_at: to.expiresAt ?? null,
    });
}

/** The vendor wants them to be made anew or prolonged now. */
export async function renewWatches(db: Knex, ids: string[]): Promise<void> {
  await db('watches').whereIn('id', ids).where({ state: 'standing' }).update({ renew_at: db.fn.now() });
}

export async function setWatchEnding(db: Knex, id: string): Promise<void> {
  await db('watches').where({ id }).update({ state: 'ending' });
}

export async function deleteWatches(db: Knex, ids: string[]): Promise<void> {
  await db('watches').whereIn('id', ids).delete();
}

/** Notes a call that may come again. False when it was heard before. What is older than a day is forgotten: no vendor repeats it. */
export async function rememberCall(trx: Knex.Transaction, id: string): Promise<boolean> {
  await trx('webhook_calls').where('heard_at', '<', trx.raw(`now() - interval '1 day'`)).delete();
  const inserted = (await trx('webhook_calls').insert({ id }).onConflict('id').ignore().returning('id')) as unknown[];
  return inserted.length > 0;
}

/** Secrets as they are sealed, in the order of their ids. */
export async function listSealedWatches(
  db: Knex,
  after: string | undefined,
  limit: number,
): Promise<{ id: string; sealed: string }[]> {
  const query = db('watches').select('id', 'sealed').orderBy('id').limit(limit);
  if (after) query.where('id', '>', after);
  return (await query) as { id: string; sealed: string }[];
}

/** Replaces the ciphertext only where it is still the one that was read. */
export async function replaceSealedWatch(db: Knex, id: string, old: string, sealed: string): Promise<boolean> {
  return (await db('watches').where({ id, sealed: old }).update({ sealed })) > 0;
}
