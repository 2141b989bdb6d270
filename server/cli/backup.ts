import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseConfig, type Config } from '../config.ts';
import { DataDirInUseError, lockDataDir } from '../database/data-dir-lock.ts';
import { openEmbedded } from '../database/open.ts';
import { hasUsers } from '../stores/user-store.ts';
import { ArchiveError, readArchive, writeArchive } from './archive.ts';
import { inUse } from './database.ts';
import { CommandError, UsageError, type Flags, type Io, type Result } from './io.ts';

/** What a backup holds of DATA_DIR: the database, and originals on disk. The keys lie beside them, and are left out. */
const FOLDERS = ['postgres', 'originals'];

const KEYS_NOTE =
  'The keys are not in it. Without INTEGRATION_ENCRYPTION_KEY stored access to accounts cannot be opened: keep it, and SESSION_SECRET, in another place. ' +
  'Where neither was set, they are the files encryption-key and session-secret in DATA_DIR.';

/** `backup FILE`: the embedded database and originals on disk, in one file, while the hub is stopped. Errors: CommandError. */
export async function backup(io: Io, flags: Flags, words: string[]): Promise<Result> {
  const config = embeddedConfig(io);
  const file = fileOf(words);
  return withLock(config, async () => {
    if (!existsSync(path.join(config.dataDir, 'postgres')))
      throw new CommandError(`There is no database in ${config.dataDir}. See that DATA_DIR is the folder of the hub.`);
    if (existsSync(file) && !flags.force)
      throw new CommandError(`${file} is there already. Choose another name, or replace it with --force.`);
    const part = `${file}.${randomUUID()}.part`;
    try {
      const files = await writeArchive(part, config.dataDir, FOLDERS);
      await rename(part, file);
      const { size } = await stat(file);
      return {
        lines: [`Wrote ${files} files to ${file} (${Math.ceil(size / 1_048_576)} MB).`],
        note: KEYS_NOTE,
        json: { file, files, bytes: size },
      };
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  });
}

/**
 * `restore FILE`: puts a backup into DATA_DIR. It is unpacked and opened beside what is there, and takes its place only then; with `--force` that
 * may be another database. Errors: CommandError; nothing was changed then.
 */
export async function restore(io: Io, flags: Flags, words: string[]): Promise<Result> {
  const config = embeddedConfig(io);
  const file = fileOf(words);
  if (!existsSync(file)) throw new CommandError(`There is no file ${file}.`);
  return withLock(config, async () => {
    const taken = FOLDERS.filter((folder) => existsSync(path.join(config.dataDir, folder)));
    if (taken.length > 0 && !flags.force)
      throw new CommandError(
        `${config.dataDir} holds data already (${taken.join(', ')}). Set DATA_DIR to another folder, or replace the data with --force: it is lost then.`,
      );
    const fresh = path.join(config.dataDir, `restore-${randomUUID()}`);
    const former = path.join(config.dataDir, `replaced-${randomUUID()}`);
    try {
      await mkdir(fresh, { mode: 0o700 });
      const files = await unpack(file, fresh);
      await tryOut(path.join(fresh, 'postgres'));
      await mkdir(former, { mode: 0o700 });
      for (const folder of taken) await rename(path.join(config.dataDir, folder), path.join(former, folder));
      for (const folder of FOLDERS)
        if (existsSync(path.join(fresh, folder)))
          await rename(path.join(fresh, folder), path.join(config.dataDir, folder));
      await rm(former, { recursive: true, force: true });
      return {
        lines: [`Restored ${files} files into ${config.dataDir}.`],
        note: 'Set the keys of that time, INTEGRATION_ENCRYPTION_KEY and SESSION_SECRET, or put their files into DATA_DIR, and start the hub.',
        json: { dataDir: config.dataDir, files },
      };
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
}

/** Errors: UsageError. */
function fileOf([file, ...others]: string[]): string {
  if (!file || others.length > 0) throw new UsageError('The name of one file is needed.');
  return path.resolve(file);
}

/** Errors: ConfigError; CommandError where the database is on a server. */
function embeddedConfig(io: Io): Config {
  const config = parseConfig(io.env);
  if (config.database.kind === 'embedded') return config;
  throw new CommandError(
    'DATABASE_URL names a Postgres server: back it up and restore it by pg_dump and pg_restore, as docs/operations.md tells.',
  );
}

async function withLock(config: Config, work: () => Promise<Result>): Promise<Result> {
  const unlock = await lockDataDir(config.dataDir).catch((error: unknown) => {
    throw error instanceof DataDirInUseError ? new CommandError(inUse(config)) : error;
  });
  try {
    return await work();
  } finally {
    await unlock();
  }
}

async function unpack(file: string, folder: string): Promise<number> {
  try {
    return await readArchive(file, folder, FOLDERS);
  } catch (error) {
    throw error instanceof ArchiveError ? new CommandError(`${file} is no whole backup: ${error.message}.`) : error;
  }
}

/** Opens the database as the hub would. Errors: CommandError. */
async function tryOut(dataDir: string): Promise<void> {
  if (!existsSync(dataDir)) throw new CommandError('There is no database in this backup.');
  try {
    const database = await openEmbedded({ dataDir });
    try {
      await hasUsers(database.knex);
    } finally {
      await database.close();
    }
  } catch (error) {
    throw new CommandError(
      `The database of this backup cannot be opened: ${error instanceof Error ? error.message : 'unknown'}. Restore it with the version of the hub that made it.`,
    );
  }
}
