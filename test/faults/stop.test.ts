import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { readEvents } from '../helpers/event-reader.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { waitFor } from '../helpers/wait.ts';
import { beginImport, createWorld, importOf, removeFiles, writeKillFiles, type World } from './kill-world.ts';

const FILES = 30;
/** What IMPORT_CONCURRENCY says in this world. */
const AT_A_TIME = 4;
const STOP_MS = 10_000;
const onPostgres = process.env.TEST_DATABASE_URL ? describe : () => undefined;

describe('SIGTERM in the middle of an import', function () {
  this.timeout(300_000);
  let filesDir: string;
  let bundle: Bundle;
  let world: World;
  let running: HubProcess[];
  before(async () => {
    filesDir = await writeKillFiles(FILES);
    bundle = await bundleHub();
  });
  after(async () => {
    await bundle.remove();
    await removeFiles(filesDir);
  });
  beforeEach(() => void (running = []));
  afterEach(async () => {
    await Promise.all(running.filter((one) => !one.hasEnded()).map((one) => one.kill()));
    await world.close();
  });

  async function begin(lane: number, role: 'web' | 'worker' | 'all'): Promise<HubProcess> {
    const hub = startHubProcess(bundle, {
      ...world.env,
      ...world.lanes[lane]!.env,
      ROLE: role,
    });
    running.push(hub);
    await hub.ready;
    return hub;
  }

  /** Slow downloads: they have begun, and their bytes do not come. */
  const inHand = (lane: number) =>
    waitFor('downloads in hand', () => world.lanes[lane]!.gate.held() === AT_A_TIME, 60_000);

  onPostgres('with two workers on Postgres', () => {
    let database: Database;
    beforeEach(async () => {
      world = await createWorld({ kind: 'postgres', filesDir, lanes: 3 });
      database = await world.open();
    });
    afterEach(() => database.close());

    const statesOfJobs = async (): Promise<string[]> =>
      (await database.knex('pgboss.job').where({ name: 'import-item' }).pluck('state')) as string[];

    it('one ends in time, the other has its files at once, and no attempt is used up', async () => {
      const web = await begin(2, 'web');
      await beginImport(world, web.url());
      world.lanes[0]!.gate.allow(0);
      const stopping = await begin(0, 'worker');
      await inHand(0);
      const staying = await begin(1, 'worker');
      await waitFor(
        'the other files',
        async () => {
          const states = await statesOfJobs();
          return states.filter((state) => state !== 'completed').length === AT_A_TIME;
        },
        120_000,
      );
      const { code, tookMs } = await stopping.stop();
      expect(code).to.equal(0);
      expect(tookMs).to.be.below(STOP_MS);
      // Far from the ten seconds that a dead process's files wait for.
      await waitFor(
        'the rest of the import',
        async () => {
          const { status } = (await database.knex('imports').first<{ status: string }>('status')) ?? {};
          return status === 'finished';
        },
        5000,
      );
      const attempts = (await database.knex('import_items').pluck('attempts')) as number[];
      expect(attempts).to.deep.equal(Array.from({ length: FILES }, () => 1));
      await Promise.all([web, staying].map(async (one) => expect((await one.stop()).code).to.equal(0)));
    });

    it('a web process ends in time although streams of events are open', async () => {
      const web = await begin(2, 'web');
      const importId = await beginImport(world, web.url());
      const headers = { authorization: `Bearer ${world.token}` };
      const streams = await Promise.all(
        Array.from({ length: 5 }, () => readEvents(`${web.url()}/api/v1/imports/${importId}/events`, headers)),
      );
      for (const stream of streams) await stream.next('the progress', ({ event }) => event === 'progress');
      const { code, tookMs } = await web.stop();
      expect(code).to.equal(0);
      expect(tookMs).to.be.below(STOP_MS);
    });
  });

  describe('with one process on the embedded database', () => {
    beforeEach(async () => {
      world = await createWorld({ kind: 'embedded', filesDir, lanes: 1 });
    });

    it('it ends in time, its successor goes on by itself, and no attempt is used up', async () => {
      const [lane] = world.lanes;
      const first = await begin(0, 'all');
      const importId = await beginImport(world, first.url());
      lane!.gate.allow(0);
      await inHand(0);
      const { code, tookMs } = await first.stop();
      expect(code).to.equal(0);
      expect(tookMs).to.be.below(STOP_MS);
      lane!.gate.allow(Infinity);
      const second = await begin(0, 'all');
      const ended = await waitFor(
        'the import to finish',
        async () => {
          const found = await importOf(world, second.url(), importId);
          return found.finishedAt ? found : undefined;
        },
        120_000,
      );
      expect(ended.counts).to.include({ indexed: FILES });
      expect(ended.items.map(({ attempts }) => attempts)).to.deep.equal(Array.from({ length: FILES }, () => 1));
      expect((await second.stop()).code).to.equal(0);
    });
  });
});
