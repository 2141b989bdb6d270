import type { Block } from './normalized.ts';

/** Tokens of a section from which on marks are set: shorter ones have few chunks, all of which may change. */
const LONG_SECTION = 3_000;
/** Tokens on either side of a mark in which there is no other. */
const REACH = 500;
/** Characters of a block that tell it from others. */
const TELLING = 512;

/**
 * Places in a long section where a chunk begins whatever stands before: blocks whose hash is the lowest within some hundred tokens. An edit
 * moves the ends of the chunks around it, up to the next mark, and leaves all others as they were, with what has been embedded for them.
 * Gives positions in `blocks`. Takes time linear in the text.
 * Source: content-defined chunking by local minima, https://doi.org/10.1109/INFCOM.2010.5461955
 */
export function sectionMarks(blocks: Block[]): Set<number> {
  const marks = new Set<number>();
  // Where each block ends, in tokens by rule of thumb: exact counts would cost as much as the chunks.
  const ends: number[] = [];
  for (const { text } of blocks) ends.push((ends.at(-1) ?? 0) + 1 + Buffer.byteLength(text) / 4);
  if ((ends.at(-1) ?? 0) < LONG_SECTION) return marks;
  const hashes = blocks.map(({ text }) => hashOf(text));
  const startOf = (at: number): number => (at === 0 ? 0 : ends[at - 1]!);
  for (let at = 1; at < blocks.length; at++) {
    let isLowest = true;
    for (let other = at - 1; isLowest && other >= 0 && startOf(at) - startOf(other) <= REACH; other--)
      isLowest = hashes[other]! > hashes[at]!;
    for (let other = at + 1; isLowest && other < blocks.length && startOf(other) - startOf(at) <= REACH; other++)
      isLowest = hashes[other]! > hashes[at]!;
    if (isLowest) marks.add(at);
  }
  return marks;
}

/** FNV-1a, its bits mixed once more so that texts that begin alike are far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5 ^ text.length;
  const length = Math.min(text.length, TELLING);
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
