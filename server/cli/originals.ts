import { createProviders } from '../../providers/registry.ts';
import { createEgress, hostsOf } from '../egress/egress.ts';
import { createOriginalStorages, type OriginalStorage } from '../originals/originals.ts';
import type { Database } from '../database/database.ts';
import { findUnknownOriginals } from '../stores/original-store.ts';
import { withDatabase } from './database.ts';
import type { Flags, Io, Result } from './io.ts';

/** What is younger may have been put by a hub whose row came meanwhile. */
const MIN_AGE_MS = 24 * 3_600_000;
const BATCH = 500;

/**
 * `originals prune`: objects in the storages of the configuration that no row knows, as they are there once an older copy of the database was
 * restored. They are counted, and with `--remove` removed. Errors: OriginalError.
 */
export const pruneOriginals = (io: Io, flags: Flags): Promise<Result> =>
  withDatabase(io, async (database, config) => {
    const vendorHosts = createProviders(config).definitions.flatMap(({ definition }) => definition.hosts);
    const egress = createEgress({ allowedHosts: hostsOf(config, vendorHosts), vendorHosts });
    try {
      const { byPlace } = createOriginalStorages(config, { fetch: egress.fetch });
      const lines: string[] = [];
      const unknown: Record<string, number> = {};
      for (const [place, storage] of byPlace) {
        const names = await unknownOf(database, storage);
        if (flags.remove) for (const name of names) await storage.remove(name);
        unknown[place] = names.length;
        lines.push(
          `${place}: ${names.length} objects that no document has ${flags.remove ? 'were removed' : 'are there'}.`,
        );
      }
      const note = flags.remove
        ? undefined
        : 'With --remove they are removed. See first that no other hub uses the same place.';
      return { lines, note, json: { unknown, removed: flags.remove === true } };
    } finally {
      await egress.close();
    }
  });

async function unknownOf(database: Database, storage: OriginalStorage): Promise<string[]> {
  const old = new Date(Date.now() - MIN_AGE_MS);
  const unknown: string[] = [];
  let batch: string[] = [];
  const look = async () => {
    unknown.push(...(await findUnknownOriginals(database.knex, batch)));
    batch = [];
  };
  for await (const { name, modifiedAt } of storage.list()) {
    if (modifiedAt > old) continue;
    batch.push(name);
    if (batch.length === BATCH) await look();
  }
  await look();
  return unknown;
}
