import { openAsBlob } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { vector } from '@electric-sql/pglite-pgvector';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/** Runs Postgres in this thread and serves it on a private unix socket, so that queries never hold the main event loop. */
const { dataDir, socketPath, seedFile } = workerData as { dataDir?: string; socketPath: string; seedFile?: string };

const db = await PGlite.create({
  dataDir,
  loadDataDir: seedFile ? await openAsBlob(seedFile) : undefined,
  extensions: { vector, pg_trgm },
});
const server = new PGLiteSocketServer({ db, path: socketPath, maxConnections: 2 });
await server.start();

parentPort?.on('message', (message: 'close' | 'dump') => {
  void (async () => {
    if (message === 'dump') {
      const dump = await db.dumpDataDir('gzip');
      parentPort?.postMessage(new Uint8Array(await dump.arrayBuffer()));
      return;
    }
    await server.stop();
    await db.close();
    process.exit(0);
  })();
});
parentPort?.postMessage('ready');
