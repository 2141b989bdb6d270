import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { parseConfig, type Env } from '../../server/config.ts';
import { openEmbedded, openPostgres } from '../../server/database/open.ts';
import type { Database } from '../../server/database/database.ts';
import { startHub as start } from '../../server/hub.ts';
import { createLogger } from '../../server/logger.ts';
import { startSandbox, type Sandbox } from '../../server/sandbox.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { freshDatabaseEnv } from '../helpers/database.ts';
import { relay, startGate, type Gate } from '../helpers/gate.ts';
import { PASSWORD, type TestHub } from '../helpers/hub.ts';
import { startOpenAiServer, type OpenAiServer } from '../helpers/openai-server.ts';
import { ownSpace } from './vendors.ts';

/** One line of processes: each successor of a killed one gets the same variables, so that it is known who asks. */
export type Lane = {
  gate: Gate;
  env: Env;
  /** Embedding requests that came and were answered. */
  asked: number;
  answered: number;
};

/** Everything that outlives the hub's processes: the vendor, the model's server, the database. */
export type World = {
  kind: 'embedded' | 'postgres';
  sandbox: Sandbox;
  model: OpenAiServer;
  lanes: Lane[];
  /** Variables of every process. */
  env: Env;
  token: string;
  integrationId: string;
  /** The place that holds all files. */
  ref: string;
  /** Opens the database beside the processes; embedded: when none runs. */
  open(): Promise<Database>;
  close(): Promise<void>;
};

/** Writes small files of different content, every tenth a long one of about twenty passages, into five folders. */
export async function writeKillFiles(count: number): Promise<string> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'tributary-kill-'));
  for (let at = 0; at < count; at++) {
    const folder = path.join(root, `Shelf ${at % 5}`);
    await mkdir(folder, { recursive: true });
    const sections = at % 10 === 9 ? 20 : 1 + (at % 3);
    const text = Array.from(
      { length: sections },
      (_, part) => `## Part ${part} of log ${at}\n\n${sentences(at, part)}\n`,
    );
    await writeFile(path.join(folder, `${String(at).padStart(4, '0')} log.md`), `# Log ${at}\n\n${text.join('\n')}`);
  }
  return root;
}

const WORDS = ['harbour', 'ferry', 'Fähre', 'mooring', 'tide', 'timetable', '港', 'berth', 'winter', 'lantern'];
const sentences = (at: number, part: number): string =>
  Array.from(
    { length: 3 + ((at + part) % 4) },
    (_, line) =>
      `Entry ${at}.${part}.${line}: the ${WORDS[(at + line) % 10]} was seen ${(at * 31 + part * 17 + line) % 997} times.`,
  ).join(' ');

/** A connected account whose files wait to be imported, and the variables for processes that do it. */
export async function createWorld(options: {
  kind: 'embedded' | 'postgres';
  filesDir: string;
  lanes: number;
  env?: Env;
}): Promise<World> {
  const { kind, filesDir } = options;
  const sandbox = await startSandbox({ filesDir });
  const database = await freshDatabaseEnv(kind);
  // What killed processes leave there goes with it.
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'tributary-tmp-'));
  const passed = new Set<string>();
  const model = await startOpenAiServer();
  const lanes: Lane[] = [];
  const models = await startLanes(model.origin, lanes);
  for (let lane = 0; lane < options.lanes; lane++) {
    const gate = await startGate(sandbox.google.url, passed);
    const env = { OPENAI_BASE_URL: `${models.url}/${lane}/v1`, GOOGLE_API_URL: gate.url };
    lanes.push({ gate, env, asked: 0, answered: 0 });
  }
  const env: Env = {
    ...sandbox.env,
    ...model.env,
    ...database.env,
    PORT: '0',
    HOST: '127.0.0.1',
    SESSION_SECRET: 'a secret that all processes share',
    INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
    IMPORT_CONCURRENCY: '4',
    TMPDIR: temporary,
    ...options.env,
  };
  const open = async () =>
    kind === 'postgres'
      ? openPostgres(env.DATABASE_URL ?? '')
      : openEmbedded({ dataDir: path.join(env.DATA_DIR ?? '', 'postgres') });
  const connected = await connectAccount(sandbox, await open(), env);
  return {
    kind,
    sandbox,
    model,
    lanes,
    env,
    ...connected,
    open,
    async close() {
      await Promise.all([...lanes.map(({ gate }) => gate.close()), models.close(), model.close()]);
      await sandbox.close();
      await database.remove();
      await rm(temporary, { recursive: true, force: true });
    },
  };
}

/** Stands before the model's server under one address, which is part of the embedder's name, and tells the lanes apart by the path. */
const startLanes = (origin: string, lanes: Lane[]): ReturnType<typeof listen> =>
  listen((req, res) => {
    const [, number, path] = /^\/(\d+)(\/.*)$/.exec(req.url ?? '') ?? [];
    const lane = lanes[Number(number)];
    if (!lane) return void res.writeHead(404).end();
    lane.asked++;
    res.on('finish', () => lane.answered++);
    relay(origin, req, res, path);
  });

/** A hub that is there just long enough for a person to connect an account and make a token. */
async function connectAccount(
  sandbox: Sandbox,
  database: Database,
  env: Env,
): Promise<Pick<World, 'token' | 'integrationId' | 'ref'>> {
  const config = parseConfig({
    ...env,
    NODE_ENV: 'test',
    ADMIN_EMAIL: 'admin@example.com',
    ADMIN_PASSWORD: PASSWORD,
  });
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const hub = await start(config, { logger: createLogger(config, silent), database });
  config.baseUrl = hub.url ?? '';
  const { context } = hub;
  const [admin] = await context.users.list();
  if (!admin) throw new Error('the hub has no admin');
  const asHub: TestHub = {
    url: config.baseUrl,
    context,
    sandbox,
    admin,
    member: admin,
    logs: () => '',
    token: async (user) => (await context.tokens.create(user, { name: 'kill' })).token,
    close: () => hub.close(),
  };
  const integration = await connectGoogle(asHub, admin);
  const { ref } = await ownSpace(asHub, integration);
  const token = await asHub.token(admin);
  await hub.close();
  await database.close();
  return { token, integrationId: integration.id, ref };
}

/** Begins the import of all files through a process that serves the API. Gives its id. */
export async function beginImport(world: World, url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ items: [{ integrationId: world.integrationId, fileId: world.ref }] }),
  });
  const body = await response.text();
  if (response.status !== 202) throw new Error(`the import was answered with ${response.status}: ${body}`);
  return (JSON.parse(body) as { importId: string }).importId;
}

/** The import as the API tells of it, with the first page of its ledger. */
export async function importOf(world: World, url: string, importId: string): Promise<ToldImport> {
  const headers = { authorization: `Bearer ${world.token}` };
  const response = await fetch(`${url}/api/v1/imports/${importId}`, { headers });
  return (await response.json()) as ToldImport;
}

type ToldImport = {
  finishedAt?: string | null;
  counts: Record<string, number>;
  items: { name: string; status: string; reason?: string; reasonCode?: string; attempts: number }[];
};

/** Removes the files that `writeKillFiles` made. */
export const removeFiles = (filesDir: string): Promise<void> => rm(filesDir, { recursive: true, force: true });
