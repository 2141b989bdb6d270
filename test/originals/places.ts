import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Env } from '../../server/config.ts';
import { startAzurite } from '../helpers/azurite.ts';
import { relay } from '../helpers/gate.ts';
import type { TestHub } from '../helpers/hub.ts';

/** A place where a hub keeps originals, with what a test does to it behind the hub's back. */
export type Place = {
  env: Env;
  /** What must not be seen anywhere. */
  secret?: string;
  /** Names of all objects. */
  names(hub: TestHub): Promise<string[]>;
  lose(hub: TestHub, name: string): Promise<void>;
  /** `away`: nothing answers. `refusing`: it does not let the hub in; the disk cannot. */
  become(hub: TestHub, state: 'there' | 'away' | 'refusing'): Promise<void>;
  close(): Promise<void>;
};

export const PLACES: Record<string, () => Promise<Place>> = {
  disk: async () => onDisk(),
  ...(process.env.TEST_AZURITE ? { 'Azure Blob Storage': inAzure } : {}),
};

function onDisk(): Place {
  const root = (hub: TestHub) => path.join(hub.context.config.dataDir, 'originals');
  return {
    env: { KEEP_ORIGINALS: 'disk' },
    async names(hub) {
      const found = await readdir(root(hub), { recursive: true, withFileTypes: true }).catch(() => []);
      return found
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort();
    },
    lose: (hub, name) => rm(path.join(root(hub), name.slice(0, 2), name)),
    async become(hub, state) {
      // As where a volume is not mounted.
      const aside = `${root(hub)}-aside`;
      if (state === 'there') await rename(aside, root(hub));
      else await rename(root(hub), aside);
    },
    close: async () => undefined,
  };
}

async function inAzure(): Promise<Place> {
  const azurite = await startAzurite();
  let state: Parameters<Place['become']>[1] = 'there';
  const origin = new URL(azurite.endpoint).origin;
  const door = await listen((req, res) => {
    if (state === 'there') relay(origin, req, res);
    else if (state === 'away') res.destroy();
    else res.writeHead(403, { 'x-ms-error-code': 'AuthorizationFailure' }).end();
  });
  const connection = azurite.env.AZURE_STORAGE_CONNECTION_STRING.replace(origin, door.url);
  return {
    env: { ...azurite.env, AZURE_STORAGE_CONNECTION_STRING: connection },
    secret: azurite.accountKey,
    names: () => azurite.names(),
    lose: async (_hub, name) => void (await azurite.container.deleteBlob(name)),
    async become(_hub, next) {
      state = next;
    },
    async close() {
      await door.close();
      await azurite.close();
    },
  };
}
