import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

export type EmbeddedPostgres = {
  /** Folder of the unix socket, to be given to `pg` as host. */
  socketDir: string;
  /** The whole data directory as a gzipped tar: a seed for other instances, or a backup. */
  dump(): Promise<Uint8Array>;
  close(): Promise<void>;
};

/**
 * Starts PGlite (Postgres as WebAssembly) in a worker thread. Without `dataDir` it lives in memory; `seedFile` is a dump to
 * start from, which is three times faster than an empty start.
 */
export async function startEmbeddedPostgres(options: {
  dataDir?: string;
  seedFile?: string;
}): Promise<EmbeddedPostgres> {
  // A unix socket's path may have about 107 bytes, so it lies in the system's temporary folder. mkdtemp makes it 0700.
  const socketDir = mkdtempSync(path.join(os.tmpdir(), 'tributary-pg-'));
  const compiled = new URL('./embedded-worker.js', import.meta.url);
  const entry = existsSync(compiled) ? compiled : new URL('./embedded-worker.ts', import.meta.url);
  const worker = new Worker(new URL('../worker-boot.mjs', import.meta.url), {
    workerData: { ...options, entry: entry.href, socketPath: path.join(socketDir, '.s.PGSQL.5432') },
  });
  const removeSocket = () => rmSync(socketDir, { recursive: true, force: true });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', (error) => {
      removeSocket();
      reject(new Error(`The embedded database could not be opened: ${error.message}`, { cause: error }));
    });
  });
  return {
    socketDir,
    dump: () =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.postMessage('dump');
      }),
    async close() {
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      worker.postMessage('close');
      await exited;
      removeSocket();
    },
  };
}
