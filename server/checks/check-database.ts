import path from 'node:path';
import type { Database } from '../database/database.ts';
import { migrationSource } from '../database/migrations.ts';

export type DatabaseState = {
  version: string;
  /** As Postgres counts: 160004 is 16.4. */
  versionNumber: number;
  /** Version of pgvector in this database. */
  pgvector?: string;
  /** Whether the server has pgvector to offer. */
  pgvectorAvailable: boolean;
  /** How embeddings are stored; undefined before the schema is there. Only pgvector's type can be searched. */
  vectorStorage?: 'vector' | 'real[]';
  pendingMigrations: string[];
  /** Applied by a newer program. */
  unknownMigrations: string[];
  /** Stored grants as they are sealed, at most 1,000. */
  sealedGrants: string[];
};

/** What the checker wants to know of a database. Only reads: not even the migrations' own tables are made. */
export async function readDatabase({ knex }: Database): Promise<DatabaseState> {
  const { rows } = await knex.raw<{ rows: { version: string; number: string }[] }>(
    `select current_setting('server_version') as version, current_setting('server_version_num') as number`,
  );
  const installed = await knex('pg_extension').where({ extname: 'vector' }).first<{ extversion: string }>('extversion');
  const available = await knex('pg_available_extensions').where({ name: 'vector' }).first<{ name: string }>('name');
  const column = await knex.raw<{ rows: { type: string }[] }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = to_regclass('chunk_embeddings') and attname = 'embedding'`,
  );
  const known = (await migrationSource.getMigrations([])).map((file) => path.parse(file).name);
  const applied = (await knex.schema.hasTable('knex_migrations'))
    ? ((await knex('knex_migrations').orderBy('id').pluck('name')) as string[])
    : [];
  const sealedGrants = (await knex.schema.hasTable('integration_credentials'))
    ? ((await knex('integration_credentials').limit(1000).pluck('sealed')) as string[])
    : [];
  return {
    version: rows[0]?.version ?? 'unknown',
    versionNumber: Number(rows[0]?.number ?? 0),
    pgvector: installed?.extversion,
    pgvectorAvailable: available !== undefined,
    vectorStorage: column.rows[0] && (column.rows[0].type.startsWith('real') ? 'real[]' : 'vector'),
    pendingMigrations: known.filter((name) => !applied.includes(name)),
    unknownMigrations: applied.filter((name) => !known.includes(name)),
    sealedGrants,
  };
}
