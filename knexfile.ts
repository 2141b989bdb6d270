import type { Knex } from 'knex';
import { parseConfig, readEnv } from './server/config.ts';
import { migrationSource } from './server/database/migrations.ts';

/** For Knex's own command line against a Postgres server; `npm run hub -- migrate` does the same for both databases. */
const { database } = parseConfig(readEnv());

export default {
  client: 'pg',
  connection: database.kind === 'postgres' ? database.url.reveal() : undefined,
  migrations: { migrationSource },
} satisfies Knex.Config;
