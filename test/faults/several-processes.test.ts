import { expect } from 'chai';
import type { Env } from '../../server/config.ts';
import { consent } from '../helpers/connect.ts';
import { readEvents, type EventReader } from '../helpers/event-reader.ts';
import { PASSWORD } from '../helpers/hub.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { startLoadBalancer, type LoadBalancer } from '../helpers/load-balancer.ts';
import { notRun } from '../helpers/requirements.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';
import { createWorld, removeFiles, writeKillFiles, type World } from './kill-world.ts';

const FILES = 60;
/** What IMPORT_CONCURRENCY says in this world. */
const AT_A_TIME = 4;
const VISITORS = 4;
const PAGES = ['/admin', '/admin/documents', '/admin/imports', '/admin/search?q=harbour', '/api/v1/documents'];
const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env;
const canRun = Boolean(TEST_DATABASE_URL && TEST_REDIS_URL);
if (!canRun) notRun('two web and two worker processes', 'TEST_DATABASE_URL or TEST_REDIS_URL is not set');

(canRun ? describe : () => undefined)('two web and two worker processes behind a load balancer', function () {
  this.timeout(180_000);
  let filesDir: string;
  let bundle: Bundle;
  let balancer: LoadBalancer;
  let world: World;
  let webs: HubProcess[] = [];
  let workers: HubProcess[] = [];
  let visitor: Visitor;

  before(async () => {
    [filesDir, bundle, balancer] = await Promise.all([writeKillFiles(FILES), bundleHub(), startLoadBalancer()]);
    const env = { BASE_URL: balancer.url, REDIS_URL: TEST_REDIS_URL };
    world = await createWorld({ kind: 'postgres', filesDir, lanes: 3, env });
    const start = (lane: number, role: Env) =>
      startHubProcess(bundle, { ...world.env, ...world.lanes[lane]!.env, ...role });
    webs = [0, 1].map(() => start(2, { ROLE: 'web', DRAIN_SECONDS: '1' }));
    workers = [start(0, { ROLE: 'worker' }), start(1, { ROLE: 'worker' })];
    await Promise.all([...webs, ...workers].map(({ ready }) => ready));
    balancer.serve(webs.map((web) => web.url()));
  });
  after(async () => {
    await Promise.all([...webs, ...workers].filter((one) => !one.hasEnded()).map((one) => one.kill()));
    await balancer?.close();
    await world?.close();
    await bundle?.remove();
    if (filesDir) await removeFiles(filesDir);
  });

  const takenBy = (from: number) => new Set(balancer.requests.slice(from).map(({ by }) => by));

  async function beginImport(): Promise<string> {
    const answered = await visitor.fetch('/api/v1/imports', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': visitor.csrf() },
      body: JSON.stringify({ items: [{ integrationId: world.integrationId, fileId: world.ref }] }),
    });
    expect(answered.status).to.equal(202);
    return ((await answered.json()) as { importId: string }).importId;
  }

  const follow = (importId: string, lastEventId?: string): Promise<EventReader> =>
    readEvents(`${balancer.url}/api/v1/imports/${importId}/events`, {
      cookie: visitor.cookies(),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    });

  async function countsOf(importId: string): Promise<Record<string, number>> {
    const answered = await visitor.fetch(`/api/v1/imports/${importId}`);
    return ((await answered.json()) as { counts: Record<string, number> }).counts;
  }

  it('sign somebody in and connect an account, though each request meets another process', async () => {
    const from = balancer.requests.length;
    visitor = await signInAs(balancer.url, 'admin@example.com', PASSWORD);
    const asked = await visitor.post('/admin/integrations/connect/dropbox');
    const back = await consent(asked.location ?? '', 'Allow');
    expect(back.origin, 'the redirect URI is the public address').to.equal(balancer.url);
    const connected = await visitor.get(back.pathname + back.search);
    const { status, html } = await visitor.get(new URL(connected.location ?? '', balancer.url).pathname);
    expect(status).to.equal(200);
    expect(textOf(html)).to.include('Dropbox');
    expect(takenBy(from)).to.deep.equal(new Set([0, 1]));
  });

  it('show at one what the workers do for the other, and cancel it there', async () => {
    for (const { gate } of world.lanes) gate.allow(10);
    const importId = await beginImport();
    const streams = [await follow(importId), await follow(importId)];
    for (const stream of streams)
      await stream.next('a file of it', ({ event, data }) => event === 'item' && data.status === 'indexed', 60_000);
    await waitFor('downloads in hand at both workers', () =>
      [0, 1].every((lane) => world.lanes[lane]!.gate.held() === AT_A_TIME),
    );
    const form = await visitor.get(`/admin/imports/${importId}/cancel`);
    expect(form.status).to.equal(200);
    expect((await visitor.post(`/admin/imports/${importId}/cancel`)).status).to.equal(303);
    for (const stream of streams) {
      const done = await stream.next('its end', ({ event }) => event === 'done', 30_000);
      expect(done.data.status).to.equal('cancelled');
      stream.close();
    }
    // The workers were told too: they wait for nothing.
    await waitFor('the downloads to be let go', () => [0, 1].every((lane) => world.lanes[lane]!.gate.held() === 0));
    const counts = await countsOf(importId);
    expect(counts).to.include({ total: FILES, waiting: 0, running: 0 });
  });

  it('lose nothing when a worker is killed and a web process is drained, and no request but the streams it had', async () => {
    for (const { gate } of world.lanes) gate.allow(20);
    const importId = await beginImport();
    const streams = [await follow(importId), await follow(importId)];
    await waitFor('downloads in hand', () => [0, 1].every((lane) => world.lanes[lane]!.gate.held() > 0), 60_000);
    const from = balancer.requests.length;
    let leaving = false;
    const statuses: number[] = [];
    const browsing = Array.from({ length: VISITORS }, async (_, which) => {
      for (let at = which; !leaving; at++) {
        const answered = await visitor.fetch(PAGES[at % PAGES.length]!);
        await answered.text();
        statuses.push(answered.status);
      }
    });
    await waitFor('requests at both', () => takenBy(from).size === 2);

    await workers[0]!.kill();
    const stopping = webs[0]!.stop();
    await waitFor('it to be passed over', () => !balancer.ready().includes(0));
    expect(webs[0]!.hasEnded(), 'it still serves then').to.equal(false);
    expect((await stopping).code).to.equal(0);
    await waitFor('requests at the one that is left', () => balancer.requests.slice(-50).every(({ by }) => by === 1));
    for (const { gate } of world.lanes) gate.allow(Infinity);

    const cut = await waitFor('the stream of the drained one to end', () =>
      streams.find((stream) => stream.hasEnded()),
    );
    const last = cut.events.findLast(({ id }) => id !== undefined);
    const again = await follow(importId, last?.id);
    const stayed = streams.find((stream) => stream !== cut)!;
    for (const stream of [again, stayed]) {
      const done = await stream.next('its end', ({ event }) => event === 'done', 90_000);
      expect(done.data.status).to.equal('finished');
    }
    // Whoever came back has seen each file's end, before or after the cut.
    const seen = new Set(
      [...cut.items(), ...again.items()]
        .filter(({ data }) => ['indexed', 'unchanged'].includes(data.status))
        .map(({ data }) => data.id),
    );
    expect(seen.size).to.equal(FILES);
    leaving = true;
    await Promise.all(browsing);

    const counts = await countsOf(importId);
    expect(counts.indexed! + counts.unchanged!).to.equal(FILES);
    expect(counts).to.include({ total: FILES, failed: 0, skipped: 0, waiting: 0, running: 0 });
    expect(statuses.length).to.be.above(VISITORS * PAGES.length);
    expect(statuses.filter((status) => status !== 200)).to.deep.equal([]);
    const failed = balancer.requests.slice(from).filter(({ outcome }) => outcome !== 200);
    expect(failed.filter(({ path }) => !path.endsWith('/events'))).to.deep.equal([]);
  });
});
