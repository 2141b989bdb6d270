import { randomUUID } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';

/** Of the databases of one run, so that its end finds what its processes left: those that run side by side end without a word. */
const runId = (process.env.TEST_RUN_ID ??= randomUUID().replaceAll('-', '').slice(0, 12));

const serverUrl = (): URL => new URL(process.env.TEST_DATABASE_URL ?? '');

const openServer = (): Knex => knexFactory({ client: 'pg', connection: serverUrl().href, pool: { min: 0, max: 1 } });

/** A new database without a schema on the test server. */
export async function createPostgresDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const url = serverUrl();
  const name = `tributary_test_${runId}_${randomUUID().replaceAll('-', '')}`;
  const admin = openServer();
  await admin.raw('create database ??', [name]);
  // No test lets the server die, so none has to wait for its disk.
  await admin.raw('alter database ?? set synchronous_commit = off', [name]);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await admin.raw('drop database ?? with (force)', [name]);
      await admin.destroy();
    },
  };
}

/** Drops what this run has left on the server. */
export async function dropLeftDatabases(): Promise<void> {
  const admin = openServer();
  const names = (await admin('pg_database')
    .where('datname', 'like', `tributary\\_test\\_${runId}\\_%`)
    .pluck('datname')) as string[];
  for (const name of names) await admin.raw('drop database ?? with (force)', [name]);
  await admin.destroy();
}
