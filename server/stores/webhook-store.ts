import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';

/** What is known of the calls of an integration's vendor. */
export type WebhookState = {
  wanted: boolean;
  /** Why calls could not be ordered. */
  problem?: string;
  /** When that is tried again, or the watches are looked at next. */
  dueAt?: Date;
  heardAt?: Date;
  heard: number;
};

export async function findWebhookState(db: Knex, id: string): Promise<WebhookState> {
  const row = (await db('user_integrations')
    .where({ id })
    .first('webhooks', 'webhooks_problem', 'watches_due_at', 'heard_at', 'heard_count')) as
    | {
        webhooks: boolean;
        webhooks_problem: string | null;
        watches_due_at: Date | null;
        heard_at: Date | null;
        heard_count: string | number;
      }
    | undefined;
  return {
    wanted: row?.webhooks ?? false,
    problem: row?.webhooks_problem ?? undefined,
    dueAt: row?.watches_due_at ?? undefined,
    heardAt: row?.heard_at ?? undefined,
    heard: Number(row?.heard_count ?? 0),
  };
}

/** What was told before is forgotten: what changed until now is read when calls come. */
export async function setWebhooks(db: Knex, id: string, wanted: boolean): Promise<void> {
  await db('user_integrations')
    .where({ id })
    .update({ webhooks: wanted, webhooks_problem: null, watches_due_at: db.fn.now(), news_at: null });
}

/** The watches of an integration are to be looked at now. */
export async function setWatchesDue(db: Knex, id: string): Promise<void> {
  await db('user_integrations').where({ id, webhooks: true }).update({ watches_due_at: db.fn.now() });
}

/** The same where a followed feed is not watched yet. True when it is so. */
export async function setFeedDue(db: Knex, id: string, feed: string): Promise<boolean> {
  const updated = await db('user_integrations')
    .where({ id, webhooks: true })
    .whereNotExists(db('watches').where({ integration_id: id, feed }).whereNot({ state: 'ending' }).select('id'))
    .update({ watches_due_at: db.fn.now() });
  return updated > 0;
}

/** Integrations whose watches are to be looked at, put off by a minute, in which a job has begun. Another process takes others. */
export async function takeDueWatches(trx: Knex.Transaction, limit: number): Promise<string[]> {
  const ids = (await trx('user_integrations')
    .where('watches_due_at', '<=', trx.fn.now())
    .where((by) => void by.whereNull('watches_claimed_until').orWhere('watches_claimed_until', '<=', trx.fn.now()))
    .orderBy('watches_due_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .pluck('id')) as string[];
  await trx('user_integrations')
    .whereIn('id', ids)
    .update({ watches_due_at: trx.raw(`now() + interval '1 minute'`) });
  return ids;
}

const UNTIL = `date_trunc('milliseconds', now() + ? * interval '1 millisecond')`;

/**
 * Makes the caller the only one to look at an integration's watches for `ms`; they are due again at its end, in case that it dies.
 * Undefined while somebody else does.
 */
export async function claimWatches(db: Knex, id: string, ms: number): Promise<Date | undefined> {
  const [row] = (await db('user_integrations')
    .where({ id })
    .where((by) => void by.whereNull('watches_claimed_until').orWhere('watches_claimed_until', '<=', db.fn.now()))
    .update({ watches_claimed_until: db.raw(UNTIL, [ms]), watches_due_at: db.raw(UNTIL, [ms]) })
    .returning('watches_claimed_until')) as { watches_claimed_until: Date }[];
  return row?.watches_claimed_until;
}

/** Goes on for `ms` more. Undefined when the time was over and somebody else has begun. */
export async function extendClaim(db: Knex, id: string, claim: Date, ms: number): Promise<Date | undefined> {
  const [row] = (await db('user_integrations')
    .where({ id, watches_claimed_until: claim })
    .update({
      watches_claimed_until: db.raw(UNTIL, [ms]),
      watches_due_at: db.raw(`case when watches_due_at = watches_claimed_until then ${UNTIL} else watches_due_at end`, [
        ms,
      ]),
    })
    .returning('watches_claimed_until')) as { watches_claimed_until: Date }[];
  return row?.watches_claimed_until;
}

/** Ends a claim. Gives whether somebody has asked meanwhile to look again. */
export async function releaseWatches(
  db: Knex,
  id: string,
  claim: Date,
  found: { nextAt?: Date; problem?: string },
): Promise<boolean> {
  const [row] = (await db('user_integrations')
    .where({ id, watches_claimed_until: claim })
    .update({
      watches_claimed_until: null,
      webhooks_problem: found.problem ?? null,
      watches_due_at: db.raw(
        'case when watches_due_at = watches_claimed_until then ?::timestamptz else watches_due_at end',
        [found.nextAt ?? null],
      ),
    })
    .returning(db.raw('coalesce(watches_due_at <= now(), false) as due'))) as { due: boolean }[];
  return row?.due ?? false;
}

/** Notes a call that was believed. */
export async function noteHeard(db: Knex, ids: string[]): Promise<void> {
  await db('user_integrations')
    .whereIn('id', ids)
    .update({ heard_at: db.fn.now(), heard_count: db.raw('heard_count + 1') });
}

/** A sync is to begin soon, where calls are wanted. News before it began counts once. */
export async function noteNews(db: Knex, ids: string[]): Promise<void> {
  await db('user_integrations')
    .whereIn('id', ids)
    .where({ webhooks: true })
    .update({ news_at: db.raw('coalesce(news_at, now())') });
}

/** A sync has begun, which reads what was told until now. */
export async function clearNews(db: Knex, id: string): Promise<void> {
  await db('user_integrations').where({ id }).whereNotNull('news_at').update({ news_at: null });
}

/** The integrations of these accounts whose owners want the vendor to call; several users may have connected one account. */
export async function findListening(db: Knex, platform: Platform, accountIds: string[]): Promise<string[]> {
  if (accountIds.length === 0) return [];
  return (await db('user_integrations')
    .where({ platform, webhooks: true })
    .whereIn('account_id', accountIds)
    .pluck('id')) as string[];
}

/** Whether an address names an integration of that platform. */
export async function isIntegrationOf(db: Knex, platform: Platform, id: string): Promise<boolean> {
  return (await db('user_integrations').where({ id, platform }).first('id')) !== undefined;
}
