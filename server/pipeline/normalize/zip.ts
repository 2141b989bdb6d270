import { PassThrough } from 'node:stream';
import type { Entry, ZipFile } from 'yauzl';
import yauzl from 'yauzl';
import { ContentError } from '../normalized.ts';

/** What a package may unpack to. A ratio over 250 is what only bombs have: deflate ends at 1,032, busy sheets at about 60. */
const MAX_ENTRIES = 20_000;
const MAX_TOTAL_BYTES = 1_073_741_824;
const MAX_RATIO = 250;
const RATIO_FROM_BYTES = 16_777_216;

export type Zip = {
  names: string[];
  has(name: string): boolean;
  /** The entry's bytes, unpacked as they are read. Errors: ContentError `corrupt`, `too_large`. */
  stream(name: string): AsyncIterable<Buffer>;
};

/**
 * Opens a zip file for the time of `use`. Bounded: entries, bytes unpacked in all, and how far one entry expands.
 * Errors: ContentError `corrupt` (broken, or built to explode), `too_large`, `encrypted`.
 */
export async function withZip<T>(path: string, sizeBytes: number, use: (zip: Zip) => Promise<T>): Promise<T> {
  const file = await openZip(path);
  try {
    const entries = await readDirectory(file);
    let total = 0;
    async function* stream(name: string): AsyncGenerator<Buffer> {
      const entry = entries.get(name);
      if (!entry) throw broken(`its part ${name} is missing`);
      if (entry.isEncrypted())
        throw new ContentError(
          'encrypted',
          'The file is protected by a password; save it without one and import it again.',
        );
      let unpacked = 0;
      try {
        for await (const part of (await openEntry(file, entry)) as AsyncIterable<Buffer>) {
          unpacked += part.length;
          total += part.length;
          checkBounds(unpacked, entry.compressedSize, total, sizeBytes);
          yield part;
        }
      } catch (error) {
        throw error instanceof ContentError || !isZipError(error)
          ? error
          : broken('a part of it cannot be unpacked', error);
      }
    }
    return await use({ names: [...entries.keys()], has: (name) => entries.has(name), stream });
  } finally {
    file.close();
  }
}

function checkBounds(unpacked: number, packed: number, total: number, sizeBytes: number): void {
  if (unpacked > RATIO_FROM_BYTES && unpacked > MAX_RATIO * Math.max(1, Math.min(packed, sizeBytes)))
    throw new ContentError(
      'corrupt',
      `The file was refused because it unpacks to over ${MAX_RATIO} times its size, as only files made to do harm do; save it again in its program and import that.`,
    );
  if (total > MAX_TOTAL_BYTES)
    throw new ContentError('too_large', 'The file unpacks to over 1 GB; split it into smaller files and import those.');
}

const openZip = (path: string): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false, strictFileNames: false }, (error, file) =>
      error ? reject(broken('its table of contents is missing or damaged', error)) : resolve(file),
    );
  });

function readDirectory(file: ZipFile): Promise<Map<string, Entry>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, Entry>();
    file.on('entry', (entry: Entry) => {
      if (entries.size >= MAX_ENTRIES)
        return reject(
          new ContentError('too_large', `The file holds over ${MAX_ENTRIES} parts; split it and import the pieces.`),
        );
      // The first of two entries of one name counts, as in Office. Some writers begin names with a slash or use backslashes.
      const name = entry.fileName.replaceAll('\\', '/').replace(/^\/+/, '');
      if (!entries.has(name)) entries.set(name, entry);
      file.readEntry();
    });
    file.on('end', () => resolve(entries));
    file.on('error', (error: Error) => reject(broken('its table of contents is damaged', error)));
    file.readEntry();
  });
}

/** yauzl's stream of a stored entry marks itself destroyed at its end, which no async iterator gets over; piping does. */
const openEntry = (file: ZipFile, entry: Entry): Promise<PassThrough> =>
  new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, source) => {
      if (error) return reject(error);
      const target = new PassThrough({ highWaterMark: 262_144 });
      source.on('error', (failure) => target.destroy(failure));
      target.on('close', () => source.destroy());
      source.pipe(target);
      resolve(target);
    });
  });

/** Errors of zlib and yauzl; anything else is a fault of ours and must not be called the file's. */
const isZipError = (error: unknown): boolean =>
  error instanceof Error &&
  (/^Z_/.test(String((error as NodeJS.ErrnoException).code)) ||
    /bytes in the stream|local file header|compression method|file data overflows|invalid|unexpected (end|EOF)/i.test(
      error.message,
    ));

const broken = (how: string, cause?: unknown): ContentError =>
  new ContentError('corrupt', `The file is damaged: ${how}; save it again in its program and import it once more.`, {
    cause,
  });
