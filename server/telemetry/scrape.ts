import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { JOB_NAMES } from '../queue/payloads.ts';
import type { Queue } from '../queue/queue.ts';
import type { ReadinessService } from '../services/readiness-service.ts';
import { countIntegrations, countItems, findImportEnd, findImportKind } from '../stores/metrics-store.ts';
import { within } from '../within.ts';
import type { Metrics } from './metrics.ts';

/** What is read from the database is kept for so long, and for ten times as long as reading it took. */
const KEPT_MS = 10_000;
/** Scrapers wait ten seconds by default. */
const TIMEOUT_MS = 5000;

type Counts = { requests: number; tokensIn: number; tokensOut: number };
type Stored = {
  items: Awaited<ReturnType<typeof countItems>>;
  integrations: Awaited<ReturnType<typeof countIntegrations>>;
  jobs: Awaited<ReturnType<Queue['depths']>>;
};

export type Scrape = {
  /** Everything in the text format of Prometheus. What cannot be read just now is left out. */
  text(): Promise<string>;
  contentType: string;
  /** Adds what a model of this process counts. */
  watchModel(purpose: 'embedding' | 'answers', model: string, read: () => Counts): void;
  /** Waits for what is under way. */
  settled(): Promise<void>;
};

/** What a scraper reads: the counts of this process, and what the database says of all of them. */
export function createScrape(deps: {
  metrics: Metrics;
  database: Database;
  queue: Queue;
  readiness: ReadinessService;
  logger: Logger;
}): Scrape {
  const { metrics, database, queue, readiness, logger } = deps;
  const models: { purpose: string; model: string; read: () => Counts }[] = [];
  const counting = new Set<Promise<void>>();
  let stored: Stored | undefined;
  let keptUntil = 0;
  let reading: Promise<Stored | undefined> | undefined;

  database.onChange((changes) => {
    for (const { topic, id } of changes) {
      if (topic !== 'import-begun' && topic !== 'import-ended') continue;
      const work: Promise<void> = (topic === 'import-begun' ? countBegun(id) : countEnded(id))
        .catch((error: unknown) => logger.warn({ err: error, importId: id }, 'an import could not be counted'))
        .finally(() => counting.delete(work));
      counting.add(work);
    }
  });

  async function countBegun(id: string): Promise<void> {
    const kind = await findImportKind(database.knex, id);
    if (kind !== undefined) metrics.importsStarted.inc({ kind });
  }

  async function countEnded(id: string): Promise<void> {
    const end = await findImportEnd(database.knex, id);
    if (end) metrics.importsEnded.inc(end);
  }

  async function read(): Promise<Stored | undefined> {
    const startedAt = Date.now();
    try {
      stored = {
        items: await countItems(database.knex),
        integrations: await countIntegrations(database.knex),
        jobs: await queue.depths(),
      };
    } catch (error) {
      stored = undefined;
      logger.warn({ err: error }, 'what the database says could not be read for the metrics');
    }
    keptUntil = Date.now() + Math.max(KEPT_MS, (Date.now() - startedAt) * 10);
    return stored;
  }

  async function latest(): Promise<Stored | undefined> {
    if (Date.now() < keptUntil) return stored;
    reading ??= read().finally(() => (reading = undefined));
    return within(reading, TIMEOUT_MS, () => undefined);
  }

  function fill(found: Stored | undefined): void {
    for (const one of [metrics.items, metrics.integrations, metrics.queueJobs, metrics.queueOldest]) one.reset();
    if (!found) return;
    for (const { count, ...labels } of found.items) metrics.items.set(labels, count);
    for (const { count, ...labels } of found.integrations) metrics.integrations.set(labels, count);
    for (const name of JOB_NAMES) {
      for (const state of ['waiting', 'planned', 'running'] as const) metrics.queueJobs.set({ queue: name, state }, 0);
      metrics.queueOldest.set({ queue: name }, 0);
    }
    for (const { name, state, count, waitedMs } of found.jobs) {
      metrics.queueJobs.set({ queue: name, state }, count);
      if (state === 'waiting') metrics.queueOldest.set({ queue: name }, waitedMs / 1000);
    }
  }

  return {
    contentType: metrics.registry.contentType,
    async text() {
      const [found, { parts }] = await Promise.all([latest(), readiness.check()]);
      fill(found);
      for (const { part, answers } of parts) metrics.partReady.set({ part }, answers ? 1 : 0);
      metrics.modelRequests.reset();
      metrics.modelTokens.reset();
      for (const { purpose, model, read } of models) {
        const { requests, tokensIn, tokensOut } = read();
        metrics.modelRequests.inc({ purpose, model }, requests);
        metrics.modelTokens.inc({ purpose, model, direction: 'in' }, tokensIn);
        metrics.modelTokens.inc({ purpose, model, direction: 'out' }, tokensOut);
      }
      return metrics.registry.metrics();
    },
    watchModel: (purpose, model, read) => void models.push({ purpose, model, read }),
    settled: async () => void (await Promise.all([...counting, reading])),
  };
}
