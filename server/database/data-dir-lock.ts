import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** Thrown when another process owns the data directory. */
export class DataDirInUseError extends Error {
  constructor(dataDir: string) {
    super(
      `The data directory ${dataDir} is in use by another Tributary process. Stop that one first, or set DATA_DIR to another folder; ` +
        'to run several processes, set DATABASE_URL.',
    );
    this.name = 'DataDirInUseError';
  }
}

/**
 * Makes sure that one process at a time opens an embedded database: two would corrupt it silently. The lock is a listening socket,
 * which the kernel gives back the moment its owner dies, even by kill -9.
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  mkdirSync(dataDir, { recursive: true });
  const id = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 24);
  const address =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\tributary-${id}`
      : process.platform === 'linux'
        ? `\0tributary-${id}`
        : path.join(os.tmpdir(), `tributary-${id}.lock`);
  if (process.platform !== 'win32' && process.platform !== 'linux' && !(await answers(address)))
    rmSync(address, { force: true });
  const server = net.createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new DataDirInUseError(dataDir)));
    server.listen(address, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
