import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../server/database/database.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { startHub } from '../helpers/hub.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { finishedImport } from '../helpers/imports.ts';
import { startOpenAiServer, type EmbeddingRequest } from '../helpers/openai-server.ts';
import { seededChance } from '../helpers/seeded.ts';
import { waitFor } from '../helpers/wait.ts';
import { contentOf, differencesOf, leftoversOf, type Content } from './kill-content.ts';
import {
  beginImport,
  createWorld,
  importOf,
  removeFiles,
  writeKillFiles,
  type Lane,
  type World,
} from './kill-world.ts';
import { ownSpace, startImport } from './vendors.ts';

/** The whole count takes many minutes: PROOFS=all asks for it. */
const isWhole = process.env.PROOFS === 'all';
const FILES = isWhole ? 500 : 40;
const KILLS = isWhole ? { postgres: 100, embedded: 30 } : { postgres: 4, embedded: 2 };
/** KILL_SEED repeats a run, as far as the machine's own pace allows. */
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
/** Longest wait for a moment that was chosen; if it does not come, the process dies as it stands. */
const MOMENT_MS = 20_000;
/** Within so long after the birth of its process, or after files were let through to it, a victim dies where no moment is waited for. */
const STARTING_MS = 500;
const WORKING_MS = 800;
const onPostgres = process.env.TEST_DATABASE_URL ? describe : () => undefined;

type Line = { lane: Lane; role: 'web' | 'worker' | 'all'; process: HubProcess };

describe(`an import under kill -9 (seed ${SEED})`, function () {
  this.timeout(900_000);
  let filesDir: string;
  let bundle: Bundle;
  let undisturbed: Content;
  before(async () => {
    filesDir = await writeKillFiles(FILES);
    bundle = await bundleHub();
    undisturbed = await importUndisturbed(filesDir);
    expect(Object.keys(undisturbed.documents)).to.have.length(FILES);
  });
  after(async () => {
    await bundle.remove();
    await removeFiles(filesDir);
  });

  onPostgres('with a web process and two workers on Postgres', () => {
    it(`loses nothing and repeats little in ${KILLS.postgres} kills`, async () => {
      const world = await createWorld({ kind: 'postgres', filesDir, lanes: 3 });
      const database = await world.open();
      const run = startRun(bundle, world, ['worker', 'worker', 'web']);
      try {
        const web = run.lines[2]!;
        await web.process.ready;
        await beginImport(world, web.process.url());
        await run.killAll(KILLS.postgres, database);
        await finished(database);
        await run.stop();
        await expectWhole(database, world, run);
      } finally {
        await run.kill();
        await database.close();
        await world.close();
      }
    });
  });

  describe('with one process on the embedded database', () => {
    it(`loses nothing and repeats little in ${KILLS.embedded} kills`, async () => {
      const world = await createWorld({ kind: 'embedded', filesDir, lanes: 1 });
      const run = startRun(bundle, world, ['all']);
      try {
        const [all] = run.lines;
        await all!.process.ready;
        const importId = await beginImport(world, all!.process.url());
        await run.killAll(KILLS.embedded);
        await all!.process.ready;
        await waitFor(
          'the import to finish',
          async () => Boolean((await importOf(world, all!.process.url(), importId)).finishedAt),
          300_000,
        );
        await run.stop();
        const database = await world.open();
        await expectWhole(database, world, run).finally(() => database.close());
      } finally {
        await run.kill();
        await world.close();
      }
    });
  });

  async function expectWhole(database: Database, world: World, run: Run): Promise<void> {
    const content = await contentOf(database.knex);
    const leftovers = Object.entries(await leftoversOf(database.knex));
    expect(leftovers.filter(([, count]) => count !== 0)).to.deep.equal([]);
    expect(differencesOf(content, undisturbed).slice(0, 20).join('\n')).to.equal('');
    const { requests, sentAgain } = repetition(world.model.requests);
    const cut = await runsCutShort(database);
    console.log(
      `      ${run.kills()} kills in ${run.seconds()} s cut ${cut} runs short; of ${requests} embedding requests ${sentAgain} were repeated`,
    );
    // A few kills may all fall where nothing is in hand.
    if (isWhole) expect(cut, 'runs cut short').to.be.at.least(run.kills() / 2);
    // Of each file's texts one request, of the batch that a kill took one more.
    expect(sentAgain).to.be.at.most(run.kills());
    expect(requests).to.be.at.most(FILES + run.kills());
  }
});

/** Imports the same files with nobody killed, in this process. */
async function importUndisturbed(filesDir: string): Promise<Content> {
  const model = await startOpenAiServer();
  const hub = await startHub({ filesDir, env: model.env });
  try {
    const integration = await connectGoogle(hub, hub.admin);
    const importId = await startImport(hub, integration, await ownSpace(hub, integration));
    await finishedImport(hub, importId, 300_000);
    return await contentOf(hub.context.database.knex);
  } finally {
    await hub.close();
    await model.close();
  }
}

type Run = ReturnType<typeof startRun>;

/** Processes that are killed and started again at once, as a supervisor would. */
function startRun(bundle: Bundle, world: World, roles: Line['role'][]) {
  const chance = seededChance(SEED);
  const startedAt = Date.now();
  let kills = 0;
  const begin = (lane: Lane, role: Line['role']) =>
    startHubProcess(bundle, { ...world.env, ...lane.env, ROLE: world.kind === 'embedded' ? undefined : role });
  // So that there is a while between a batch that left and its answer.
  world.model.latencyMs = 40;
  const lines: Line[] = roles.map((role, at) => {
    const lane = world.lanes[at]!;
    return { lane, role, process: begin(lane, role) };
  });

  async function kill(line: Line): Promise<void> {
    kills++;
    await line.process.kill();
    line.process = begin(line.lane, line.role);
  }

  /** What the victim is doing when it is killed. Gives the function that lets go of what held it there. */
  async function moment({ lane, process }: Line, next: number, database?: Database): Promise<() => Promise<void>> {
    const soon = (what: string, check: () => boolean | Promise<boolean>) =>
      waitFor(what, check, MOMENT_MS).catch(() => undefined);
    const drawn = chance();
    if (drawn < 0.15) {
      await sleep(chance() * STARTING_MS);
      return async () => undefined;
    }
    await process.ready;
    const { asked, answered } = lane;
    const release = drawn > 0.7 && database ? await holdSaving(database) : async () => undefined;
    lane.gate.allow(next);
    if (drawn < 0.3) await sleep(chance() * WORKING_MS);
    else if (drawn < 0.5) await soon('a batch on its way', () => lane.asked > asked);
    else if (drawn < 0.7 || !database) {
      await soon('an embedded batch', () => lane.answered > answered);
      await sleep(chance() * 50);
    } else await soon('a transaction that waits', () => isSaving(database));
    return release;
  }

  return {
    lines,
    kills: () => kills,
    seconds: () => Math.round((Date.now() - startedAt) / 1000),

    /** Kills workers in turn, now and then two at once or the web process, until there were so many. */
    async killAll(count: number, database?: Database): Promise<void> {
      const web = lines.find(({ role }) => role === 'web');
      const workers = lines.filter(({ role }) => role !== 'web');
      for (const { lane } of lines) lane.gate.allow(0);
      for (let turn = 0; kills < count; turn++) {
        const victim = workers[turn % workers.length]!;
        const release = await moment(victim, Math.ceil((FILES * (kills + 1)) / count), database);
        const drawn = chance();
        const victims = drawn < 0.1 ? [...workers] : [victim];
        if (web && drawn > 0.9) victims.push(web);
        await Promise.all(victims.slice(0, count - kills).map(kill));
        await release();
      }
      for (const { lane } of lines) lane.gate.allow(FILES);
    },

    /** Ends them as an operator does. */
    async stop(): Promise<void> {
      await Promise.all(lines.map((line) => line.process.ready));
      const ends = await Promise.all(lines.map((line) => line.process.stop()));
      expect(ends.map(({ code }) => code)).to.deep.equal(lines.map(() => 0));
    },

    async kill(): Promise<void> {
      await Promise.all(lines.filter((line) => !line.process.hasEnded()).map((line) => line.process.kill()));
    },
  };
}

/** Holds what every saving transaction needs. Gives the function that lets go. */
async function holdSaving(database: Database): Promise<() => Promise<void>> {
  const trx = await database.knex.transaction();
  await trx('imports').forUpdate().select('id');
  return async () => void (await trx.rollback());
}

/** Whether a transaction is open that has written a document and waits for what is held. */
async function isSaving(database: Database): Promise<boolean> {
  const { rows } = await database.knex.raw<{ rows: object[] }>(
    `select from pg_locks waiting join pg_locks written using (virtualtransaction)
     where not waiting.granted and written.relation = 'documents'::regclass and written.mode = 'RowExclusiveLock'`,
  );
  return rows.length > 0;
}

/** Runs of files that came to nothing. Each file that was imported had one that came to something. */
async function runsCutShort({ knex }: Database): Promise<number> {
  const [row] = await knex('import_items').sum<{ runs: string }[]>('attempts as runs');
  return Number(row?.runs) - FILES;
}

const finished = (database: Database): Promise<unknown> =>
  waitFor(
    'the import to finish',
    async () => (await database.knex('imports').where({ status: 'finished' }).first('id')) as object | undefined,
    300_000,
  );

/** How many requests there were, and how many of them held a text that was sent once more later. */
function repetition(requests: EmbeddingRequest[]): { requests: number; sentAgain: number } {
  const lastOf = new Map<string, EmbeddingRequest>();
  const inOrder = [...requests].sort((a, b) => a.at - b.at);
  for (const request of inOrder) for (const text of request.inputs) lastOf.set(text, request);
  const sentAgain = inOrder.filter((request) => request.inputs.some((text) => lastOf.get(text) !== request));
  return { requests: requests.length, sentAgain: sentAgain.length };
}
