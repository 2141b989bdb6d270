import type { Knex } from 'knex';
import { EVENTS, type EventName, type EventPayloads, type Notification } from '../notifications/events.ts';
import { readTimeCursor, writeCursor } from './cursor.ts';

export type NotificationRow = {
  id: string;
  user_id: string;
  event: EventName;
  integration_id: string | null;
  import_id: string | null;
  payload: EventPayloads[EventName];
  created_at: Date;
  resolved_at: Date | null;
  dismissed_at: Date | null;
};

export const NOTIFICATION_COLUMNS = [
  'notifications.id',
  'notifications.user_id',
  'notifications.event',
  'notifications.integration_id',
  'notifications.import_id',
  'notifications.payload',
  'notifications.created_at',
  'notifications.resolved_at',
  'notifications.dismissed_at',
];
const PAGE = 30;

export const toNotification = (row: NotificationRow): Notification =>
  ({
    id: row.id,
    userId: row.user_id,
    event: row.event,
    payload: row.payload,
    integrationId: row.integration_id ?? undefined,
    importId: row.import_id ?? undefined,
    createdAt: row.created_at,
    resolvedAt: row.resolved_at ?? undefined,
    dismissedAt: row.dismissed_at ?? undefined,
  }) as Notification;

/** What an event is about. Those of an account's syncs that failed as a whole are one subject: each follows from the one before. */
export const subjectOf = {
  integration: (id: string): string => `integration:${id}`,
  import: (id: string): string => `import:${id}`,
  syncs: (integrationId: string): string => `syncs:${integrationId}`,
  test: 'test',
};

/**
 * Writes what is to be told, in the transaction of the change it tells of. What stands already is brought up to date and not told again.
 * `quiet`: worth no mail, though it stands.
 */
export async function raiseNotification<E extends EventName>(
  trx: Knex,
  event: E,
  row: {
    userId: string;
    subject: string;
    payload: EventPayloads[E];
    integrationId?: string;
    importId?: string;
    quiet?: boolean;
  },
): Promise<string> {
  const stands = EVENTS[event].stands(row.payload);
  const [raised] = (await trx('notifications')
    .insert({
      user_id: row.userId,
      event,
      subject: row.subject,
      integration_id: row.integrationId ?? null,
      import_id: row.importId ?? null,
      payload: JSON.stringify(row.payload),
      mail: stands && !row.quiet,
      resolved_at: stands ? null : trx.fn.now(),
    })
    .onConflict(trx.raw('(event, subject) where resolved_at is null'))
    .merge(['payload', 'import_id'])
    .returning('id')) as [{ id: string }];
  return raised.id;
}

/** The cause is gone: what stands of this subject stands no more. */
export async function resolveNotifications(db: Knex, subject: string, events: EventName[]): Promise<void> {
  await db('notifications')
    .where({ subject })
    .whereIn('event', events)
    .whereNull('resolved_at')
    .update({ resolved_at: db.fn.now() });
}

/** All that stands of an account which is about to go. */
export async function resolveOfIntegration(db: Knex, integrationId: string): Promise<void> {
  await db('notifications')
    .where({ integration_id: integrationId })
    .whereNull('resolved_at')
    .update({ resolved_at: db.fn.now() });
}

/** What stands above the user's pages, newest first. */
export async function listOpenNotifications(db: Knex, userId: string, limit: number): Promise<Notification[]> {
  const rows = (await db('notifications')
    .where({ user_id: userId })
    .whereNull('resolved_at')
    .whereNull('dismissed_at')
    .orderBy('created_at', 'desc')
    .limit(limit)
    .select(NOTIFICATION_COLUMNS)) as NotificationRow[];
  return rows.map(toNotification);
}

/** All of a user, newest first. */
export async function listNotifications(
  db: Knex,
  userId: string,
  cursor?: string,
): Promise<{ notifications: Notification[]; nextCursor?: string }> {
  const query = db('notifications')
    .where({ user_id: userId })
    .select(...NOTIFICATION_COLUMNS, db.raw('created_at::text as cursor_at'))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(PAGE + 1);
  const after = readTimeCursor(cursor);
  if (after) query.whereRaw('(created_at, id) < (?::timestamptz, ?::uuid)', [after.at, after.id]);
  const rows = (await query) as (NotificationRow & { cursor_at: string })[];
  const last = rows.length > PAGE ? rows[PAGE - 1] : undefined;
  return {
    notifications: rows.slice(0, PAGE).map(toNotification),
    nextCursor: last && writeCursor(last.cursor_at, last.id),
  };
}

/** Takes it off the user's pages; it still stands, and is not told again. False when there is none of that id. */
export async function dismissNotification(db: Knex, userId: string, id: string): Promise<boolean> {
  const dismissed = await db('notifications')
    .where({ id, user_id: userId })
    .update({ dismissed_at: db.raw('coalesce(dismissed_at, now())') });
  return dismissed > 0;
}
