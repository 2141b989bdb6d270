import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import type { Config } from '../config.ts';
import { trackChanges, type Change, type ChangeListener } from './changes.ts';
import { lockDataDir } from './data-dir-lock.ts';
import type { Database } from './database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded.ts';
import { migrationSource } from './migrations.ts';

/** Number that names the hub's migration lock among a Postgres server's advisory locks. */
const MIGRATION_LOCK = 7_201_126;

/**
 * Opens the database the configuration names: Postgres, or the embedded one in the data directory (one process at a time).
 * Errors: DataDirInUseError; what the driver says when the server cannot be reached.
 */
export async function openDatabase(config: Pick<Config, 'database' | 'dataDir'>): Promise<Database> {
  if (config.database.kind === 'postgres') return openPostgres(config.database.url.reveal());
  const unlock = await lockDataDir(config.dataDir);
  try {
    const database = await openEmbedded({ dataDir: path.join(config.dataDir, 'postgres') });
    return {
      ...database,
      async close() {
        await database.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** What Knex would print past the hub's logger; every error it speaks of is thrown too. */
const quiet = { warn() {}, error() {}, deprecate() {}, debug() {} };

/** Opens a Postgres server by its address. */
export function openPostgres(url: string, options: { poolSize?: number; searchPath?: string[] } = {}): Database {
  const knex = knexFactory({
    client: 'pg',
    connection: { connectionString: url, application_name: 'tributary' },
    searchPath: options.searchPath,
    pool: { min: 0, max: options.poolSize ?? 10 },
    acquireConnectionTimeout: 10_000,
    log: quiet,
  });
  return {
    ...toDatabase('postgres', knex, () => knex.destroy()),
    connectAlone: () =>
      new pg.Client({ connectionString: url, application_name: 'tributary signals', keepAlive: true }),
  };
}

/** Opens the embedded database: starts its engine and connects to it; closing it ends both. */
export async function openEmbedded(options: { dataDir?: string }): Promise<Database> {
  const engine = await startEmbeddedPostgres(options);
  const database = connectEmbedded(engine);
  return {
    ...database,
    async close() {
      await database.close();
      await engine.close();
    },
  };
}

/**
 * Connects to an embedded engine. The pool has exactly one connection: the engine has one session, and statements of two connections
 * would mix inside one transaction.
 */
export function connectEmbedded(engine: EmbeddedPostgres): Database {
  const knex = knexFactory({
    client: 'pg',
    connection: { host: engine.socketDir, port: 5432, user: 'postgres', database: 'postgres' },
    pool: { min: 1, max: 1 },
    acquireConnectionTimeout: 30_000,
  });
  return toDatabase('embedded', knex, () => knex.destroy());
}

function toDatabase(kind: Database['kind'], knex: Knex, close: () => Promise<void>): Database {
  const current = new AsyncLocalStorage<Knex.Transaction>();
  const listeners: ChangeListener[] = [];
  return {
    kind,
    knex,
    hasVectors: kind === 'embedded',
    async transaction(work) {
      const outer = current.getStore();
      if (outer && !outer.isCompleted()) return work(outer);
      let changes: () => Change[] = () => [];
      const result = await knex.transaction((trx) => {
        changes = trackChanges(trx);
        return current.run(trx, () => work(trx));
      });
      const changed = changes();
      if (changed.length > 0) for (const listener of listeners) listener(changed);
      return result;
    },
    current() {
      const outer = current.getStore();
      return outer && !outer.isCompleted() ? outer : knex;
    },
    onChange: (listener) => void listeners.push(listener),
    close,
  };
}

/**
 * Brings the schema up to date and notes whether pgvector is there. Safe when several processes start at once: they wait for one
 * another on an advisory lock, and a lock row left by a process that died is cleared.
 */
export async function migrate(database: Database): Promise<string[]> {
  const { knex } = database;
  const config = { migrationSource };
  const run = async () => {
    if (await knex.schema.hasTable('knex_migrations_lock')) await knex.migrate.forceFreeMigrationsLock(config);
    const [, applied] = (await knex.migrate.latest(config)) as [number, string[]];
    return applied;
  };
  const applied = database.kind === 'embedded' ? await run() : await withAdvisoryLock(knex, run);
  database.hasVectors = (await knex('pg_extension').where({ extname: 'vector' }).first('extname')) !== undefined;
  return applied;
}

async function withAdvisoryLock<T>(knex: Knex, work: () => Promise<T>): Promise<T> {
  type Connection = { query(sql: string, values: unknown[]): Promise<unknown> };
  const client = knex.client as {
    acquireConnection(): Promise<Connection>;
    releaseConnection(connection: Connection): Promise<void>;
  };
  const connection = await client.acquireConnection();
  try {
    await connection.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work();
  } finally {
    await connection.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    await client.releaseConnection(connection);
  }
}
