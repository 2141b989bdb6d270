import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import type { Database } from '../../server/database/database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/database/embedded.ts';
import { connectEmbedded, migrate } from '../../server/database/open.ts';

const migrationsDir = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** An engine's memory only grows: after this many databases it gives way to a new one. */
const MAX_USES = 40;
const MAX_IDLE = 2;

type Engine = { process: EmbeddedPostgres; schema: string; uses: number };

const idle: Engine[] = [];

/**
 * A migrated, empty embedded database in memory. To start an engine takes seconds of a processor, to empty one a few
 * milliseconds: a closed database's engine is emptied and serves the next, unless its schema is no longer what the migrations made.
 */
export async function openPooledDatabase(): Promise<Database> {
  const engine = idle.pop() ?? (await startEngine());
  engine.uses += 1;
  const database = connectEmbedded(engine.process);
  const disconnect = database.close.bind(database);
  database.hasVectors = true;
  database.close = async () => {
    await disconnect();
    if (idle.length < MAX_IDLE && engine.uses < MAX_USES && (await emptied(engine))) idle.push(engine);
    else await engine.process.close();
  };
  return database;
}

/** Ends the engines that nobody uses: they would keep the process alive. */
export async function closeIdleEngines(): Promise<void> {
  await Promise.all(idle.splice(0).map((engine) => engine.process.close()));
}

async function startEngine(): Promise<Engine> {
  const process = await startEmbeddedPostgres({ seedFile: await seedFile() });
  const database = connectEmbedded(process);
  const schema = await describeSchema(database.knex);
  await database.close();
  return { process, schema, uses: 0 };
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

/** Empties every table that the migrations and the queue made. False where the schema was changed, or the engine is beyond use. */
async function emptied(engine: Engine): Promise<boolean> {
  const database = connectEmbedded(engine.process);
  const { knex } = database;
  try {
    if ((await describeSchema(knex)) !== engine.schema) return false;
    // The queue makes its own tables when it starts, and keeps them: all it keeps in them are jobs and what it knows of its queues.
    const { rows } = (await knex.raw(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname = 'public' and tablename not like 'knex\\_migrations%' or schemaname = 'pgboss' and tablename <> 'version'`,
    )) as { rows: { name: string }[] };
    // The audit log refuses it, as long as triggers are asked.
    await knex.raw('set session_replication_role = replica');
    await knex.raw(`truncate ${rows.map(({ name }) => name).join(', ')} restart identity cascade`);
    await knex.raw('discard all');
    return true;
  } catch {
    return false;
  } finally {
    await database.close();
  }
}

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
