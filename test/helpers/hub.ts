import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createLogger } from '../../server/logger.ts';
import { startGoogleSandbox } from '../../providers/google-drive/sandbox.ts';
import { sandboxAccounts } from '../../providers/sandbox/sandbox-files.ts';
import { parseConfig } from '../../server/config.ts';
import type { Context } from '../../server/context.ts';
import { startHub as start } from '../../server/hub.ts';
import type { User } from '../../server/services/user-service.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { openTestDatabase } from './database.ts';

export const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };

export type TestHub = {
  url: string;
  context: Context;
  admin: User;
  /** Google's stand-in: `sandbox.state` holds its switches and the requests it saw. */
  sandbox: Awaited<ReturnType<typeof startGoogleSandbox>>;
  /** Everything logged so far, one JSON object a line. */
  logs(): string;
  close(): Promise<void>;
};

/**
 * The real hub on a free port: real app, migrations, queue and workers, on a database of its own; only the vendor is a stand-in.
 * `env` overrides variables; `filesDir` is served instead of the sample company.
 */
export async function startHub(
  options: { env?: Record<string, string>; database?: 'embedded' | 'postgres'; filesDir?: string } = {},
): Promise<TestHub> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-hub-'));
  const database = await openTestDatabase(options.database);
  const sandbox = await startGoogleSandbox({
    accounts: await sandboxAccounts({ filesDir: options.filesDir }),
    clientId: 'sandbox-client',
    clientSecret: 'sandbox-secret',
  });
  const lines: string[] = [];
  const logger = createLogger({ logLevel: 'info' }, { write: (line: string) => void lines.push(line) });
  const config = parseConfig({
    NODE_ENV: 'test',
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: dataDir,
    SESSION_SECRET: 'a secret only this test knows',
    INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    ...sandbox.env,
    ...options.env,
  });
  const hub = await start(config, { logger, database });
  const admin = await hub.context.users.authenticate(ADMIN.email, ADMIN.password);
  if (!admin) throw new Error('the first admin was not created');
  return {
    url: hub.url,
    context: hub.context,
    admin,
    sandbox,
    logs: () => lines.join(''),
    async close() {
      await hub.close();
      await sandbox.close();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
