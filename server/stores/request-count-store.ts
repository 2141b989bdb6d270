import type { Knex } from 'knex';
import type { HourCounts } from '../services/request-count-service.ts';

/** Adds to what was asked of vendors; what belongs to an integration that is gone is left out. */
export async function addRequestCounts(db: Knex, counts: (HourCounts & { integrationId: string })[]): Promise<void> {
  await db.raw(
    `insert into vendor_requests (integration_id, hour, requests, throttled, failed, paused_ms)
     select c.integration_id, c.hour, c.requests, c.throttled, c.failed, c.paused_ms
     from unnest(?::uuid[], ?::timestamptz[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
       as c (integration_id, hour, requests, throttled, failed, paused_ms)
       join user_integrations on user_integrations.id = c.integration_id
     -- always in the same order, so that two processes never wait for each other's rows
     order by c.integration_id, c.hour
     on conflict (integration_id, hour) do update set requests = vendor_requests.requests + excluded.requests,
       throttled = vendor_requests.throttled + excluded.throttled, failed = vendor_requests.failed + excluded.failed,
       paused_ms = vendor_requests.paused_ms + excluded.paused_ms`,
    [
      counts.map(({ integrationId }) => integrationId),
      counts.map(({ hour }) => hour.toISOString()),
      counts.map(({ requests }) => requests),
      counts.map(({ throttled }) => throttled),
      counts.map(({ failed }) => failed),
      counts.map(({ pausedMs }) => pausedMs),
    ],
  );
}

/** The hours from `since` on in which something was asked, oldest first. */
export async function listRequestCounts(db: Knex, integrationId: string, since: Date): Promise<HourCounts[]> {
  const rows = await db('vendor_requests')
    .where({ integration_id: integrationId })
    .andWhere('hour', '>=', since)
    .orderBy('hour')
    .select<{ hour: Date; requests: string; throttled: string; failed: string; paused_ms: string }[]>(
      'hour',
      'requests',
      'throttled',
      'failed',
      'paused_ms',
    );
  return rows.map((row) => ({
    hour: row.hour,
    requests: Number(row.requests),
    throttled: Number(row.throttled),
    failed: Number(row.failed),
    pausedMs: Number(row.paused_ms),
  }));
}

/** Removes the counts of hours that began more than so many days ago. */
export async function deleteOldRequestCounts(db: Knex, days: number): Promise<void> {
  await db.raw(`delete from vendor_requests where hour < now() - make_interval(days => ?::integer)`, [days]);
}
