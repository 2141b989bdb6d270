import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import type { Database } from '../../server/database/database.ts';
import { startEmbeddedPostgres } from '../../server/database/embedded.ts';
import { connectEmbedded, migrate, openPostgres } from '../../server/database/open.ts';
import { createPostgresDatabase } from './postgres-server.ts';

const migrationsDir = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** An engine's memory only grows, and so do a server's catalogues: after this many suites a database gives way to a new one. */
const MAX_USES = 40;
const MAX_IDLE = 2;

/** A migrated database: an engine with nothing else in it, or a database of the server. */
type Pooled = {
  kind: Database['kind'];
  connect(): Database;
  end(): Promise<void>;
  schema: string;
  uses: number;
};

const idle: Pooled[] = [];

/**
 * A migrated, empty database. To make one takes seconds, to empty one some milliseconds: a closed one is emptied and serves the
 * next, unless its schema is no longer what the migrations made.
 */
export async function openPooledDatabase(kind: Database['kind']): Promise<Database> {
  const at = idle.findIndex((each) => each.kind === kind);
  const pooled = idle.splice(at, at < 0 ? 0 : 1)[0] ?? (await create(kind));
  pooled.uses += 1;
  const database = pooled.connect();
  const disconnect = database.close.bind(database);
  database.hasVectors = await hasVectors(database.knex);
  database.close = async () => {
    await disconnect();
    const isFull = idle.filter((each) => each.kind === kind).length >= MAX_IDLE;
    if (!isFull && pooled.uses < MAX_USES && (await emptied(pooled))) idle.push(pooled);
    else await pooled.end();
  };
  return database;
}

/** Ends the databases that nobody uses: engines would keep the process alive. */
export async function closeIdleDatabases(): Promise<void> {
  await Promise.all(idle.splice(0).map((pooled) => pooled.end()));
}

async function create(kind: Database['kind']): Promise<Pooled> {
  const made = kind === 'embedded' ? await startEngine() : await createOnServer();
  const database = made.connect();
  const schema = await describeSchema(database.knex);
  await database.close();
  return { kind, ...made, schema, uses: 0 };
}

async function startEngine(): Promise<Pick<Pooled, 'connect' | 'end'>> {
  const engine = await startEmbeddedPostgres({ seedFile: await seedFile() });
  return { connect: () => connectEmbedded(engine), end: () => engine.close() };
}

async function createOnServer(): Promise<Pick<Pooled, 'connect' | 'end'>> {
  const { url, drop } = await createPostgresDatabase();
  const database = openPostgres(url);
  await migrate(database);
  await database.close();
  return { connect: () => openPostgres(url), end: drop };
}

/** The dump of a migrated engine, made once per set of migrations: to start from it is three times as fast. */
async function seedFile(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of readdirSync(migrationsDir).sort())
    hash.update(name).update(readFileSync(path.join(migrationsDir, name)));
  const folder = path.join(os.tmpdir(), 'tributary-test-seeds');
  const file = path.join(folder, `${hash.digest('hex').slice(0, 24)}.tar.gz`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const engine = await startEmbeddedPostgres({});
  const database = connectEmbedded(engine);
  await migrate(database);
  await database.close();
  const partial = `${file}.${randomUUID()}`;
  writeFileSync(partial, await engine.dump());
  await engine.close();
  renameSync(partial, file);
  return file;
}

/** Empties every table that the migrations and the queue made. False where the schema was changed, or the database is beyond use. */
async function emptied(pooled: Pooled): Promise<boolean> {
  const database = pooled.connect();
  const { knex } = database;
  try {
    if ((await describeSchema(knex)) !== pooled.schema) return false;
    // What a suite left connected ends here, as it would if the database were dropped.
    await knex.raw(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    // The queue makes its own tables when it starts, and keeps them: all it keeps in them are jobs and what it knows of its queues.
    const { rows } = (await knex.raw(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname = 'public' and tablename not like 'knex\\_migrations%' or schemaname = 'pgboss' and tablename <> 'version'`,
    )) as { rows: { name: string }[] };
    const asked = rows.map(({ name }) => `select '${name}' as name where exists (select from ${name})`);
    const filled = ((await knex.raw(asked.join(' union all '))) as { rows: { name: string }[] }).rows;
    if (filled.length > 0) {
      const names = filled.map(({ name }) => name);
      await knex.transaction(async (trx) => {
        // No foreign key acts, and the audit log refuses it as long as triggers are asked.
        await trx.raw('set local session_replication_role = replica');
        await trx.raw(names.map((name) => `delete from ${name}`).join('; '));
      });
      // Gives the pages back too, so that the next suite's rows lie as they would in a new database. Faster than `truncate`.
      await knex.raw(`vacuum ${names.join(', ')}`);
    }
    await knex.raw(
      `select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
       from pg_sequences where schemaname = 'public' and sequencename not like 'knex\\_migrations%' and last_value is not null`,
    );
    await knex.raw('discard all');
    return true;
  } catch {
    return false;
  } finally {
    await database.close();
  }
}

const hasVectors = async (knex: Knex): Promise<boolean> =>
  (await knex('pg_extension').where({ extname: 'vector' }).first('extname')) !== undefined;

async function describeSchema(knex: Knex): Promise<string> {
  const { rows } = (await knex.raw(`select md5(concat(
    (select string_agg(concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default), ',' order by table_name, column_name)
       from information_schema.columns where table_schema = 'public'),
    (select string_agg(indexdef, ',' order by indexdef) from pg_indexes where schemaname = 'public'),
    (select string_agg(pg_get_constraintdef(oid), ',' order by conrelid, conname) from pg_constraint where connamespace = 'public'::regnamespace),
    (select string_agg(tgname, ',' order by tgname) from pg_trigger where not tgisinternal),
    (select string_agg(extname, ',' order by extname) from pg_extension)
  )) as schema`)) as { rows: [{ schema: string }] };
  return rows[0].schema;
}
