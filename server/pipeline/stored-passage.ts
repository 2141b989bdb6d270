import { createHash } from 'node:crypto';
import type { Embeddable } from './embed/batcher.ts';
import { embedTextOf, prefixForms } from './prefix.ts';

/** A passage as it is stored, with the title that its document has now. `textHash` names its embedding. */
export type StoredPassage = {
  id: string;
  title: string;
  headingPath: string[];
  text: string;
  textHash: string;
  tokenCount: number;
};

/** Characters of a prefix for a title that came after the import: without the tokenizer, which only worker threads load, it is not counted in tokens. */
const PREFIX_CHARACTERS = 320;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * What is embedded of a stored passage. The prefix is not stored: it is the form under which the text has its hash. Where there is none,
 * since the document has another title by now (or the text lost a NUL on its way into the database), it is made from the title as it
 * is now, and has a hash of its own.
 */
export function toEmbeddable({ title, headingPath, text, textHash, tokenCount }: StoredPassage): Embeddable {
  let short: string | undefined;
  for (const prefix of prefixForms(title, headingPath)) {
    const embedText = embedTextOf(prefix, text);
    if (hashOf(embedText) === textHash) return { textHash, embedText, tokenCount };
    if (short === undefined && prefix.length <= PREFIX_CHARACTERS) short = embedText;
  }
  const embedText = short ?? text;
  return { textHash: hashOf(embedText), embedText, tokenCount };
}
