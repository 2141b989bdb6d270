import path from 'node:path';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { IDENTITY_PROVIDERS } from '../../providers/identity-provider.ts';
import { createPostgresIndex } from '../index/postgres.ts';
import { countWithoutWayIn } from '../stores/identity-store.ts';
import { readDatabase, type DatabaseState } from './check-database.ts';
import { checkEmbedderChange } from './check-embedder-change.ts';
import { fail, ok, warn, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

/** What an open database says: its version, its schema, the index in it. Also gives the stored grants, so that the keys can be tried on them. */
export async function describeDatabase(
  database: Database,
  config: Pick<Config, 'database' | 'dataDir' | 'embedding' | 'sso'>,
): Promise<{ findings: Finding[]; sealed: string[] }> {
  const embedded = config.database.kind === 'embedded';
  const folder = path.join(config.dataDir, 'postgres');
  const state = await readDatabase(database);
  const found: Finding[] = [];
  const name = embedded ? `embedded, in ${folder}` : 'Postgres server';
  found.push(
    state.versionNumber < 150_000
      ? fail('database', `${name}, version ${state.version}: version 15 or newer is needed`)
      : ok('database', `${name}, version ${state.version}`),
  );
  found.push(
    state.unknownMigrations.length > 0
      ? warn('schema', `is newer than this program (${state.unknownMigrations.join(', ')}): update the program`)
      : state.pendingMigrations.length > 0
        ? warn(
            'schema',
            `${state.pendingMigrations.length} change(s) wait (${state.pendingMigrations.join(', ')}): they are applied at the next start, or now by npm run hub -- migrate`,
          )
        : ok('schema', 'is up to date'),
  );
  if (state.pendingMigrations.length === 0) found.push(...(await checkWaysIn(database, config)));
  found.push(await checkIndex(database, state), ...(await checkEmbedderChange(database, config)));
  return { findings: found, sealed: state.sealedGrants };
}

/** Whoever signed in by a service that was switched off since, and never set a password. */
async function checkWaysIn({ knex }: Database, { sso }: Pick<Config, 'sso'>): Promise<Finding[]> {
  const shutOut = await countWithoutWayIn(
    knex,
    IDENTITY_PROVIDERS.filter((id) => sso[id]),
  );
  if (shutOut === 0) return [];
  const who = shutOut === 1 ? '1 user has' : `${shutOut} users have`;
  return [
    warn(
      'ways in',
      `${who} neither a password nor an account at a service that SSO_PROVIDERS names, and cannot sign in: switch their service on again until each has set a password`,
    ),
  ];
}

async function checkIndex(database: Database, state: DatabaseState): Promise<Finding> {
  const byKeyword = (how: string) => warn('index', `in Postgres, by keyword only. ${how} to search by meaning too`);
  if (state.vectorStorage === 'real[]') {
    const convert = 'alter table chunk_embeddings alter column embedding type vector using embedding::vector';
    return byKeyword(
      state.pgvectorAvailable
        ? `The schema was made without pgvector: as its superuser run "create extension if not exists vector; ${convert}"`
        : `Install pgvector on the server and run "create extension vector; ${convert}"`,
    );
  }
  if (state.vectorStorage === undefined) {
    if (state.pgvector) return ok('index', 'in Postgres; pgvector is there');
    if (state.pgvectorAvailable)
      return ok(
        'index',
        'in Postgres; the first start switches pgvector on. If its user may not create extensions, run "create extension vector" as superuser before',
      );
    return byKeyword('Install pgvector on the server before the first start');
  }
  if (state.pendingMigrations.length === 0) {
    const nobody = '00000000-0000-0000-0000-000000000000';
    try {
      await createPostgresIndex(database).search({ userId: nobody, text: 'check', mode: 'keyword', limit: 1 });
    } catch (error) {
      return fail('index', `cannot be searched: ${reasonOf(error)}`);
    }
  }
  return ok('index', `in Postgres, keywords and vectors, pgvector ${state.pgvector ?? 'of unknown version'}`);
}
