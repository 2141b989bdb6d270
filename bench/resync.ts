import { databaseKinds, openTestDatabase } from '../test/helpers/database.ts';
import { startHub } from '../test/helpers/hub.ts';
import { liftPaces } from '../test/helpers/paces.ts';
import { connectWorld, type SyncAccount } from '../test/helpers/sync-account.ts';
import { SYNC_WORLDS, type SyncWorld } from '../test/helpers/sync-worlds.ts';
import type { Bench } from './bench.ts';
import { median, percent, seconds, timed } from './measure.ts';

const DOCUMENTS = 1000;
const CHANGED = 10;
const FIRST_RUNS = 3;
const SYNC_RUNS = 5;

type Samples = { first: number[]; nothing: number[]; changed: number[] };

/** The sync of an account that was imported before, beside its first import: Google Drive's stand-in on loopback, the built-in embedder. */
export const resync: Bench = {
  name: 'resync',
  about: `a first import of ${DOCUMENTS} documents, a sync when nothing changed, and one when ${CHANGED} were edited`,
  async run(say) {
    const world = SYNC_WORLDS.find(({ platform }) => platform === 'google_drive');
    if (!world) throw new Error('There is no account of Google Drive to measure with.');
    const samples: Record<string, Samples> = {};
    for (const kind of databaseKinds) samples[kind] = await measure(world, kind, (line) => say(`${kind}: ${line}`));
    if (databaseKinds.length === 1) say('Postgres was left out: TEST_DATABASE_URL names no server.');
    return {
      columns: ['database', 'first import', 'nothing changed', 'of the first', `${CHANGED} edited`, 'of the first'],
      rows: Object.entries(samples).map(([kind, { first, nothing, changed }]) => {
        const [whole, idle, small] = [median(first), median(nothing), median(changed)];
        return [kind, seconds(whole), seconds(idle), percent(idle / whole), seconds(small), percent(small / whole)];
      }),
      samples,
    };
  },
};

/** Each first import into a database of its own; the syncs follow the last one. */
async function measure(
  world: SyncWorld,
  kind: (typeof databaseKinds)[number],
  say: (line: string) => void,
): Promise<Samples> {
  const samples: Samples = { first: [], nothing: [], changed: [] };
  for (let run = 1; run <= FIRST_RUNS; run += 1) {
    const hub = await startHub({ database: await openTestDatabase(kind), env: { LOG_LEVEL: 'silent' } });
    const restore = liftPaces(hub);
    try {
      world.fill(hub, DOCUMENTS);
      const account = await connectWorld(world, hub);
      samples.first.push(await timed(() => importWhole(account)));
      say(`first import ${run} of ${FIRST_RUNS}: ${seconds(samples.first.at(-1) ?? 0)}`);
      if (run < FIRST_RUNS) continue;
      for (let round = 1; round <= SYNC_RUNS; round += 1) {
        samples.nothing.push(await timed(() => account.sync()));
        world.edit(hub, CHANGED, round);
        samples.changed.push(await timed(() => account.sync()));
      }
    } finally {
      restore();
      await hub.close();
    }
  }
  return samples;
}

async function importWhole({ importAll }: SyncAccount): Promise<void> {
  const { counts } = await importAll();
  if (counts.indexed !== DOCUMENTS) throw new Error(`The import ended with ${JSON.stringify(counts)}.`);
}
