import type { Knex } from 'knex';
import type { Channel, Notification } from '../notifications/events.ts';
import { NOTIFICATION_COLUMNS, toNotification, type NotificationRow } from './notification-store.ts';

export type DeliveryState = 'waiting' | 'sent' | 'failed';

/** How far a channel got with a notification. */
export type Delivery = {
  notificationId: string;
  channel: Channel;
  state: DeliveryState;
  attempts: number;
  /** When it is tried (again), while it waits. */
  dueAt: Date;
  /** Why the last attempt failed: a sentence. */
  problem?: string;
};

/** A delivery that is to be made now. */
export type DueDelivery = {
  id: string;
  channel: Channel;
  /** This one counted. */
  attempts: number;
  notification: Notification;
  recipient: { email: string; disabled: boolean };
};

/** Notifications that no channel was handed yet, held until the transaction ends; another process takes others. */
export async function takeUnrouted(
  trx: Knex.Transaction,
  limit: number,
): Promise<{ id: string; mail: boolean; createdAt: Date }[]> {
  const rows = (await trx('notifications')
    .whereNull('routed_at')
    .orderBy('created_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .select('id', 'mail', 'created_at')) as { id: string; mail: boolean; created_at: Date }[];
  return rows.map(({ id, mail, created_at }) => ({ id, mail, createdAt: created_at }));
}

/** Hands a notification to its channels. Gives the ids of the deliveries. */
export async function routeNotification(trx: Knex.Transaction, id: string, channels: Channel[]): Promise<string[]> {
  await trx('notifications').where({ id }).update({ routed_at: trx.fn.now() });
  if (channels.length === 0) return [];
  const rows = (await trx('notification_deliveries')
    .insert(channels.map((channel) => ({ notification_id: id, channel })))
    .onConflict(['notification_id', 'channel'])
    .ignore()
    .returning('id')) as { id: string }[];
  return rows.map((row) => row.id);
}

/** Takes a delivery that is due, for as long as `leaseMs`: nobody else tries it meanwhile. Undefined when it is not due, or done. */
export async function takeDelivery(db: Knex, id: string, leaseMs: number): Promise<DueDelivery | undefined> {
  const [taken] = (await db('notification_deliveries')
    .where({ id, state: 'waiting' })
    .where('due_at', '<=', db.fn.now())
    .update({ attempts: db.raw('attempts + 1'), due_at: later(db, leaseMs) })
    .returning(['channel', 'attempts', 'notification_id'])) as {
    channel: Channel;
    attempts: number;
    notification_id: string;
  }[];
  if (!taken) return undefined;
  const row = (await db('notifications')
    .join('users', 'users.id', 'notifications.user_id')
    .where({ 'notifications.id': taken.notification_id })
    .first(...NOTIFICATION_COLUMNS, 'users.email', 'users.disabled_at')) as
    (NotificationRow & { email: string; disabled_at: Date | null }) | undefined;
  return (
    row && {
      id,
      channel: taken.channel,
      attempts: taken.attempts,
      notification: toNotification(row),
      recipient: { email: row.email, disabled: row.disabled_at !== null },
    }
  );
}

/** Its final state. */
export async function settleDelivery(
  db: Knex,
  id: string,
  outcome: { state: 'sent' } | { state: 'failed'; problem: string },
): Promise<void> {
  await db('notification_deliveries')
    .where({ id, state: 'waiting' })
    .update({
      state: outcome.state,
      problem: outcome.state === 'failed' ? outcome.problem : null,
      settled_at: db.fn.now(),
    });
}

/** Puts a delivery off. Gives when it is due. */
export async function postponeDelivery(db: Knex, id: string, delayMs: number, problem: string): Promise<Date> {
  const [row] = (await db('notification_deliveries')
    .where({ id, state: 'waiting' })
    .update({ due_at: later(db, delayMs), problem })
    .returning('due_at')) as { due_at: Date }[];
  return row?.due_at ?? new Date();
}

/** Whole milliseconds, as dates outside the database have: a job that starts then must find its row due. */
const later = (db: Knex, ms: number): Knex.Raw =>
  db.raw(`date_trunc('milliseconds', now() + ? * interval '1 millisecond')`, [Math.round(ms)]);

/** Deliveries that should have been tried by now. */
export async function listOverdueDeliveries(db: Knex, graceMs: number, limit: number): Promise<string[]> {
  return (await db('notification_deliveries')
    .where({ state: 'waiting' })
    .where('due_at', '<', later(db, -graceMs))
    .orderBy('due_at')
    .limit(limit)
    .pluck('id')) as string[];
}

export async function listDeliveries(db: Knex, notificationIds: string[]): Promise<Delivery[]> {
  const rows = (await db('notification_deliveries')
    .whereIn('notification_id', notificationIds)
    .orderBy('channel')
    .select('notification_id', 'channel', 'state', 'attempts', 'due_at', 'problem')) as {
    notification_id: string;
    channel: Channel;
    state: DeliveryState;
    attempts: number;
    due_at: Date;
    problem: string | null;
  }[];
  return rows.map((row) => ({
    notificationId: row.notification_id,
    channel: row.channel,
    state: row.state,
    attempts: row.attempts,
    dueAt: row.due_at,
    problem: row.problem ?? undefined,
  }));
}
