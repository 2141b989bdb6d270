import { parseConfig, type Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { DataDirInUseError } from '../database/data-dir-lock.ts';
import { migrate, openDatabase } from '../database/open.ts';
import { CommandError, type Io } from './io.ts';

/**
 * Runs `work` on the migrated database of the configuration and closes it.
 * Errors: ConfigError; CommandError when a running hub has the embedded database open, or the server cannot be reached.
 */
export async function withDatabase<T>(
  io: Io,
  work: (database: Database, config: Config, applied: string[]) => Promise<T>,
): Promise<T> {
  const config = parseConfig(io.env);
  let database: Database | undefined;
  try {
    database = await openDatabase(config);
    return await work(database, config, await migrate(database));
  } catch (error) {
    throw error instanceof DataDirInUseError ? new CommandError(inUse(config)) : error;
  } finally {
    await database?.close();
  }
}

/** What to do while a running hub has the embedded database open. */
export const inUse = (config: Pick<Config, 'dataDir' | 'baseUrl'>): string =>
  `The embedded database in ${config.dataDir} is open in a running hub, and one process at a time may use it. Stop the hub, run the ` +
  `command again and start the hub; or do it in the running hub at ${config.baseUrl}. With DATABASE_URL commands run beside the hub.`;
