import { request } from 'node:http';
import { expect } from 'chai';
import { createReadinessService } from '../../server/services/readiness-service.ts';
import { migrate, openDatabase } from '../../server/database/open.ts';
import { parseConfig, ConfigError, type Env } from '../../server/config.ts';
import { startAzureSearchServer } from '../helpers/azure-search-server.ts';
import { databaseKinds, freshDatabaseEnv, onEachDatabase, openTestDatabase } from '../helpers/database.ts';
import { freePort } from '../helpers/free-port.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { keepLogs } from '../helpers/kept-logs.ts';
import { notRun } from '../helpers/requirements.ts';
import { startTcpRelay } from '../helpers/tcp-relay.ts';
import { waitFor } from '../helpers/wait.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';

const json = { headers: { accept: 'application/json' } };
const redisUrl = process.env.TEST_REDIS_URL;

async function readyOf(url: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, text: await answer.text() };
}

onEachDatabase('the health of the hub', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());

  it('says that the hub is ready, as text or as JSON, and keeps nobody from asking', async () => {
    expect(await readyOf(hub.url)).to.deep.equal({ status: 200, text: 'ready\n' });
    const answer = await fetch(`${hub.url}/readyz`, json);
    expect(answer.headers.get('content-type')).to.match(/^application\/json/);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
    expect(await answer.json()).to.deep.equal({
      ready: true,
      draining: false,
      parts: { database: 'ok', sessions: 'ok', queue: 'ok' },
    });
  });

  it('names the queue when its tables cannot be read, and is ready when they are back', async () => {
    const { knex } = hub.context.database;
    await knex.raw('alter schema pgboss rename to pgboss_away');
    try {
      expect(await readyOf(hub.url)).to.deep.equal({ status: 503, text: 'not ready: queue\n' });
      expect((await fetch(`${hub.url}/healthz`)).status).to.equal(200);
    } finally {
      await knex.raw('alter schema pgboss_away rename to pgboss');
    }
    expect(await readyOf(hub.url)).to.deep.equal({ status: 200, text: 'ready\n' });
  });
});

describe('readiness of what is behind the hub', function () {
  this.timeout(120_000);

  it('names Redis while it is away, and needs no session to say so', async () => {
    if (!redisUrl) return notRun('readiness with Redis', 'TEST_REDIS_URL is not set');
    const relay = await startTcpRelay(redisUrl);
    const hub = await startHub({ env: { REDIS_URL: `redis://${relay.host}:${relay.port}` } });
    try {
      expect(await readyOf(hub.url)).to.deep.equal({ status: 200, text: 'ready\n' });
      relay.cut();
      const body = await waitFor('the hub to miss Redis', async () => {
        const answer = await fetch(`${hub.url}/readyz`, json);
        return answer.status === 503 && ((await answer.json()) as unknown);
      });
      expect(body).to.deep.equal({
        ready: false,
        draining: false,
        parts: { database: 'ok', sessions: 'failing', queue: 'ok' },
      });
      relay.mend();
      await waitFor('the hub to have Redis again', async () => (await readyOf(hub.url)).status === 200);
    } finally {
      await hub.close();
      await relay.close();
    }
  });

  it('names the container of originals and the index, and tells nothing else of them', async () => {
    const port = await freePort();
    const search = await startAzureSearchServer();
    const hub = await startHub({
      env: {
        KEEP_ORIGINALS: 'azure',
        AZURE_STORAGE_CONTAINER: 'originals',
        AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=shelf;AccountKey=${Buffer.from('storage key').toString('base64')};BlobEndpoint=http://127.0.0.1:${port}/shelf;`,
        ...search.env,
      },
    });
    try {
      expect(await readyOf(hub.url)).to.deep.equal({ status: 503, text: 'not ready: originals\n' });
      await search.close();
      await waitFor('the index to be missed', async () => (await readyOf(hub.url)).text.includes('index'));
      expect(await readyOf(hub.url)).to.deep.equal({ status: 503, text: 'not ready: originals, index\n' });
    } finally {
      await hub.close();
    }
  });

  it('does not wait for a part that says nothing, and does not ask it again meanwhile', async () => {
    const database = await openTestDatabase();
    const { logger, logs } = keepLogs('info');
    let asked = 0;
    const silent = () => {
      asked++;
      return new Promise<void>(() => undefined);
    };
    const readiness = createReadinessService({
      database,
      sessions: { ping: silent } as never,
      queue: { ping: async () => undefined } as never,
      logger,
    });
    try {
      const startedAt = Date.now();
      const [first, second] = await Promise.all([readiness.check(), readiness.check()]);
      expect(Date.now() - startedAt).to.be.below(6000);
      for (const found of [first, second]) {
        expect(found.ready).to.equal(false);
        expect(found.parts.filter(({ answers }) => !answers).map(({ part }) => part)).to.deep.equal(['sessions']);
      }
      expect(asked).to.equal(1);
      // Said at the turn, and not for each question.
      expect(logs().match(/does not answer: it is not ready/g)).to.have.length(1);
    } finally {
      await database.close();
    }
  });

  it('has variables that are checked', () => {
    const problemsOf = (env: Env): string => {
      try {
        parseConfig(env);
        return '';
      } catch (error) {
        return error instanceof ConfigError ? error.problems.join('\n') : String(error);
      }
    };
    expect(problemsOf({ METRICS_PORT: '9464' })).to.equal('');
    expect(problemsOf({ METRICS_PORT: '9464', METRICS_HOST: '::1' })).to.equal('');
    expect(problemsOf({ METRICS_PORT: '9464', METRICS_HOST: '127.0.0.2' })).to.equal('');
    expect(problemsOf({ METRICS_PORT: '9464', METRICS_HOST: '0.0.0.0' })).to.include('METRICS_TOKEN is needed');
    expect(problemsOf({ METRICS_PORT: '9464', METRICS_HOST: 'metrics.internal' })).to.include(
      'METRICS_TOKEN is needed',
    );
    expect(problemsOf({ METRICS_PORT: '9464', METRICS_HOST: '0.0.0.0', METRICS_TOKEN: 'x'.repeat(16) })).to.equal('');
    expect(problemsOf({ METRICS_HOST: '::1' })).to.include('needs METRICS_PORT');
    expect(problemsOf({ METRICS_TOKEN: 'short' })).to.include('METRICS_TOKEN: must have 16');
    expect(problemsOf({ METRICS_PORT: 'high' })).to.include('METRICS_PORT: must be a whole number');
    expect(problemsOf({ DRAIN_SECONDS: '-1' })).to.include('DRAIN_SECONDS: must be a whole number');
  });
});

describe('the drain before a stop', function () {
  this.timeout(180_000);
  let bundle: Bundle;
  let running: HubProcess[];
  let removals: (() => Promise<void>)[];
  before(async () => {
    bundle = await bundleHub();
  });
  after(() => bundle.remove());
  beforeEach(() => {
    [running, removals] = [[], []];
  });
  afterEach(async () => {
    await Promise.all(running.filter((one) => !one.hasEnded()).map((one) => one.kill()));
    for (const remove of removals) await remove();
  });

  async function begin(kind: 'embedded' | 'postgres', env: Env): Promise<HubProcess> {
    const database = await freshDatabaseEnv(kind);
    removals.push(database.remove);
    // The program in few files cannot read migrations.
    const opened = await openDatabase(parseConfig(database.env));
    await migrate(opened);
    await opened.close();
    const hub = startHubProcess(bundle, {
      PORT: '0',
      HOST: '127.0.0.1',
      SESSION_SECRET: 'a secret of sixteen characters',
      INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
      ADMIN_EMAIL: 'admin@example.com',
      ADMIN_PASSWORD: PASSWORD,
      ...database.env,
      ...env,
    });
    running.push(hub);
    await hub.ready;
    return hub;
  }

  it('says that it is not ready while it still serves, and then answers what is in hand', async () => {
    const hub = await begin('embedded', { DRAIN_SECONDS: '2' });
    const url = hub.url();
    const body = new URLSearchParams({ email: 'admin@example.com', password: 'not it' }).toString();
    // Its body is not there yet when the signal comes, nor when the hub has stopped listening.
    const slow = request(`${url}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length },
    });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      slow.on('response', (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      slow.on('error', reject);
    });
    slow.write(body.slice(0, 5));
    expect((await readyOf(url)).status).to.equal(200);

    const stopped = hub.stop();
    await waitFor('the hub to drain', async () => (await readyOf(url)).text === 'not ready: draining\n');
    const page = await fetch(`${url}/sign-in`);
    expect(page.status).to.equal(200);
    expect(page.headers.get('connection')).to.equal('close');
    expect(await page.text()).to.include('Sign in');
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);

    await waitFor('the hub to take no more', () =>
      fetch(`${url}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    expect(hub.hasEnded()).to.equal(false);
    slow.end(body.slice(5));
    // Without the page's token it is refused, by the hub and not by a broken connection.
    expect(await answered).to.equal(403);
    const { code, tookMs } = await stopped;
    expect(code).to.equal(0);
    expect(tookMs).to.be.within(2000, 12_000);
  });

  it('a worker answers on a port of its own', async () => {
    if (!databaseKinds.includes('postgres')) return notRun('a worker with a port', 'TEST_DATABASE_URL is not set');
    const port = await freePort();
    const worker = await begin('postgres', { ROLE: 'worker', METRICS_PORT: String(port), DRAIN_SECONDS: '60' });
    const url = `http://127.0.0.1:${port}`;
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    expect(await readyOf(url)).to.deep.equal({ status: 200, text: 'ready\n' });
    expect((await fetch(`${url}/sign-in`)).status).to.equal(404);
    const { code, tookMs } = await worker.stop();
    expect(code).to.equal(0);
    // No load balancer sends anything to a worker, so it has nothing to wait for.
    expect(tookMs).to.be.below(10_000);
  });
});
