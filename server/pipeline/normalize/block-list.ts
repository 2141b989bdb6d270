import type { Block } from '../normalized.ts';
import { ContentError } from '../normalized.ts';

/** Characters of text in one document, about 12 million tokens: what a worker holds in memory beside the parser. */
export const MAX_TEXT_CHARACTERS = 50_000_000;

/** A list that refuses to grow beyond what a document may hold. Errors: ContentError `too_large`. */
export function createBlockList(): { blocks: Block[]; add: (block: Block) => void } {
  const blocks: Block[] = [];
  let characters = 0;
  return {
    blocks,
    add(block) {
      characters += block.text.length + 1;
      if (characters > MAX_TEXT_CHARACTERS) throw tooMuchText();
      blocks.push(block);
    },
  };
}

/** Errors: ContentError `too_large` where a text is longer than a document may be. */
export function checkLength(text: string): string {
  if (text.length > MAX_TEXT_CHARACTERS) throw tooMuchText();
  return text;
}

const tooMuchText = (): ContentError =>
  new ContentError(
    'too_large',
    `The file holds over ${MAX_TEXT_CHARACTERS / 1_000_000} million characters of text; split it into several files and import those.`,
  );
