import type { Knex } from 'knex';
import type { Pace } from '../../providers/provider.ts';

/** A bucket that all processes draw from: of one integration, or of the hub's app at one vendor. */
export type Bucket = Pace & { key: string };

export type Admission = {
  /** Milliseconds until the request may leave, by the fullness of the buckets. */
  waitMs: number;
  /** A pause that the vendor asked for. */
  pausedUntil?: Date;
};

/**
 * Takes one token of each bucket in one statement. A bucket may go below zero: that is a place in the queue, and `waitMs` says when
 * its turn comes. Times are the database's, so that processes with different clocks agree.
 */
export async function takeTokens(db: Knex, buckets: Bucket[]): Promise<Admission> {
  const values = buckets.map(() => '(?, ?::double precision, ?::double precision, ?::double precision - 1)').join(', ');
  const { rows } = (await db.raw(
    `insert into vendor_pace as pace (key, per_second, burst, tokens) values ${values}
     on conflict (key) do update set
       per_second = excluded.per_second,
       burst = excluded.burst,
       tokens = least(excluded.burst,
         pace.tokens + extract(epoch from clock_timestamp() - pace.updated_at) * excluded.per_second) - 1,
       updated_at = clock_timestamp()
     returning
       greatest(0, -tokens / per_second) * 1000 as wait_ms,
       case when paused_until > clock_timestamp() then extract(epoch from paused_until - clock_timestamp()) * 1000 end as pause_ms`,
    // Always in the same order, so that two processes never wait for each other's rows.
    [...buckets]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .flatMap(({ key, perSecond, burst }) => [key, perSecond, burst, burst]),
  )) as { rows: { wait_ms: number; pause_ms: string | number | null }[] };
  const pauses = rows.flatMap(({ pause_ms: ms }) => (ms === null ? [] : [Number(ms)]));
  return {
    waitMs: Math.max(0, ...rows.map((row) => Number(row.wait_ms))),
    pausedUntil: pauses.length > 0 ? new Date(Date.now() + Math.max(...pauses)) : undefined,
  };
}

/** Gives back what was taken for a request that did not leave. */
export async function returnTokens(db: Knex, buckets: Bucket[]): Promise<void> {
  await db('vendor_pace')
    .whereIn(
      'key',
      buckets.map(({ key }) => key),
    )
    .update({ tokens: db.raw('least(burst, tokens + 1)') });
}

/** Notes that the vendor asked for a pause; a longer one that stands already stays. */
export async function pauseBucket(db: Knex, bucket: Bucket, forMs: number): Promise<void> {
  await db.raw(
    `insert into vendor_pace as pace (key, per_second, burst, tokens, paused_until)
     values (?, ?, ?, ?, clock_timestamp() + ? * interval '1 millisecond')
     on conflict (key) do update set paused_until = greatest(pace.paused_until, excluded.paused_until)`,
    [bucket.key, bucket.perSecond, bucket.burst, bucket.burst, forMs],
  );
}

/** Which of these buckets are paused now, and until when. */
export async function listPauses(db: Knex, keys: string[]): Promise<Map<string, Date>> {
  if (keys.length === 0) return new Map();
  const rows = (await db('vendor_pace')
    .whereIn('key', keys)
    .whereRaw('paused_until > clock_timestamp()')
    .select('key', 'paused_until')) as { key: string; paused_until: Date }[];
  return new Map(rows.map((row) => [row.key, row.paused_until]));
}

export async function deleteBucket(db: Knex, key: string): Promise<void> {
  await db('vendor_pace').where({ key }).delete();
}
