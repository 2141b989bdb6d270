import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectAccountOf } from './connect.ts';
import type { TestHub } from './hub.ts';
import { finishedImport } from './imports.ts';
import type { SyncWorld } from './sync-worlds.ts';
import { waitFor } from './wait.ts';

/** The admin's account in a world, with what is done to it again and again. */
export type SyncAccount = {
  hub: TestHub;
  integration: Integration;
  /** Imports what is to be followed. */
  importAll: () => Promise<ImportDetail>;
  /** Begins a sync; gives its id at once. */
  startSync: () => Promise<string>;
  /** A sync from its beginning to its end. */
  sync: () => Promise<ImportDetail>;
};

const TIMEOUT_MS = 900_000;

/** Connects the account of a world that was filled. Nothing is imported yet. */
export async function connectWorld(world: SyncWorld, hub: TestHub): Promise<SyncAccount> {
  const { context, admin } = hub;
  const integration = await connectAccountOf(hub, admin, world.platform);
  const { knex } = context.database;
  await waitFor('the feed', async () => (await knex('change_feeds').first('feed')) && true);
  const followed = await world.followed(hub, integration);

  const ended = (id: string): Promise<ImportDetail> => finishedImport(hub, id, TIMEOUT_MS);
  const startSync = async (): Promise<string> => (await context.syncs.start(admin, integration.id)).id;

  return {
    hub,
    integration,
    async importAll() {
      const items = [{ integrationId: integration.id, ...followed }];
      return ended((await context.imports.create(admin, { items, category: 'logs', ...world.scope })).id);
    },
    startSync,
    sync: async () => ended(await startSync()),
  };
}
