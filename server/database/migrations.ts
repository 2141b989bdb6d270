import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Knex } from 'knex';

const directory = fileURLToPath(new URL('../../migrations/', import.meta.url));

/**
 * Reads migrations/ and names each by its file name without the extension: Knex records that name, so the same database can be
 * migrated from source (.ts) and from the build (.js).
 */
export const migrationSource: Knex.MigrationSource<string> = {
  async getMigrations() {
    const names = await readdir(directory);
    return names.filter((name) => /^\d{14}_\w+\.(ts|js)$/.test(name)).sort();
  },
  getMigrationName: (file) => path.parse(file).name,
  getMigration: (file) => import(pathToFileURL(path.join(directory, file)).href) as Promise<Knex.Migration>,
};
