import { existsSync } from 'node:fs';
import path from 'node:path';
import { createClient } from 'redis';
import { ConfigError, parseConfig, type Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { DataDirInUseError } from '../database/data-dir-lock.ts';
import { openDatabase } from '../database/open.ts';
import { withDevSecrets } from '../dev-secrets.ts';
import { createPostgresIndex } from '../index/postgres.ts';
import { createFernet } from '../vault/fernet.ts';
import { createVault } from '../vault/vault.ts';
import { readDatabase, type DatabaseState } from './check-database.ts';
import { checkAzureSearch } from './check-azure-search.ts';
import { checkChat } from './check-chat.ts';
import { checkEmbedder } from './check-embedder.ts';
import { checkMail, checkWebhook } from './check-notifications.ts';
import { checkOriginals } from './check-originals.ts';
import { checkServices } from './check-services.ts';
import { fail, ok, warn, type Finding } from './finding.ts';
import type { Io, Result } from './io.ts';
import { reasonOf } from './reason.ts';

const KEY = 'INTEGRATION_ENCRYPTION_KEY';

/** `check`: one line each for configuration, database, sessions, keys, services, embedder, chat model, originals, index, mail and webhook. Fails when any of them does. */
export async function check(io: Io): Promise<Result> {
  const findings: Finding[] = [];
  try {
    findings.push(...(await checkConfig(parseConfig(io.env))));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) {
      const [about = '', ...rest] = problem.split(': ');
      findings.push(fail(about, rest.join(': ')));
    }
    findings.push(warn('the rest', 'is checked once the variables above are right'));
  }
  const failed = findings.some(({ level }) => level === 'fail');
  return {
    lines: findings.map(({ level, about, message }) => `${level.padEnd(4)}  ${about}: ${message}`),
    json: { ok: !failed, findings },
    failed,
  };
}

async function checkConfig(given: Config): Promise<Finding[]> {
  const found: Finding[] = [ok('configuration', `${given.environment}, role ${given.role}, address ${given.baseUrl}`)];
  if (given.environment === 'production' && given.baseUrl.startsWith('http:'))
    found.push(
      warn(
        'BASE_URL',
        'is not https: cookies travel unprotected. Put the hub behind TLS and set BASE_URL to its https address',
      ),
    );

  const sealed: string[] = [];
  found.push(...(await checkDatabase(given, sealed)));
  found.push(await checkRedis(given));
  found.push(...checkKeys(given, sealed));
  found.push(...checkServices(given));
  found.push(await checkEmbedder(given), await checkChat(given), await checkOriginals(given));
  if (given.azureSearch) found.push(await checkAzureSearch(given, given.azureSearch));
  found.push(await checkMail(given), checkWebhook(given));
  return found;
}

/** Also gives, in `sealed`, the stored grants, so that the keys can be tried on them. */
async function checkDatabase(config: Config, sealed: string[]): Promise<Finding[]> {
  const embedded = config.database.kind === 'embedded';
  const folder = path.join(config.dataDir, 'postgres');
  // Opening would create it, and looking should change nothing.
  if (embedded && !existsSync(folder))
    return [
      ok('database', `embedded, in ${folder}; it is made at the first start`),
      ok('index', 'in that database, keywords and vectors'),
    ];
  let database: Database | undefined;
  try {
    database = await openDatabase(config);
    const state = await readDatabase(database);
    sealed.push(...state.sealedGrants);
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
    found.push(await checkIndex(database, state));
    return found;
  } catch (error) {
    if (error instanceof DataDirInUseError)
      return [
        warn(
          'database',
          `embedded, in ${folder}: a running hub has it open, so it cannot be looked at from here. Ask that hub at ${config.baseUrl}/readyz, or stop it and check again`,
        ),
      ];
    return [
      fail(
        'database',
        `cannot be used: ${reasonOf(error)}. ${embedded ? `See that ${config.dataDir} can be written` : 'See that DATABASE_URL is right and the server runs'}`,
      ),
    ];
  } finally {
    await database?.close();
  }
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

async function checkRedis({ redisUrl }: Config): Promise<Finding> {
  if (!redisUrl) return ok('sessions', 'in the database; REDIS_URL is not set');
  const client = createClient({
    url: redisUrl.reveal(),
    disableOfflineQueue: true,
    socket: { connectTimeout: 5000, reconnectStrategy: false },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
    return ok('sessions', 'in Redis, which answers');
  } catch (error) {
    return fail(
      'sessions',
      `Redis cannot be used: ${reasonOf(error)}. See that REDIS_URL is right and the server runs, or unset it`,
    );
  } finally {
    if (client.isOpen) client.destroy();
  }
}

function checkKeys(given: Config, sealed: string[]): Finding[] {
  const made = {
    encryption: path.join(given.dataDir, 'encryption-key'),
    session: path.join(given.dataDir, 'session-secret'),
  };
  const absent = {
    encryption: given.encryptionKeys.length === 0 && !existsSync(made.encryption),
    session: given.sessionSecrets.length === 0 && !existsSync(made.session),
  };
  // Reading would make them, and looking should change nothing. What is absent cannot be wrong.
  if (absent.encryption || absent.session)
    return [
      sealed.length > 0 && absent.encryption
        ? fail(
            KEY,
            `is not set and ${made.encryption} is gone: ${sealed.length} stored grants cannot be opened without it`,
          )
        : ok(KEY, absent.encryption ? `is made at the first start, in ${made.encryption}` : 'is there'),
      ok('SESSION_SECRET', absent.session ? `is made at the first start, in ${made.session}` : 'is there'),
    ];
  try {
    const { config } = withDevSecrets(given);
    const vault = createVault(config.encryptionKeys);
    if (vault.open(vault.seal('check', 'check'), 'check') !== 'check')
      throw new Error('a sealed value opened as another');
    const fernet = createFernet(config.encryptionKeys.map((key) => key.reveal()));
    const shut = sealed.filter((grant) => !opens(() => fernet.decrypt(grant))).length;
    const from = (own: boolean, file: string) => (own ? '' : `, from ${file}`);
    return [
      shut > 0
        ? fail(
            KEY,
            `${shut} of ${sealed.length} stored grants cannot be opened: add the key they were sealed with behind the present one, or reconnect those accounts`,
          )
        : ok(
            KEY,
            `${counted(config.encryptionKeys.length, 'key')}${from(given.encryptionKeys.length > 0, made.encryption)}` +
              (sealed.length > 0 ? `; opens ${counted(sealed.length, 'stored grant')}` : ''),
          ),
      ok(
        'SESSION_SECRET',
        `${counted(config.sessionSecrets.length, 'secret')}${from(given.sessionSecrets.length > 0, made.session)}`,
      ),
    ];
  } catch (error) {
    return [fail('keys', `cannot be used: ${reasonOf(error)}`)];
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function opens(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch {
    return false;
  }
}
