import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pipeline as pump } from 'node:stream/promises';
import { createChecksum } from '../../providers/checksums.ts';
import { DETECT_HEAD_BYTES, refuseByMagic } from './detect.ts';
import { ContentError } from './normalized.ts';
import type { IncomingFile } from './pipeline.ts';

export type SpooledFile = {
  path: string;
  sizeBytes: number;
  /** SHA-256, hex. */
  contentHash: string;
  /** Removes the file and its folder. */
  remove(): Promise<void>;
};

/**
 * Writes a stream to a private temporary file (folder mode 0700), hashing on the way, and checks size and checksum. A file
 * whose first bytes show a format that is never read (an image, a video) is given up at once, before its rest is fetched.
 * Errors: ContentError `too_large`, `unsupported`, `no_text` (no bytes) or `incomplete` (more or fewer bytes than announced,
 * checksum differs, ended early); the stream's own error; the signal's reason.
 */
export async function spool(file: IncomingFile, maxBytes: number, signal: AbortSignal): Promise<SpooledFile> {
  // An error that comes while nobody reads would otherwise end the process.
  file.stream.on('error', () => {});
  if (signal.aborted || (file.sizeBytes ?? 0) > maxBytes) {
    file.stream.destroy();
    signal.throwIfAborted();
    throw tooLarge(maxBytes);
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-file-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const target = path.join(folder, 'content');
    const { sizeBytes, contentHash } = await receive(file, target, maxBytes, signal);
    return { path: target, sizeBytes, contentHash, remove };
  } catch (error) {
    file.stream.destroy();
    await remove();
    signal.throwIfAborted();
    if (isNodeError(error, 'ERR_STREAM_PREMATURE_CLOSE')) throw endedEarly(error);
    throw error;
  }
}

async function receive(file: IncomingFile, target: string, maxBytes: number, signal: AbortSignal) {
  const sha256 = createHash('sha256');
  const checksum = file.hash && createChecksum(file.hash.algorithm);
  let sizeBytes = 0;
  let head: Buffer | undefined = Buffer.alloc(0);
  async function* metered(source: AsyncIterable<Buffer | string>) {
    for await (const part of source) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      sizeBytes += bytes.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      if (head) {
        head = Buffer.concat([head, bytes.subarray(0, DETECT_HEAD_BYTES)]);
        if (head.length >= DETECT_HEAD_BYTES) {
          refuseByMagic(head, file.name);
          head = undefined;
        }
      }
      sha256.update(bytes);
      checksum?.update(bytes);
      yield bytes;
    }
  }
  await pump(file.stream, metered, createWriteStream(target, { mode: 0o600, flags: 'wx' }), { signal });
  if (file.sizeBytes !== undefined && sizeBytes !== file.sizeBytes)
    throw new ContentError(
      'incomplete',
      `${sizeBytes} bytes arrived but ${file.sizeBytes} were announced; import it again.`,
    );
  const contentHash = sha256.digest('hex');
  if (file.hash && checksum) {
    if (checksum.digest() !== file.hash.hex.toLowerCase())
      throw new ContentError(
        'incomplete',
        `The ${file.hash.algorithm} checksum of the bytes that arrived differs from the announced one, so the file changed or was damaged on the way; import it again.`,
      );
  }
  if (sizeBytes === 0)
    throw new ContentError('no_text', 'The file is empty (0 bytes); add content to it and import it again.');
  return { sizeBytes, contentHash };
}

/** What is said of a file over the cap, whether its size was announced or met. */
export function tooLarge(maxBytes: number): ContentError {
  const limit =
    maxBytes < 1_048_576
      ? `${maxBytes.toLocaleString('en')} bytes`
      : `${(maxBytes / 1_048_576).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;
  return new ContentError(
    'too_large',
    `The file is over the limit of ${limit}; split it, or ask the operator to raise MAX_FILE_BYTES.`,
  );
}

const endedEarly = (cause: unknown): ContentError =>
  new ContentError(
    'incomplete',
    'The download ended before the whole file had arrived, so it is incomplete; import it again.',
    { cause },
  );

const isNodeError = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;
