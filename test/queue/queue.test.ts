import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createLogger } from '../../server/logger.ts';
import type { Database } from '../../server/database/database.ts';
import { createQueue, type Queue } from '../../server/queue/queue.ts';
import { JobRetry } from '../../server/queue/worker.ts';
import { onEachDatabase, openTestDatabase } from '../helpers/database.ts';
import { waitFor } from '../helpers/wait.ts';

const logger = createLogger({ logLevel: 'silent' });
const payload = () => ({ importId: randomUUID(), itemId: randomUUID() });

onEachDatabase('the job queue', (open) => {
  let database: Database;
  let queue: Queue;
  beforeEach(async () => {
    database = await open();
    queue = createQueue({ database, logger });
    await queue.start();
  });
  afterEach(async () => {
    await queue.stop({ timeoutMs: 5000 });
    await database.close();
  });

  it('runs a job soon after its transaction commits', async () => {
    const job = payload();
    const seen: unknown[] = [];
    queue.work('import-item', { concurrency: 2 }, async (data) => void seen.push(data));
    const startedAt = Date.now();
    await database.transaction((trx) => queue.enqueue(trx, 'import-item', [job]));
    await waitFor('the job', () => seen.length === 1);
    expect(seen).to.deep.equal([job]);
    expect(Date.now() - startedAt).to.be.below(900);
  });

  it('leaves no job behind when the transaction rolls back', async () => {
    const seen: unknown[] = [];
    const kept = payload();
    queue.work('import-item', { concurrency: 2 }, async (data) => void seen.push(data));
    await database
      .transaction(async (trx) => {
        await queue.enqueue(trx, 'import-item', [payload()]);
        throw new Error('roll back');
      })
      .catch(() => undefined);
    await database.transaction((trx) => queue.enqueue(trx, 'import-item', [kept]));
    await waitFor('the kept job', () => seen.length > 0);
    expect(seen).to.deep.equal([kept]);
  });

  it('runs many jobs, each once, never more than its concurrency at a time', async () => {
    const jobs = Array.from({ length: 300 }, payload);
    const seen: string[] = [];
    let now = 0;
    let most = 0;
    queue.work('import-item', { concurrency: 4 }, async ({ itemId }) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      seen.push(itemId);
    });
    await database.transaction((trx) => queue.enqueue(trx, 'import-item', jobs));
    await waitFor('all jobs', () => seen.length >= 300);
    expect(new Set(seen).size).to.equal(300);
    expect(most).to.be.within(2, 4);
  });

  it('carries 250 jobs of 100 kB each, written in one transaction, whole', async () => {
    const jobs = Array.from({ length: 250 }, (_, at) => ({
      ...payload(),
      listed: { mediaType: 'text/html', hint: `${at} ${'ä"\\'.repeat(25_000)}` },
    }));
    const sent = new Map<string, string>(jobs.map(({ itemId, listed }) => [itemId, listed.hint]));
    const wrong: string[] = [];
    queue.work('import-item', { concurrency: 8 }, async ({ itemId, listed }) => {
      if (sent.get(itemId) !== listed?.hint) wrong.push(itemId);
      sent.delete(itemId);
    });
    await database.transaction((trx) => queue.enqueue(trx, 'import-item', jobs));
    await waitFor('all jobs', () => sent.size === 0 || wrong.length > 0, 50_000);
    expect(wrong).to.deep.equal([]);
  });

  it('runs a failed job again and says which attempt is the last', async () => {
    const attempts: { attempt: number; lastAttempt: boolean }[] = [];
    queue.work('import-item', { concurrency: 1 }, async (_data, { attempt, lastAttempt }) => {
      attempts.push({ attempt, lastAttempt });
      if (attempt === 1) throw new JobRetry('not yet');
    });
    await database.transaction((trx) => queue.enqueue(trx, 'import-item', [payload()]));
    await waitFor('the second attempt', () => attempts.length === 2);
    expect(attempts).to.deep.equal([
      { attempt: 1, lastAttempt: false },
      { attempt: 2, lastAttempt: false },
    ]);
  });

  it('tells which ids have no job', async () => {
    const job = payload();
    await database.transaction((trx) => queue.enqueue(trx, 'import-item', [job]));
    expect(await queue.withoutJob('import-item', 'itemId', [job.itemId, 'other'])).to.deep.equal(['other']);
  });

  it('counts tries that fail, whatever runs a dead process left between them', async () => {
    const attempts: number[] = [];
    queue.work('import-item', { concurrency: 1 }, async (_data, { attempt, lastAttempt }) => {
      attempts.push(attempt);
      if (!lastAttempt) throw new JobRetry('not yet');
    });
    const nine = { retry_count: 9, retry_limit: 12, state: 'retry', started_on: database.knex.fn.now() };
    await database.transaction(async (trx) => {
      await queue.enqueue(trx, 'import-item', [payload()], { startAfter: new Date(Date.now() - 1000) });
      await trx('pgboss.job').update(nine);
    });
    // Three failed tries after nine lost runs: the back-off is that of three tries.
    for (const tries of [1, 2]) {
      const waits = await waitFor('the next try to be planned', async () => {
        const job = (await database
          .knex('pgboss.job')
          .where({ name: 'import-item', state: 'retry' })
          .whereRaw('start_after > now()')
          .first(database.knex.raw('extract(epoch from start_after - now())::float as seconds'))) as
          { seconds: number } | undefined;
        return attempts.length === tries && job?.seconds;
      });
      expect(waits).to.be.below(17);
      await database.knex('pgboss.job').update({ start_after: database.knex.fn.now() });
    }
    await waitFor('the last try', () => attempts.length === 3);
    expect(attempts).to.deep.equal([2, 3, 4]);
  });

  it('waits for running jobs when it stops and aborts those that do not end', async () => {
    let aborted = false;
    let begun = false;
    queue.work('expand-folder', { concurrency: 1 }, async (_data, { signal }) => {
      begun = true;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted = true;
      throw new JobRetry('stopped');
    });
    await database.transaction((trx) =>
      queue.enqueue(trx, 'expand-folder', [{ importId: randomUUID(), folderId: randomUUID() }]),
    );
    await waitFor('the job', () => begun);
    await queue.stop({ timeoutMs: 100 });
    expect(aborted).to.equal(true);
  });
});

onEachDatabase('a worker that ends with a job in hand', (open) => {
  let database: Database;
  let first: Queue;
  let second: Queue;
  beforeEach(async () => {
    database = await open();
    first = createQueue({ database, logger });
    second = createQueue({ database, logger });
    await first.start();
  });
  afterEach(async () => {
    await first.stop({ timeoutMs: 0 });
    await second.stop({ timeoutMs: 1000 });
    await database.close();
  });

  /** Puts a job into the hands of the first worker, which never ends it. */
  async function begun(): Promise<void> {
    let begun = false;
    first.work('import-item', { concurrency: 1 }, async () => {
      begun = true;
      await new Promise(() => undefined);
    });
    await database.transaction((trx) => first.enqueue(trx, 'import-item', [payload()]));
    await waitFor('the first run', () => begun);
  }

  /** What is left when a process dies, where the stop just now handed it back: a running job whose signs of life grow old. */
  const leaveRunning = () =>
    database.knex.raw(
      `update pgboss.job set state = 'active', retry_limit = retry_limit - 1, heartbeat_on = now() - interval '1 minute'
       where name = 'import-item'`,
    );

  it('costs only time when its process dies: the job runs again elsewhere, and no try of it is used up', async () => {
    await begun();
    await first.stop({ timeoutMs: 0 });
    const seen: { attempt: number; lastAttempt: boolean }[] = [];
    while (seen.length < 5) {
      await leaveRunning();
      const runs = seen.length;
      second = createQueue({ database, logger });
      await second.start();
      second.work('import-item', { concurrency: 1 }, async (_data, { attempt, lastAttempt }) => {
        seen.push({ attempt, lastAttempt });
        if (seen.length < 5) await new Promise(() => undefined);
      });
      await waitFor(`run ${runs + 1}`, () => seen.length > runs);
      await second.stop({ timeoutMs: 0 });
    }
    expect(seen).to.deep.equal(Array.from({ length: 5 }, () => ({ attempt: 1, lastAttempt: false })));
  });

  it('hands it back at once when it stops, and no try of it is used up', async () => {
    await begun();
    let attempt = 0;
    await second.start();
    second.work('import-item', { concurrency: 1 }, async (_data, job) => {
      attempt = job.attempt;
    });
    await first.stop({ timeoutMs: 0 });
    const stoppedAt = Date.now();
    await waitFor('the run elsewhere', () => attempt > 0);
    expect(attempt).to.equal(1);
    expect(Date.now() - stoppedAt).to.be.below(2500);
  });
});

describe('jobs on a database that processes share', function () {
  this.timeout(120_000);

  /** On the embedded database, which has one process, a start takes all that runs for left behind. */
  const onPostgres = process.env.TEST_DATABASE_URL ? it : () => undefined;

  onPostgres('stay with a process that shows signs of life when another one starts', async () => {
    const database = await openTestDatabase('postgres');
    const first = createQueue({ database, logger });
    const second = createQueue({ database, logger });
    try {
      let runs = 0;
      let end: () => void = () => undefined;
      await first.start();
      first.work('import-item', { concurrency: 1 }, async () => {
        runs++;
        await new Promise<void>((resolve) => (end = resolve));
      });
      await database.transaction((trx) => first.enqueue(trx, 'import-item', [payload()]));
      await waitFor('the job', () => runs === 1);
      second.work('import-item', { concurrency: 1 }, async () => void runs++);
      await second.start();
      const beats = async () =>
        (await database.knex('pgboss.job').where({ name: 'import-item' }).first<{ heartbeat_on: Date }>('heartbeat_on'))
          .heartbeat_on;
      const before = await beats();
      // Long enough for the second one to have looked for lost jobs.
      await waitFor('two signs of life', async () => (await beats()).getTime() - before.getTime() > 6000, 30_000);
      expect(runs).to.equal(1);
      end();
    } finally {
      await first.stop({ timeoutMs: 1000 });
      await second.stop({ timeoutMs: 1000 });
      await database.close();
    }
  });
});
