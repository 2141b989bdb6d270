import chardet from 'chardet';
import { hasUtf16Pattern } from '../detect.ts';
import { checkLength } from './block-list.ts';
import { decodeWestern, eastAsianFit, isWestern } from './legacy-encodings.ts';

/** Bytes that charset detection looks at. */
const SAMPLE = 65_536;
const ISO_2022_JP = [Buffer.from('\x1b$B'), Buffer.from('\x1b$@')];

/**
 * The text of a file's bytes: byte order mark, UTF-16 by its pattern of zeros, the encoding that was `declared` if the bytes are valid
 * in it, UTF-8 if valid, else the most likely legacy encoding. Line ends become `\n`. Errors: ContentError `too_large`.
 */
export function decodeText(bytes: Buffer, declared?: string): string {
  return checkLength(decode(bytes, declared)).replace(/\r\n?/g, '\n');
}

/** Whether a text that begins so has neither of the encodings whose bytes may be valid UTF-8 although they are none. */
export const isPlainBytes = (bytes: Buffer): boolean =>
  !isUtf32(bytes) && !hasUtf16Pattern(bytes.subarray(0, SAMPLE)) && !isIso2022(bytes);

function decode(bytes: Buffer, declared?: string): string {
  if (startsWith(bytes, [0xef, 0xbb, 0xbf])) return new TextDecoder('utf-8').decode(bytes);
  if (isUtf32(bytes)) return decodeUtf32(bytes);
  const utf16 = hasUtf16Pattern(bytes.subarray(0, SAMPLE));
  if (utf16) return new TextDecoder(utf16).decode(bytes);
  if (isIso2022(bytes)) return new TextDecoder('iso-2022-jp').decode(bytes);
  for (const encoding of [declared, 'utf-8']) {
    // A page that can be read byte by byte cannot be UTF-16, whatever it says.
    const text = encoding && !/^utf-?16/i.test(encoding) ? decodeStrictly(bytes, encoding) : undefined;
    if (text !== undefined) return text;
  }
  return decodeLegacy(bytes);
}

function decodeLegacy(bytes: Buffer): string {
  // Only lines with bytes over 127 tell encodings apart.
  const sample = interesting(bytes.subarray(0, 8 * SAMPLE));
  if (validUtf8Share(sample) > 0.99) return new TextDecoder('utf-8').decode(bytes);
  const guesses = chardet.analyse(sample).slice(0, 8);
  // Western European is the likeliest by far, and where few bytes speak chardet guesses wildly.
  const western = guesses.find(({ name }) => isWestern(name))?.confidence ?? 0;
  const bias = sample.filter((byte) => byte > 127).length < 8 ? 40 : 12;
  let best = { encoding: 'windows-1252', score: western + bias + scoreOf(sample, 'windows-1252') };
  for (const { name, confidence } of guesses) {
    if (/^(utf-|ascii)/i.test(name) || isWestern(name)) continue;
    const score = confidence + scoreOf(sample, name);
    if (score > best.score) best = { encoding: name, score };
  }
  return decodeStrictly(bytes, best.encoding) ?? new TextDecoder(best.encoding).decode(bytes);
}

function scoreOf(sample: Buffer, encoding: string): number {
  const text = decodeStrictly(sample, encoding);
  if (text === undefined) return -Infinity;
  return 60 * plausibility(text, isWestern(encoding)) + 25 * (eastAsianFit(sample, encoding) ?? 0);
}

/** How much of the text outside ASCII looks like words: letters, no symbols or change of case inside a word; at most 1. */
function plausibility(text: string, western: boolean): number {
  const foreign = text.match(/[^\u0000-\u007f]/gu)?.length ?? 0; // eslint-disable-line no-control-regex
  if (foreign === 0) return 0;
  const signs = text.match(/[–—‘’“”„«»•…€§°·、。「」・！？]/gu)?.length ?? 0;
  const letters = text.match(/[\p{L}\p{M}]/gu)?.filter((letter) => letter > '\u007f').length ?? 0;
  let odd = text.match(/\p{Ll}\p{Lu}|[\u0080-\u009f\uff61-\uff9f\ue000-\uf8ff]/gu)?.length ?? 0;
  odd += text.match(/(?<=\p{L})[^\p{L}\p{M}\p{ASCII}’](?=\p{L})/gu)?.length ?? 0;
  // What Central European letters look like when they are read as Western ones.
  if (western) odd += text.match(/[šžŠŽŸ³¹¾¼]/gu)?.length ?? 0;
  return Math.max(-1, letters + signs / 2 - 2 * odd) / foreign;
}

function interesting(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (let from = 0; from < bytes.length && length < SAMPLE;) {
    const end = bytes.indexOf(10, from);
    const line = bytes.subarray(from, end < 0 ? bytes.length : end + 1);
    if (line.some((byte) => byte > 127 || byte === 27)) {
      parts.push(line);
      length += line.length;
    }
    from += line.length;
  }
  return parts.length > 0 ? Buffer.concat(parts).subarray(0, SAMPLE) : bytes.subarray(0, SAMPLE);
}

function decodeStrictly(bytes: Buffer, encoding: string): string | undefined {
  if (isWestern(encoding)) return decodeWestern(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    // Not valid in this encoding, or an encoding this Node does not know.
    return undefined;
  }
}

function validUtf8Share(bytes: Buffer): number {
  const text = bytes.subarray(0, SAMPLE).toString('utf8');
  return 1 - (text.split('\ufffd').length - 1) / Math.max(1, text.length);
}

function decodeUtf32(bytes: Buffer): string {
  const little = bytes[0] === 0xff;
  let text = '';
  for (let at = 4; at + 4 <= bytes.length; at += 4) {
    const point = little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    text += String.fromCodePoint(point <= 0x10ffff ? point : 0xfffd);
  }
  return text;
}

const isUtf32 = (bytes: Buffer): boolean =>
  startsWith(bytes, [0xff, 0xfe, 0, 0]) || startsWith(bytes, [0, 0, 0xfe, 0xff]);

/** ISO-2022-JP is made of ASCII bytes; its escapes tell it. */
const isIso2022 = (bytes: Buffer): boolean => ISO_2022_JP.some((escape) => bytes.subarray(0, SAMPLE).includes(escape));

const startsWith = (bytes: Buffer, magic: number[]): boolean => magic.every((byte, at) => bytes[at] === byte);
