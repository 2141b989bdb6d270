import type { JobWithMetadata, PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import type { Claim } from './leases.ts';
import type { JobName } from './payloads.ts';

export type JobContext = {
  /** Aborted when the process stops (its reason is then a WorkerStopping), or when the job was given to another worker. */
  signal: AbortSignal;
  /** Starts at 1. A run that was cut short, because its process died or stopped, is none. */
  attempt: number;
  /** True when no further attempt follows: what is to be said must be said now. */
  lastAttempt: boolean;
};

export type JobHandler<Payload> = (payload: Payload, context: JobContext) => Promise<void>;

/** Thrown by a handler that wants its job to run again later; expected, so it is no error in the log. */
export class JobRetry extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'JobRetry';
  }
}

/** Why a run is cut short when its process stops: the job is handed back, and nothing that it did counts against it. */
export class WorkerStopping extends Error {
  constructor() {
    super('the worker is stopping');
    this.name = 'WorkerStopping';
  }
}

export type Worker = {
  start(): void;
  /** Looks for jobs now. */
  wake(): void;
  stop(options: { timeoutMs: number }): Promise<void>;
};

type Running = { job: JobWithMetadata; controller: AbortController; done: Promise<void>; handedBack: boolean };

/** Jobs that appear without a word to this process (retries, other processes) are met by this poll. */
const POLL_MS = 1000;
/** How long an aborted handler may take to put its row back. */
const ABORT_GRACE_MS = 1500;

/**
 * Takes jobs of one queue whenever a slot is free. pg-boss's own workers poll once per slot and once per job; this asks once for all
 * free slots, again at once while jobs keep coming, and once a second when idle.
 */
export function createWorker<Payload>(
  deps: {
    boss: PgBoss;
    name: JobName;
    concurrency: number;
    /** Tries after the first. */
    retryLimit: number;
    beatMs: number;
    handBack: (claim: Claim) => Promise<void>;
    logger: Logger;
  },
  handler: JobHandler<Payload>,
): Worker {
  const { boss, name, concurrency, logger } = deps;
  const running = new Map<string, Running>();
  let state: 'idle' | 'working' | 'stopped' = 'idle';
  let fetching: Promise<void> | undefined;
  let wokenMeanwhile = false;
  let mayHaveMore = true;
  let poll: NodeJS.Timeout | undefined;
  let heart: NodeJS.Timeout | undefined;

  function pull(): void {
    if (state !== 'working' || running.size >= concurrency) return;
    if (fetching) {
      wokenMeanwhile = true;
      return;
    }
    wokenMeanwhile = false;
    fetching = fetchJobs().finally(() => {
      fetching = undefined;
      if (wokenMeanwhile) pull();
    });
  }

  async function fetchJobs(): Promise<void> {
    const free = concurrency - running.size;
    try {
      const jobs = await boss.fetch<Payload & object>(name, { batchSize: free, includeMetadata: true });
      mayHaveMore = jobs.length === free;
      for (const job of jobs) begin(job);
    } catch (error) {
      // The next poll asks again; a database that is away is met by every second of the log only once here.
      logger.error({ err: error, job: name }, 'jobs could not be fetched');
    }
  }

  function begin(job: JobWithMetadata): void {
    const one: Running = { job, controller: new AbortController(), done: Promise.resolve(), handedBack: false };
    running.set(job.id, one);
    one.done = run(one).finally(() => {
      running.delete(job.id);
      if (mayHaveMore || wokenMeanwhile) pull();
    });
  }

  async function run(one: Running): Promise<void> {
    const { job, controller } = one;
    const claim = claimOf(one);
    // Runs that were cut short raised the limit, see leases.ts.
    const attempt = job.retryCount + 1 - (job.retryLimit - deps.retryLimit);
    try {
      await handler(job.data as Payload, {
        signal: controller.signal,
        attempt,
        lastAttempt: job.retryCount >= job.retryLimit,
      });
      if (!one.handedBack) await boss.complete(name, claim);
    } catch (error) {
      if (one.handedBack) return;
      if (controller.signal.reason instanceof WorkerStopping) return giveBack(one);
      const message = error instanceof Error ? error.message : 'failed';
      if (error instanceof JobRetry)
        logger.info({ job: name, jobId: job.id, attempt, reason: message }, 'job runs again');
      else logger.error({ err: error, job: name, jobId: job.id, attempt }, 'job failed');
      // When this fails too, the missing heartbeat brings the job back.
      await boss
        .fail(name, claim, { message })
        .catch((e: unknown) => logger.error({ err: e, job: name, jobId: job.id }, 'job could not be given back'));
    }
  }

  /** When this fails, the missing heartbeat brings the job back. */
  async function giveBack(one: Running): Promise<void> {
    one.handedBack = true;
    await deps
      .handBack(claimOf(one))
      .catch((e: unknown) => logger.error({ err: e, job: name, jobId: one.job.id }, 'job could not be handed back'));
  }

  async function beat(): Promise<void> {
    const held = [...running.values()];
    if (held.length === 0) return;
    try {
      const touched = (await boss.touch(name, held.map(claimOf))) as { settled?: string[] };
      if (!touched.settled) return;
      const alive = new Set(touched.settled);
      for (const { job, controller } of held)
        if (!alive.has(job.id) && running.has(job.id))
          controller.abort(new Error('the job was given to another worker'));
    } catch (error) {
      // A heartbeat that could not be sent says nothing about the claim.
      logger.warn({ err: error, job: name }, 'the heartbeat of running jobs failed');
    }
  }

  return {
    start() {
      if (state !== 'idle') return;
      state = 'working';
      poll = setInterval(pull, POLL_MS);
      heart = setInterval(() => void beat(), deps.beatMs);
      pull();
    },
    wake: pull,
    async stop({ timeoutMs }) {
      state = 'stopped';
      clearInterval(poll);
      await fetching;
      const all = () => Promise.all([...running.values()].map(({ done }) => done));
      if (!(await settledWithin(all(), timeoutMs))) {
        for (const { controller } of running.values()) controller.abort(new WorkerStopping());
        await settledWithin(all(), ABORT_GRACE_MS);
        // What does not listen ends with the process; another one need not wait for that.
        await Promise.all([...running.values()].filter(({ handedBack }) => !handedBack).map(giveBack));
      }
      clearInterval(heart);
    },
  };
}

const claimOf = ({ job }: Running): Claim => ({ id: job.id, retryCount: job.retryCount });

async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const inTime = await Promise.race([work.then(() => true as const), late]);
  clearTimeout(timer);
  return inTime;
}
