import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ContentError } from '../normalized.ts';
import { MAX_TEXT_CHARACTERS, tooMuchText } from './block-list.ts';
import { isPlainBytes } from './decode.ts';

const PIECE = 262_144;
/** No encoding writes a character in more bytes. */
const MOST_BYTES_OF_CHARACTER = 4;

/** A file piece by piece, none of which is used again. */
export function* piecesOf(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const piece = Buffer.allocUnsafeSlow(PIECE);
      const length = readSync(file, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

/** The bytes of a text. Errors: ContentError `too_large` for one with more characters than a document may hold, before it is held in memory. */
export async function readTextFile({ path, sizeBytes }: { path: string; sizeBytes: number }): Promise<Buffer> {
  if (sizeBytes > MAX_TEXT_CHARACTERS * MOST_BYTES_OF_CHARACTER) throw tooMuchText();
  if (sizeBytes > MAX_TEXT_CHARACTERS) await checkCharacters(path);
  return readFile(path);
}

/** Counts what is UTF-8 without keeping it. Other encodings are known when they are decoded. */
async function checkCharacters(path: string): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let characters: number | undefined;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
      if (characters === undefined && !isPlainBytes(piece)) return;
      characters = (characters ?? 0) + decoder.decode(piece, { stream: true }).length;
      if (characters > MAX_TEXT_CHARACTERS) throw tooMuchText();
    }
  } catch (error) {
    if (error instanceof ContentError || !(error instanceof TypeError)) throw error;
  }
}
