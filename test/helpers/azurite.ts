import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { waitFor } from './wait.ts';

export const CONTAINER = 'tributary-originals';

export type Azurite = {
  /** Variables of a hub that keeps originals there. */
  env: { KEEP_ORIGINALS: 'azure'; AZURE_STORAGE_CONNECTION_STRING: string; AZURE_STORAGE_CONTAINER: string };
  /** Of the account's blob service. */
  endpoint: string;
  accountKey: string;
  /** Azure's own client, beside the hub's. */
  container: ContainerClient;
  /** Names of all blobs; none where the container is not there. */
  names(): Promise<string[]>;
  close(): Promise<void>;
};

/** A suite where TEST_AZURITE names the emulator's package (see report-skipped.ts). `describe` is another one for each file of a process. */
export function onAzurite(title: string, suite: (this: Mocha.Suite) => void): void {
  if (process.env.TEST_AZURITE) describe(title, suite);
}

/** Microsoft's emulator of Azure Storage, empty, on a free port of this machine, with an account of its own. */
export async function startAzurite(port = 0): Promise<Azurite> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-azurite-'));
  const account = 'tributarytest';
  const accountKey = randomBytes(48).toString('base64');
  const main = path.join(process.env.TEST_AZURITE ?? '', 'dist', 'src', 'blob', 'main.js');
  const options =
    '--inMemoryPersistence --blobHost 127.0.0.1 --disableTelemetry --skipApiVersionCheck --silent --blobPort';
  const child = spawn(process.execPath, [main, ...options.split(' '), String(port)], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, AZURITE_ACCOUNTS: `${account}:${accountKey}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (printed += part.toString()));
  const exit = once(child, 'exit');
  const origin = await waitFor(
    'Azurite to listen',
    () => {
      if (child.exitCode !== null) throw new Error(`Azurite ended: ${printed}`);
      return /listen\w* (?:at|on) (http:\S+)/i.exec(printed)?.[1];
    },
    60_000,
  );
  const endpoint = `${origin}/${account}`;
  const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`;
  const container = BlobServiceClient.fromConnectionString(connection).getContainerClient(CONTAINER);
  return {
    env: {
      KEEP_ORIGINALS: 'azure',
      AZURE_STORAGE_CONNECTION_STRING: connection,
      AZURE_STORAGE_CONTAINER: CONTAINER,
    },
    endpoint,
    accountKey,
    container,
    async names() {
      if (!(await container.exists())) return [];
      const names: string[] = [];
      for await (const { name } of container.listBlobsFlat()) names.push(name);
      return names.sort();
    },
    async close() {
      child.kill('SIGKILL');
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
