import type { Knex } from 'knex';
import { PgBoss, fromKnex } from 'pg-boss';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { bossDatabase } from './knex-adapter.ts';
import { countJobs, type QueueDepth } from './depths.ts';
import { handBack, returnAllJobs, returnLostJobs } from './leases.ts';
import { JOB_NAMES, type JobName, type JobPayloads } from './payloads.ts';
import { createWorker, type JobHandler, type Worker } from './worker.ts';

/** Tries after the first: with the back-off of about 2, 4 and 8 s a vendor's hiccup is ridden out. */
export const RETRY_LIMIT = 3;

/**
 * Longest back-off in seconds: that of the last try. pg-boss reckons it from the count of all runs, and those that a dead process left are
 * none of the job's doing.
 */
const RETRY_DELAY_MAX = 16;
/** Seconds without a sign of life after which the jobs of a process run elsewhere, and between two looks for such jobs. */
const LEASE_SECONDS = 10;
const LOOK_SECONDS = 2;
/** How long an ended job stays, and how often such jobs are cleared away. */
const CLEAN_SECONDS = 60;
/** Jobs, and characters of their payloads, that one statement carries: a listing may bring the texts of a whole page along. */
const INSERT_JOBS = 1000;
const INSERT_CHARS = 1_000_000;

export type Queue = {
  /** Creates or upgrades the queue's own schema and makes `enqueue` possible. Call it after the migrations. */
  start(): Promise<void>;
  /** Takes no more jobs, waits for the running ones, then aborts their signals; what did not end runs again elsewhere. */
  stop(options: { timeoutMs: number }): Promise<void>;
  /** Writes jobs in the given transaction: they exist exactly when it commits, and a worker of this process starts at once. */
  enqueue<N extends JobName>(
    trx: Knex.Transaction,
    name: N,
    payloads: JobPayloads[N][],
    options?: { startAfter?: Date },
  ): Promise<void>;
  /** Takes jobs of this name, at most `concurrency` at a time. */
  work<N extends JobName>(name: N, options: { concurrency: number }, handler: JobHandler<JobPayloads[N]>): void;
  /** Jobs that wait, are planned for later, or run, of all processes; `waitedMs` is how long the oldest that waits has waited. */
  depths(): Promise<QueueDepth[]>;
  /** Errors: where the queue was not started, or its tables cannot be read. */
  ping(): Promise<void>;
  /** Those of `ids` that no queued or running job of this name carries in its payload's `field`. */
  withoutJob<N extends JobName>(name: N, field: keyof JobPayloads[N] & string, ids: string[]): Promise<string[]>;
};

/** The job queue: pg-boss on our own pool, behind a small face. */
export function createQueue(deps: { database: Database; logger: Logger }): Queue {
  const { database, logger } = deps;
  const boss = new PgBoss({
    db: bossDatabase(database.knex),
    backend: database.kind === 'embedded' ? 'pglite' : 'postgres',
    schema: 'pgboss',
    schedule: false,
    supervise: true,
    superviseIntervalSeconds: CLEAN_SECONDS,
    monitorIntervalSeconds: CLEAN_SECONDS,
    maintenanceIntervalSeconds: CLEAN_SECONDS,
    // Features that are not used here; their timers only cost queries.
    flowIntervalSeconds: 3600,
    bamIntervalSeconds: 3600,
    monitorVacuum: false,
    reindex: database.kind === 'postgres',
  });
  boss.on('error', (error) => logger.error({ err: error }, 'the job queue reported an error'));
  boss.on('warning', (warning) => logger.warn({ warning: warning.message }, 'the job queue reported a warning'));
  const workers = new Map<JobName, Worker>();
  let started = false;
  let looking: NodeJS.Timeout | undefined;
  let look: Promise<void> | undefined;

  /** Jobs of dead processes go to those that live. Takes a fiftieth of the database's time at the most. */
  function lookForLostJobs(): void {
    look = returnLost().then((tookMs) => {
      if (started) looking = setTimeout(lookForLostJobs, Math.max(LOOK_SECONDS * 1000, tookMs * 50));
    });
  }

  async function returnLost(): Promise<number> {
    const startedAt = performance.now();
    try {
      const names = await returnLostJobs(database.knex, LEASE_SECONDS);
      if (names.length > 0) logger.info({ jobs: names }, 'jobs of a process that died run again');
      for (const name of names) workers.get(name)?.wake();
    } catch (error) {
      logger.error({ err: error }, 'the jobs of dead processes could not be looked for');
    }
    return performance.now() - startedAt;
  }

  return {
    async start() {
      await boss.start();
      for (const name of JOB_NAMES) {
        await boss.createQueue(name, queueOptions);
        await boss.updateQueue(name, queueOptions);
        // Fills the cache: a look-up from inside a transaction would wait for a second connection, and embedded there is none.
        await boss.insert(name, []);
      }
      // The embedded database has one process: what runs there was left by its dead predecessor.
      if (database.kind === 'embedded') await returnAllJobs(database.knex);
      started = true;
      lookForLostJobs();
      for (const worker of workers.values()) worker.start();
    },

    async stop({ timeoutMs }) {
      await Promise.all([...workers.values()].map((worker) => worker.stop({ timeoutMs })));
      const wasStarted = started;
      started = false;
      clearTimeout(looking);
      await look;
      if (wasStarted) await boss.stop({ graceful: false, close: false });
    },

    async enqueue(trx, name, payloads, options = {}) {
      if (payloads.length === 0) return;
      const startAfter = options.startAfter?.toISOString();
      for (const batch of inBatches(payloads)) {
        const jobs = batch.map((data) => ({ data, startAfter, group: { id: name } }));
        await boss.insert(name, jobs, { db: fromKnex(trx) });
      }
      if (startAfter === undefined)
        trx.executionPromise.then(
          () => workers.get(name)?.wake(),
          () => undefined,
        );
    },

    work(name, options, handler) {
      if (workers.has(name)) throw new Error(`the queue has a worker for ${name} already`);
      const worker = createWorker(
        {
          boss,
          name,
          logger,
          retryLimit: RETRY_LIMIT,
          beatMs: (LEASE_SECONDS * 1000) / 3,
          handBack: (claim) => handBack(database.knex, name, claim),
          ...options,
        },
        handler,
      );
      workers.set(name, worker);
      if (started) worker.start();
    },

    depths: () => countJobs(database.knex),

    async ping() {
      if (!started) throw new Error('the queue was not started');
      await database.knex.raw('select 1 from pgboss.queue limit 1');
    },

    async withoutJob(name, field, ids) {
      if (ids.length === 0) return [];
      const result = (await database.knex.raw(
        `select wanted.id from unnest(?::text[]) as wanted (id)
         where not exists (
           select 1 from pgboss.job where name = ? and state < 'completed' and data ->> ? = wanted.id
         )`,
        [ids, name, field],
      )) as { rows: { id: string }[] };
      return result.rows.map((row) => row.id);
    },
  };
}

function* inBatches<P>(payloads: P[]): Generator<P[]> {
  let batch: P[] = [];
  let chars = 0;
  for (const payload of payloads) {
    const length = JSON.stringify(payload).length;
    if (batch.length > 0 && (batch.length === INSERT_JOBS || chars + length > INSERT_CHARS)) {
      yield batch;
      [batch, chars] = [[], 0];
    }
    batch.push(payload);
    chars += length;
  }
  if (batch.length > 0) yield batch;
}

/** Without pg-boss's own heartbeat: to it, what a dead process leaves is a failed try. See leases.ts. */
const queueOptions = {
  retryLimit: RETRY_LIMIT,
  retryDelay: 2,
  retryBackoff: true,
  retryDelayMax: RETRY_DELAY_MAX,
  // A job that beats is alive; its own limits end it long before this.
  expireInSeconds: 6 * 3600,
  // Nothing reads a job that has ended, and its payload may hold a document's text.
  deleteAfterSeconds: CLEAN_SECONDS,
};
