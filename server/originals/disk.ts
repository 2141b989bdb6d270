import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OriginalError, type OriginalStorage } from './originals.ts';

/** Ending of files that are still being written. */
const PART = '.part';

/** Originals as files of a folder, `ab/abcd…`, readable by the hub's user only. What the labels say is known to the database alone. */
export function createDiskStorage(root: string): OriginalStorage {
  const fileOf = (name: string): string => path.join(root, name.slice(0, 2), name);

  /** A folder that is not mounted holds its files all the same. */
  function mustBeThere(done: string): void {
    if (!existsSync(root))
      throw new OriginalError(
        'unavailable',
        `The original could not be ${done}: the folder originals in DATA_DIR is gone.`,
      );
  }

  return {
    place: 'disk',

    put: (name, file, _labels, { signal }) =>
      told('stored', async () => {
        const target = fileOf(name);
        const folder = path.dirname(target);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const part = `${target}${PART}`;
        try {
          // `flush`: the bytes are on the disk before the name is.
          await pipeline(createReadStream(file), createWriteStream(part, { mode: 0o600, flush: true }), { signal });
          await rename(part, target);
          await syncFolder(folder);
        } catch (error) {
          await rm(part, { force: true });
          signal.throwIfAborted();
          throw error;
        }
      }),

    open: (name, { range }) =>
      told('read', async () => {
        mustBeThere('read');
        const handle = await open(fileOf(name));
        return handle.createReadStream(range);
      }),

    remove: (name) =>
      told('removed', async () => {
        mustBeThere('removed');
        await rm(fileOf(name), { force: true });
        await rm(`${fileOf(name)}${PART}`, { force: true });
      }),

    async *list() {
      for (const folder of await told('listed', () => foldersOf(root)))
        for (const name of await told('listed', () => readdir(path.join(root, folder)))) {
          const found = await stat(path.join(root, folder, name)).catch(() => undefined);
          if (found) yield { name: name.replace(PART, ''), modifiedAt: found.mtime };
        }
    },

    async check() {
      const found = await stat(root).catch(() => undefined);
      if (!found) return `in ${root}; it is made with the first one`;
      await told('stored', () => access(root, constants.R_OK | constants.W_OK | constants.X_OK));
      return `in ${root}`;
    },
  };
}

async function foldersOf(root: string): Promise<string[]> {
  try {
    return await readdir(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A new name is safe once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function told<T>(done: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof OriginalError || code === undefined) throw error;
    if (code === 'ENOENT' && done === 'read') throw new OriginalError('missing', 'The file is not in the folder.');
    const [kind, why] =
      code === 'ENOSPC' || code === 'EDQUOT'
        ? (['unavailable', 'the disk of DATA_DIR is full'] as const)
        : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
          ? (['refused', `the folder originals in DATA_DIR cannot be used (${code})`] as const)
          : (['unavailable', `the folder originals in DATA_DIR cannot be reached (${code})`] as const);
    throw new OriginalError(kind, `The original could not be ${done}: ${why}.`);
  }
}
