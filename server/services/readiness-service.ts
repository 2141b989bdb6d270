import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import type { IndexKeeper } from '../index/azure-keeper.ts';
import type { OriginalStorage } from '../originals/originals.ts';
import type { Queue } from '../queue/queue.ts';
import type { SessionStore } from '../session.ts';
import { within } from '../within.ts';

/** What the hub cannot do its work without. */
export type ReadyPart = 'database' | 'sessions' | 'queue' | 'originals' | 'index';

export type Readiness = {
  ready: boolean;
  /** The hub was asked to stop, and still answers. */
  draining: boolean;
  /** Those that the configuration has, and whether they answer. */
  parts: { part: ReadyPart; answers: boolean }[];
};

export type ReadinessService = {
  /** Asks every part at once. Never throws, and takes three seconds at most. */
  check(): Promise<Readiness>;
  /** From now on the hub is not ready, whatever its parts say. */
  drain(): void;
  isDraining(): boolean;
};

const TIMEOUT_MS = 3000;
/** Anybody may ask whether the hub is ready; servers of others are not asked for each of them. */
const OUTSIDE_KEPT_MS = 5000;

type Part = {
  part: ReadyPart;
  ask: (signal: AbortSignal) => Promise<unknown>;
  keptMs: number;
  /** Under way: a part that does not answer is not asked again meanwhile. */
  asking?: Promise<boolean>;
  last?: { answers: boolean; at: number };
};

/** Finds out whether this process can do its work. */
export function createReadinessService(deps: {
  database: Database;
  sessions: SessionStore;
  queue: Queue;
  /** Where originals are kept, if they are. */
  originals?: OriginalStorage;
  /** Where the index is outside the database. */
  indexKeeper?: IndexKeeper;
  logger: Logger;
}): ReadinessService {
  const { database, sessions, queue, originals, indexKeeper, logger } = deps;
  let draining = false;
  const parts: Part[] = [
    { part: 'database', ask: () => database.knex.raw('select 1'), keptMs: 0 },
    { part: 'sessions', ask: () => sessions.ping(), keptMs: 0 },
    { part: 'queue', ask: () => queue.ping(), keptMs: 0 },
  ];
  if (originals) parts.push({ part: 'originals', ask: (signal) => originals.check(signal), keptMs: OUTSIDE_KEPT_MS });
  if (indexKeeper) parts.push({ part: 'index', ask: (signal) => indexKeeper.check(signal), keptMs: OUTSIDE_KEPT_MS });

  /** Each turn to the worse or the better is logged, and not each question. */
  function note(one: Part, answers: boolean, error?: unknown): boolean {
    if (!answers && one.last?.answers !== false)
      logger.warn({ err: error, part: one.part }, 'a part of the hub does not answer: it is not ready');
    if (answers && one.last?.answers === false) logger.info({ part: one.part }, 'a part of the hub answers again');
    one.last = { answers, at: Date.now() };
    return answers;
  }

  async function ask(one: Part): Promise<boolean> {
    if (one.last && Date.now() - one.last.at < one.keptMs) return one.last.answers;
    one.asking ??= one
      .ask(AbortSignal.timeout(TIMEOUT_MS))
      .then(
        () => note(one, true),
        (error: unknown) => note(one, false, error),
      )
      .finally(() => (one.asking = undefined));
    return within(one.asking, TIMEOUT_MS, () => note(one, false, new Error(`no answer within ${TIMEOUT_MS} ms`)));
  }

  return {
    async check() {
      const found = await Promise.all(parts.map(async (one) => ({ part: one.part, answers: await ask(one) })));
      return { ready: !draining && found.every(({ answers }) => answers), draining, parts: found };
    },
    drain: () => void (draining = true),
    isDraining: () => draining,
  };
}
