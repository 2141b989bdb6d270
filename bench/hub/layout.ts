import { setTimeout as sleep } from 'node:timers/promises';
import type { Env } from '../../server/config.ts';
import { paths } from '../../server/paths.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { consent } from '../../test/helpers/connect.ts';
import { databaseKinds, freshDatabaseEnv } from '../../test/helpers/database.ts';
import { freePort } from '../../test/helpers/free-port.ts';
import { PASSWORD } from '../../test/helpers/hub.ts';
import { signInAs, type Visitor } from '../../test/helpers/visitor.ts';
import { waitFor } from '../../test/helpers/wait.ts';
import { startHubProcess, startVendor, type Process } from './processes.ts';

/** How the hub is run: all in one process on the embedded database, or pages and imports in two processes on Postgres. */
export type Layout = 'one process' | 'web and worker';

export const layouts: Layout[] = databaseKinds.includes('postgres')
  ? ['one process', 'web and worker']
  : ['one process'];

/** A hub in processes of its own, an account of a stand-in vendor connected, nothing imported yet. */
export type RunningHub = {
  url: string;
  /** The process that serves pages, and the one that imports: the same one where there is only one. */
  web: Process;
  worker: Process;
  visitor: Visitor;
  integrationId: string;
  /** Imports everything the account holds; gives the import's id at once. */
  beginImport(): Promise<string>;
  /** The import once it has ended. */
  importEnded(id: string): Promise<EndedImport>;
  close(): Promise<void>;
};

export type EndedImport = {
  finishedAt: string | null;
  counts: Record<string, number>;
  items: { name: string; status: string; reason?: string | null; reasonCode?: string | null }[];
};

export const ADMIN = 'admin@example.com';
const IMPORT_MS = 1_800_000;

/** Starts a hub whose vendor serves the files of a folder. */
export async function startLayout(layout: Layout, filesDir: string, given: Env = {}): Promise<RunningHub> {
  const vendor = await startVendor(filesDir);
  const database = await freshDatabaseEnv(layout === 'one process' ? 'embedded' : 'postgres');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env: Env = {
    ...vendor.env,
    ...database.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    BASE_URL: url,
    SESSION_SECRET: 'a secret that both processes share',
    INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
    ADMIN_EMAIL: ADMIN,
    ADMIN_PASSWORD: PASSWORD,
    ...given,
  };
  const processes: Process[] = [];
  const begin = async (role: string, more: Env = {}): Promise<Process> => {
    const started = await startHubProcess({ ...env, ...more, ROLE: role });
    processes.push(started);
    return started;
  };
  const close = async (): Promise<void> => {
    await Promise.all(processes.map((one) => one.stop()));
    await vendor.stop();
    await database.remove();
  };
  try {
    const web =
      layout === 'one process' ? await begin('all') : await begin('web', { REDIS_URL: process.env.TEST_REDIS_URL });
    const worker = layout === 'one process' ? web : await begin('worker');
    const visitor = await signInAs(url, ADMIN);
    const integrationId = await connect(visitor);
    const driveId = await rootOf(visitor, integrationId);
    return {
      url,
      web,
      worker,
      visitor,
      integrationId,
      beginImport: async () => {
        const body = JSON.stringify({ items: [{ integrationId, fileId: driveId }] });
        const { importId } = await json<{ importId: string }>(visitor, '/api/v1/imports', { method: 'POST', body });
        return importId;
      },
      importEnded: (id) =>
        waitFor(
          'the import to finish',
          async () => {
            // The API takes ten calls a second.
            await sleep(500);
            const found = await json<EndedImport>(visitor, `/api/v1/imports/${id}`);
            return found.finishedAt === null ? undefined : found;
          },
          IMPORT_MS,
        ),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Connects Google Drive as a person does. Gives the account's id at the hub. */
async function connect(visitor: Visitor): Promise<string> {
  await visitor.get(paths.integrations);
  const { url } = await json<{ url: string }>(visitor, '/api/v1/integrations/google_drive/connect?format=json');
  const back = await consent(url, 'Allow');
  const page = await visitor.get(`${back.pathname}${back.search}`);
  if (page.status !== 303) throw new Error(`the way back from the consent page answered ${page.status}`);
  const { integrations } = await json<{ integrations: { id: string | null; platform: string; connected: boolean }[] }>(
    visitor,
    '/api/v1/integrations',
  );
  const id = integrations.find(({ platform, connected }) => platform === 'google_drive' && connected)?.id;
  if (!id) throw new Error('Google Drive was not connected.');
  return id;
}

async function rootOf(visitor: Visitor, integrationId: string): Promise<string> {
  const { files } = await json<{ files: { id: string; name: string }[] }>(
    visitor,
    `/api/v1/integrations/${integrationId}/files?folder_id=root`,
  );
  const drive = files.find(({ name }) => name === 'My Drive') ?? files[0];
  if (!drive) throw new Error('The account has no drive.');
  return drive.id;
}

async function json<T>(visitor: Visitor, path: string, init: RequestInit = {}): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': 'application/json', 'x-csrf-token': visitor.csrf() };
  const response = await visitor.fetch(path, { ...init, headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}
