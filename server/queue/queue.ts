import type { Knex } from 'knex';
import { PgBoss, fromKnex } from 'pg-boss';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { JOB_NAMES, type JobName, type JobPayloads } from './payloads.ts';
import { bossDatabase } from './knex-adapter.ts';
import { createWorker, type JobHandler, type Worker } from './worker.ts';

/** Tries after the first: with the back-off of about 2, 4 and 8 s a vendor's hiccup is ridden out. */
export const RETRY_LIMIT = 3;

/** Seconds without a sign of life after which a job of a dead process runs again; pg-boss takes 10 as the least. */
const HEARTBEAT_SECONDS = 10;
const SUPERVISE_SECONDS = 5;
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
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
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

  return {
    async start() {
      await boss.start();
      for (const name of JOB_NAMES) {
        await boss.createQueue(name, queueOptions);
        await boss.updateQueue(name, queueOptions);
        // Fills the cache: a look-up from inside a transaction would wait for a second connection, and embedded there is none.
        await boss.insert(name, []);
      }
      started = true;
      for (const worker of workers.values()) worker.start();
    },

    async stop({ timeoutMs }) {
      await Promise.all([...workers.values()].map((worker) => worker.stop({ timeoutMs })));
      if (started) await boss.stop({ graceful: false, close: false });
      started = false;
    },

    async enqueue(trx, name, payloads, options = {}) {
      if (payloads.length === 0) return;
      const startAfter = options.startAfter?.toISOString();
      for (const batch of inBatches(payloads)) {
        const jobs = batch.map((data) => ({ data, startAfter }));
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
      const worker = createWorker({ boss, name, logger, heartbeatSeconds: HEARTBEAT_SECONDS, ...options }, handler);
      workers.set(name, worker);
      if (started) worker.start();
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

const queueOptions = {
  retryLimit: RETRY_LIMIT,
  retryDelay: 2,
  retryBackoff: true,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  // A job that beats is alive; its own limits end it long before this.
  expireInSeconds: 6 * 3600,
  // Nothing reads a job that has ended, and its payload may hold a document's text.
  deleteAfterSeconds: CLEAN_SECONDS,
};
