import { countTokens as countExactly } from 'gpt-tokenizer/encoding/o200k_base';
import { cutBefore } from './cut.ts';

/** Characters counted at once: byte pair merging is quadratic in a run without spaces, so a run is cut before it gets long. */
const PIECE = 1_000;
// Text that spells a special token is text like any other.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * Tokens of a text in the encoding o200k_base; exact but for runs of over 1,000 characters without a space, where it may be one too many per 1,000.
 * Loading this module takes about 0.6 s and 60 MB, so only worker threads do.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  for (let from = 0; from < text.length;) {
    const limit = Math.min(text.length, from + PIECE);
    let hash = 0;
    let to = from;
    do hash = Math.imul(hash ^ text.charCodeAt(to++), HASH_PRIME);
    while (to < limit && !isBoundary(text, to));
    if (to === limit) to = cutBefore(text, from, limit);
    tokens += to - from > KNOWN_LENGTH ? countExactly(text.slice(from, to), AS_TEXT) : countKnown(text, from, to, hash);
    from = to;
  }
  return tokens;
}

/**
 * Whether no token reaches over this place, whatever stands around it: before the last of some spaces, behind the end of a line, and where letters,
 * digits and signs meet, but for signs before letters. Asked of plain characters only: elsewhere there may be one that is not told.
 * Source: the encoding's pattern, https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py
 */
function isBoundary(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code === SPACE) {
    const next = text.charCodeAt(at + 1);
    return (next > SPACE && next < 0x80) || (next > 0xa0 && next < 0x1680);
  }
  const before = text.charCodeAt(at - 1);
  if (code >= 0x80 || before >= 0x80) return false;
  switch (KINDS[before]) {
    case LETTER:
      // An apostrophe may begin the end of a word: "it's".
      return (KINDS[code] === DIGIT || KINDS[code] === SIGN) && code !== APOSTROPHE;
    case DIGIT:
      return KINDS[code] === LETTER || KINDS[code] === SIGN;
    case SIGN:
      return KINDS[code] === DIGIT;
    default:
      return before === LINE_FEED && (KINDS[code] === LETTER || KINDS[code] === DIGIT);
  }
}

const SPACE = 32;
const LINE_FEED = 10;
const APOSTROPHE = 39;
const HASH_PRIME = 0x01000193;
const [LETTER, DIGIT, SIGN] = [1, 2, 3];
const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Za-z]/.test(character) ? LETTER : /\d/.test(character) ? DIGIT : /[!-~]/.test(character) ? SIGN : 0;
});

/** The same words come again and again: their tokens are kept in a table that the last ones win, without a string being made of any. */
const KNOWN_LENGTH = 16;
const KNOWN_WORDS = 65_536;
const knownLetters = new Uint16Array(KNOWN_WORDS * KNOWN_LENGTH);
const knownLengths = new Uint8Array(KNOWN_WORDS);
const knownTokens = new Uint8Array(KNOWN_WORDS);

function countKnown(text: string, from: number, to: number, hash: number): number {
  const slot = (hash ^ (hash >>> 15)) & (KNOWN_WORDS - 1);
  const letters = slot * KNOWN_LENGTH - from;
  if (knownLengths[slot] === to - from) {
    let at = from;
    while (at < to && knownLetters[letters + at] === text.charCodeAt(at)) at++;
    if (at === to) return knownTokens[slot]!;
  }
  for (let at = from; at < to; at++) knownLetters[letters + at] = text.charCodeAt(at);
  knownLengths[slot] = to - from;
  return (knownTokens[slot] = countExactly(text.slice(from, to), AS_TEXT));
}
