import type { Block } from '../normalized.ts';
import { ContentError } from '../normalized.ts';

/** Characters of text in one document, about 10 million tokens: what a worker holds in memory beside the parser. */
export const MAX_TEXT_CHARACTERS = 40_000_000;

/** A list that refuses to grow beyond what a document may hold. Errors: ContentError `too_large`. */
export function createBlockList(): { blocks: Block[]; add: (block: Block) => void } {
  const blocks: Block[] = [];
  const bound = createTextBound();
  return {
    blocks,
    add(block) {
      bound(block.text);
      blocks.push(block);
    },
  };
}

/** Takes text after text until they are more than a document may hold. Errors: ContentError `too_large`. */
export function createTextBound(): (text: string) => void {
  let characters = 0;
  return (text) => {
    characters += text.length + 1;
    if (characters > MAX_TEXT_CHARACTERS) throw tooMuchText();
  };
}

/** Errors: ContentError `too_large` where a text is longer than a document may be. */
export function checkLength(text: string): string {
  if (text.length > MAX_TEXT_CHARACTERS) throw tooMuchText();
  return text;
}

export const tooMuchText = (): ContentError =>
  new ContentError(
    'too_large',
    `The file holds over ${MAX_TEXT_CHARACTERS / 1_000_000} million characters of text; split it into several files and import those.`,
  );
