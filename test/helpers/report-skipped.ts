import { closeIdleDatabases } from './database-pool.ts';
import { dropLeftDatabases } from './postgres-server.ts';
import { findChromium, notRun } from './requirements.ts';

/** Says before a run, one line each, what it leaves out and why; with REQUIRE_ALL=1 leaving anything out is a failure. */
export function mochaGlobalSetup(): void {
  if (!process.env.TEST_DATABASE_URL) notRun('the suites on a Postgres server', 'TEST_DATABASE_URL is not set');
  if (!process.env.TEST_REDIS_URL) notRun('the suites on Redis', 'TEST_REDIS_URL is not set');
  if (!process.env.TEST_AZURITE) notRun('the suites on Azure Storage', 'TEST_AZURITE is not set');
  if (!findChromium()) notRun('the suites in a browser', 'no Chromium was found (set CHROMIUM to its path)');
}

export const mochaHooks: Mocha.RootHookObject = {
  async afterAll() {
    // Where files run side by side this is the end of one file, not of the process.
    if (!process.env.MOCHA_WORKER_ID) await closeIdleDatabases();
  },
};

export async function mochaGlobalTeardown(): Promise<void> {
  if (process.env.TEST_DATABASE_URL) await dropLeftDatabases();
}
