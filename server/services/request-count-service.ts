import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { addRequestCounts, deleteOldRequestCounts, listRequestCounts } from '../stores/request-count-store.ts';

/** What was asked of a vendor for one integration. */
export type RequestCounts = {
  /** Repeated ones too. */
  requests: number;
  /** Of them, those that were answered with a request to wait. */
  throttled: number;
  /** Of them, those without an answer, and those whose answer was the vendor's own fault (408, 5xx). */
  failed: number;
  /** The time that the vendor asked to wait; pauses that overlap count once. */
  pausedMs: number;
};
/** Those of one hour, named by its beginning. */
export type HourCounts = RequestCounts & { hour: Date };

export type RequestCountService = {
  /** A request leaves. */
  sent(integrationId: string): void;
  /** It was answered with a request to wait so long. */
  throttled(integrationId: string, waitMs: number): void;
  /** It was not answered, or with the vendor's own fault. */
  failed(integrationId: string): void;
  /** Of all processes, the hours in which something was asked, oldest first: this one and those before it. Up to ten seconds are not kept yet. */
  lastHours(integrationId: string, hours: number): Promise<HourCounts[]>;
  /** Removes what is older than 30 days. */
  prune(): Promise<void>;
  /** Keeps the rest. */
  close(): Promise<void>;
};

/** How often what was counted is kept: what a process counted since is lost with it. */
const KEEP_EVERY_MS = 10_000;
const KEPT_DAYS = 30;
const HOUR_MS = 3_600_000;
const COUNTS = ['requests', 'throttled', 'failed', 'pausedMs'] as const;

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS;

/** Adds up in the database what all processes ask of vendors. */
export function createRequestCountService(deps: {
  database: Database;
  logger: Logger;
  keepEveryMs?: number;
}): RequestCountService {
  const { database, logger } = deps;
  let counted = new Map<string, HourCounts & { integrationId: string }>();
  /** By integration, in ms since the epoch. */
  const pausedUntil = new Map<string, number>();
  let keeping = Promise.resolve();

  function countsOf(integrationId: string): RequestCounts {
    const hour = hourOf(Date.now());
    const key = `${integrationId} ${hour}`;
    let counts = counted.get(key);
    if (!counts) {
      counts = { integrationId, hour: new Date(hour), requests: 0, throttled: 0, failed: 0, pausedMs: 0 };
      counted.set(key, counts);
    }
    return counts;
  }

  /** Adds what came since the last time; where the database cannot take it, it is added the next time. */
  async function keep(): Promise<void> {
    for (const [integrationId, until] of pausedUntil) if (until < Date.now()) pausedUntil.delete(integrationId);
    if (counted.size === 0) return;
    const grown = counted;
    counted = new Map();
    try {
      await addRequestCounts(database.knex, [...grown.values()]);
    } catch (error) {
      logger.warn({ err: error }, 'what vendors were asked for could not be kept');
      for (const [key, counts] of grown) {
        const later = counted.get(key);
        if (later) for (const name of COUNTS) later[name] += counts[name];
        else counted.set(key, counts);
      }
    }
  }
  const timer = setInterval(() => void (keeping = keeping.then(keep)), deps.keepEveryMs ?? KEEP_EVERY_MS);
  timer.unref();

  return {
    sent: (integrationId) => void countsOf(integrationId).requests++,
    failed: (integrationId) => void countsOf(integrationId).failed++,

    throttled(integrationId, waitMs) {
      const counts = countsOf(integrationId);
      const from = Math.max(Date.now(), pausedUntil.get(integrationId) ?? 0);
      const until = Date.now() + waitMs;
      counts.throttled++;
      if (until <= from) return;
      counts.pausedMs += Math.round(until - from);
      pausedUntil.set(integrationId, until);
    },

    lastHours: (integrationId, hours) =>
      listRequestCounts(database.current(), integrationId, new Date(hourOf(Date.now()) - (hours - 1) * HOUR_MS)),

    prune: () => deleteOldRequestCounts(database.knex, KEPT_DAYS),

    async close() {
      clearInterval(timer);
      await keeping;
      await keep();
    },
  };
}
