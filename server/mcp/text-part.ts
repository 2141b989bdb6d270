import { InvalidInputError } from '../errors.ts';

/** A part of a text. Offsets count UTF-16 units, as the length of a string does. */
export type TextPart = { text: string; offset: number; characters: number; nextOffset?: number };

/** The part from `offset` on, of at most `limit` characters; no character is cut in two. Errors: InvalidInputError where nothing is left. */
export function partOf(text: string, offset: number, limit: number): TextPart {
  const characters = text.length;
  if (offset > 0 && offset >= characters)
    throw new InvalidInputError([
      { field: 'offset', message: `offset: the text has ${characters} characters, so nothing is left there.` },
    ]);
  let end = Math.min(characters, offset + limit);
  if (end < characters && isHighSurrogate(text.charCodeAt(end - 1)) && end - 1 > offset) end -= 1;
  return { text: text.slice(offset, end), offset, characters, nextOffset: end < characters ? end : undefined };
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
