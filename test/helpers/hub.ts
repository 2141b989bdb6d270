import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseConfig, type Env } from '../../server/config.ts';
import type { Context } from '../../server/context.ts';
import type { Database } from '../../server/database/database.ts';
import { withDevSecrets } from '../../server/dev-secrets.ts';
import { startHub as start } from '../../server/hub.ts';
import { createParsePool } from '../../server/pipeline/parse-pool.ts';
import { startSandbox, type Sandbox } from '../../server/sandbox.ts';
import type { User } from '../../server/services/user-service.ts';
import { openTestDatabase } from './database.ts';
import { checkAnswersOf } from './described-answers.ts';
import { keepLogs } from './kept-logs.ts';

/** Every hub of this process reads files with the same threads: to start one takes a second of a processor. */
const parsePool = createParsePool({});

export const PASSWORD = 'correct horse battery';

export type TestHub = {
  url: string;
  /** Where METRICS_PORT gives metrics and health a port of their own. */
  operationsUrl?: string;
  context: Context;
  sandbox: Sandbox;
  admin: User;
  /** A second account that shares nothing with the first. */
  member: User;
  /** Everything that was logged so far. */
  logs(): string;
  /** A new API token of the user. */
  token(user: User): Promise<string>;
  close(): Promise<void>;
};

/** The real hub on a free port with the stand-ins beside it: every test's own, on a database of its own. `users: false` makes no accounts. */
export async function startHub(
  options: { env?: Env; database?: Database; filesDir?: string; users?: false } = {},
): Promise<TestHub> {
  const database = options.database ?? (await openTestDatabase());
  const sandbox = await startSandbox({ filesDir: options.filesDir });
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-hub-'));
  const { config } = withDevSecrets(
    parseConfig({
      NODE_ENV: 'test',
      PORT: '0',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'debug',
      ADMIN_EMAIL: 'admin@example.com',
      ADMIN_PASSWORD: PASSWORD,
      ...sandbox.env,
      ...options.env,
    }),
  );
  const { logger, logs } = keepLogs(config.logLevel);
  const hub = await start(config, { logger, database, parsePool }).catch(async (error: unknown) => {
    await sandbox.close();
    throw error;
  });
  if (!hub.url) throw new Error('the test hub has no web side');
  // The port is known only now; redirect URIs are made from it at the time of asking.
  config.baseUrl = hub.url;
  checkAnswersOf(hub.url);
  const { users, tokens } = hub.context;
  const nobody = { id: '', email: '', name: '', role: 'member' as const };
  const known = await users.list();
  const admin = known.find(({ role }) => role === 'admin') ?? nobody;
  const earlier = known.find(({ role }) => role === 'member');
  const member =
    options.users === false
      ? nobody
      : (earlier ??
        (await users.create({ email: 'member@example.com', name: 'Member', password: PASSWORD, role: 'member' })));
  return {
    url: hub.url,
    operationsUrl: hub.operationsUrl,
    context: hub.context,
    sandbox,
    admin,
    member,
    logs,
    token: async (user) => (await tokens.create(user, { name: 'test' })).token,
    async close() {
      await hub.close();
      await sandbox.close();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
