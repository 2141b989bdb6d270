import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Database } from '../../server/database/database.ts';
import { openPooledDatabase } from './database-pool.ts';
import { createPostgresDatabase } from './postgres-server.ts';

/** The databases this run tests on: embedded always, Postgres where TEST_DATABASE_URL names one. */
export const databaseKinds: ('embedded' | 'postgres')[] = process.env.TEST_DATABASE_URL
  ? ['embedded', 'postgres']
  : ['embedded'];

/** A migrated, empty database of its own. `close()` leaves nothing behind. */
export function openTestDatabase(kind: 'embedded' | 'postgres' = 'embedded'): Promise<Database> {
  return openPooledDatabase(kind);
}

/** The one database of suites about something else than the database: the server, where this run has one. */
export const mainKind = databaseKinds.at(-1) ?? 'embedded';

/** Runs a suite on one database. */
export function onOneDatabase(title: string, suite: (open: () => Promise<Database>) => void): void {
  describe(title, function () {
    this.timeout(120_000);
    suite(() => openTestDatabase(mainKind));
  });
}

/** Runs the same suite on every database of this run: what the two might answer differently. */
export function onEachDatabase(title: string, suite: (open: () => Promise<Database>) => void): void {
  for (const kind of databaseKinds)
    describe(`${title} (${kind})`, function () {
      this.timeout(120_000);
      suite(() => openTestDatabase(kind));
    });
}

/** Variables that name a database nobody has used yet, as an operator would set them. `remove()` leaves nothing behind. */
export async function freshDatabaseEnv(
  kind: 'embedded' | 'postgres',
): Promise<{ env: { DATA_DIR: string; DATABASE_URL?: string }; remove: () => Promise<void> }> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-fresh-'));
  const server = kind === 'postgres' ? await createPostgresDatabase() : undefined;
  return {
    env: { DATA_DIR: dataDir, DATABASE_URL: server?.url },
    async remove() {
      await server?.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
