import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

/**
 * A gzipped tar archive in the form `ustar`, which every tar program reads.
 * Source: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
 */
const BLOCK = 512;
/** Names as the database's engine and the originals have them. */
const SAFE_NAME = /^[\w.-]+(\/[\w.-]+)*$/;

/** Writes the folders of that name below `root`, those that are there, and nothing else. The file must not exist. Gives the number of files. */
export async function writeArchive(file: string, root: string, folders: string[]): Promise<number> {
  let files = 0;

  async function* blocks(): AsyncGenerator<Buffer> {
    for (const folder of folders) yield* entry(folder);
    yield Buffer.alloc(2 * BLOCK);
  }

  async function* entry(name: string): AsyncGenerator<Buffer> {
    const place = path.join(root, name);
    const found = await stat(place).catch(() => undefined);
    if (found?.isDirectory()) {
      yield header(`${name}/`, 0, '5');
      for (const one of (await readdir(place)).sort()) yield* entry(path.posix.join(name, one));
    } else if (found?.isFile()) {
      files++;
      yield header(name, found.size, '0');
      let bytes = 0;
      for await (const part of createReadStream(place) as AsyncIterable<Buffer>) {
        bytes += part.length;
        yield part;
      }
      if (bytes !== found.size) throw new Error(`${name} changed while it was read`);
      yield Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);
    }
  }

  await pipeline(
    Readable.from(blocks()),
    createGzip(),
    createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }),
  );
  return files;
}

function header(name: string, size: number, type: '0' | '5'): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`the name ${name} is too long for an archive`);
  // Eleven octal digits.
  if (size >= 8 ** 11) throw new Error(`the file ${name} is too large for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  block.write(name, 0, 'utf8');
  octal(type === '5' ? 0o700 : 0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(Date.now() / 1000), 136, 12);
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The sum of the header's bytes, its own field counted as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 32;
  for (const [at, byte] of block.entries()) if (at < 148 || at > 155) sum += byte;
  return sum;
}

/** Thrown where a file is no archive of this kind, or not a whole one. */
export class ArchiveError extends Error {}

/** Unpacks an archive into a folder, which gets nothing but the given folders. Gives the number of files. Errors: ArchiveError. */
export async function readArchive(file: string, root: string, folders: string[]): Promise<number> {
  const take = reader(createReadStream(file).pipe(createGunzip()));
  let files = 0;
  try {
    for (;;) {
      const block = await take.exactly(BLOCK);
      if (block.every((byte) => byte === 0)) return files;
      const text = (at: number, length: number) => block.toString('utf8', at, at + length).split('\0')[0] ?? '';
      if (text(257, 5) !== 'ustar' || Number.parseInt(text(148, 8), 8) !== checksumOf(block))
        throw new ArchiveError('it is damaged, or something else');
      const name = text(0, 100).replace(/\/$/, '');
      const isSafe = SAFE_NAME.test(name) && !name.split('/').some((part) => part === '..' || part === '.');
      if (!isSafe || !folders.includes(name.split('/')[0] ?? ''))
        throw new ArchiveError('it holds what a backup does not');
      const size = Number.parseInt(text(124, 12), 8);
      const place = path.join(root, name);
      if (text(156, 1) === '5') await mkdir(place, { recursive: true, mode: 0o700 });
      else {
        files++;
        await pipeline(
          Readable.from(take.parts(size)),
          createWriteStream(place, { flags: 'wx', mode: 0o600, flush: true }),
        );
        await take.exactly((BLOCK - (size % BLOCK)) % BLOCK);
      }
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof ArchiveError || code === 'ENOENT' || !code?.startsWith('Z_')) throw error;
    throw new ArchiveError('it is damaged, or something else', { cause: error });
  }
}

/** Takes a stream apart. Errors: ArchiveError where it ends too early; the stream's. */
function reader(stream: Readable) {
  const source = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);

  async function* parts(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0;) {
      if (rest.length === 0) {
        const next = await source.next();
        if (next.done) throw new ArchiveError('its end is missing');
        rest = next.value;
      }
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
  const exactly = async (bytes: number): Promise<Buffer> => {
    const found: Buffer[] = [];
    for await (const part of parts(bytes)) found.push(part);
    return Buffer.concat(found);
  };
  return { parts, exactly };
}
