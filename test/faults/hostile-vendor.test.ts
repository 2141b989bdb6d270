import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { ImportDetail } from '../../server/services/import-service.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { openTestDatabase } from '../helpers/database.ts';
import { FAULTS, startHostileProxy, type HostileProxy } from '../helpers/hostile-proxy.ts';
import { startHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';
import { ownSpace, startImport, VENDORS, writeFiles, type Vendor } from './vendors.ts';

const FILES = 300;
const NESTED = ['', 'Quay', 'Quay/North', 'Quay/North/Shed', 'Quay/North/Shed/Loft', 'Quay/North/Shed/Loft/Box'];
const SPOILED = 0.2;
const TIMEOUT_MS = 240_000;

type Kind = 'embedded' | 'postgres';
type Outcome = {
  detail: ImportDetail;
  /** SHA-256 of what was stored, by path. */
  stored: [path: string, hash: string][];
  faults: (string | undefined)[];
  refreshes: number;
  early: ReturnType<HostileProxy['early']>;
};

const runs: [Vendor, Kind][] = VENDORS.map((vendor) => [vendor, 'embedded']);
if (process.env.TEST_DATABASE_URL && VENDORS[0]) runs.push([VENDORS[0], 'postgres']);

describe('a vendor that spoils every fifth answer', function () {
  this.timeout(TIMEOUT_MS + 30_000);
  let files: Awaited<ReturnType<typeof writeFiles>>;
  let outcomes: PromiseSettledResult<Outcome>[] = [];
  before(async () => {
    files = await writeFiles(FILES, NESTED);
    // Side by side: nearly all of their time they wait for pauses to end.
    outcomes = await Promise.allSettled(runs.map(([vendor, kind]) => importAll(vendor, kind, files.root)));
  });
  after(() => rm(files.root, { recursive: true }));

  for (const run of runs)
    describe(`${run[0].label} (${run[1]})`, () => {
      const outcomeOfRun = (): Outcome => {
        const outcome = outcomes[runs.indexOf(run)];
        if (outcome?.status === 'fulfilled') return outcome.value;
        throw outcome?.reason ?? new Error('the import was not tried');
      };

      it(`still gives all ${FILES} files of nested folders, whole`, () => {
        const { detail, stored, faults } = outcomeOfRun();
        expect(detail.counts).to.include({ total: FILES, indexed: FILES, failed: 0, skipped: 0 });
        expect(stored.sort()).to.deep.equal([...files.hashes].sort());
        const spoiled = faults.filter((fault) => fault !== undefined);
        expect(
          FAULTS.filter((fault) => !spoiled.includes(fault)),
          'kinds of fault that never came',
        ).to.deep.equal([]);
        expect(spoiled.length / faults.length, 'share of spoiled answers').to.be.within(0.14, 0.27);
      });

      it('is never asked before a pause that it asked for ends', () => {
        const early = outcomeOfRun().early.map(({ request, byMs }) => `${request.path.slice(0, 60)}: ${byMs} ms early`);
        expect(early).to.deep.equal([]);
      });

      it('is asked for a new token while all this goes on', () => {
        expect(outcomeOfRun().refreshes).to.be.at.least(1);
      });
    });
});

/** Connects an account and imports all of its files through the proxy, which spoils answers from the import's start to its end. */
async function importAll(vendor: Vendor, kind: Kind, filesDir: string): Promise<Outcome> {
  const proxy = await startHostileProxy({ vendor: vendor.style, seed: 20_261_121 });
  const hub = await startHub({
    database: await openTestDatabase(kind),
    filesDir,
    env: vendor.envThrough(proxy),
  });
  const { knex } = hub.context.database;
  try {
    proxy.start(...vendor.origins(hub));
    const integration = await connectAccountOf(hub, hub.admin, vendor.platform);
    const space = await ownSpace(hub, integration);
    proxy.requests.length = 0;
    proxy.spoil(SPOILED);
    const id = await startImport(hub, integration, space);
    const stored = async () => Number((await knex('documents').count('* as files').first())?.files);
    await waitFor('a third of the files', async () => (await stored()) >= FILES / 3, TIMEOUT_MS);
    vendor.expireTokens(hub);
    const detail = await finishedImport(hub, id, TIMEOUT_MS);
    proxy.spoil(0);
    const rows = (await knex('documents').select('path', 'content_hash')) as { path: string; content_hash: string }[];
    return {
      detail,
      stored: rows.map((row) => [row.path.slice(row.path.indexOf('/') + 1), row.content_hash]),
      faults: proxy.requests.map(({ fault }) => fault),
      refreshes: proxy.requests.filter(({ method, path }) => method === 'POST' && /\/token(\?|$)/.test(path)).length,
      early: proxy.early(),
    };
  } finally {
    await hub.close();
    await proxy.close();
  }
}
