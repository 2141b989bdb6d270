import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createLogger } from '../../server/logger.ts';
import type { Database } from '../../server/database/database.ts';
import { createQueue, type Queue } from '../../server/queue/queue.ts';
import { JobRetry } from '../../server/queue/worker.ts';
import { onEachDatabase } from '../helpers/database.ts';
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

onEachDatabase('a crash of a worker', (open) => {
  it('costs only time: the job runs again elsewhere', async () => {
    const database = await open();
    const first = createQueue({ database, logger });
    const second = createQueue({ database, logger });
    try {
      await first.start();
      let lost = false;
      first.work('import-item', { concurrency: 1 }, async () => {
        lost = true;
        await new Promise(() => undefined);
      });
      await database.transaction((trx) => first.enqueue(trx, 'import-item', [payload()]));
      await waitFor('the first attempt', () => lost);
      // What is left when the process dies: an active job whose heartbeat grows old.
      await first.stop({ timeoutMs: 1 });
      await database.knex.raw(
        `update pgboss.job set state = 'active', started_on = now(), completed_on = null, retry_count = 0,
           heartbeat_on = now() - interval '1 minute' where name = 'import-item'`,
      );
      let again = 0;
      await second.start();
      second.work('import-item', { concurrency: 1 }, async (_data, { attempt }) => {
        again = attempt;
      });
      await waitFor('the second attempt', () => again > 0, 30_000);
      expect(again).to.equal(2);
    } finally {
      await second.stop({ timeoutMs: 1000 });
      await database.close();
    }
  });
});
