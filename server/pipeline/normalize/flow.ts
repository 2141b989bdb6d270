import type { Block } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import type { OpenTables } from './open-tables.ts';
import { createOpenTables } from './open-tables.ts';

/** What the words become that stand in an element. */
export type Place = { kind: Block['kind']; level?: number; /** Stands before the first words. */ mark?: string };

/** Stands for a forced line break until white space has been collapsed. */
const BREAK = '\u2028';

/** A page as its elements are walked through. Every `enter` has its `leave`; so have asides, tables and cells. */
export type Flow = {
  write(text: string): void;
  breakLine(): void;
  /** Ends the run of words: what was written becomes a block of the place it stands in. */
  flush(): void;
  enter(place: Place): void;
  leave(): void;
  /** Sets what stands before the first words of the innermost place. */
  mark(mark: string): void;
  /** A number that grows with all words but those of asides that have ended. */
  written(): number;
  /** What is written until `endAside` gives it, as it was written, is no part of the page. */
  beginAside(): void;
  endAside(): string;
  tables: Omit<OpenTables, 'add'>;
  /** All blocks, in reading order. */
  finish(): Block[];
};

/** Gathers the words of a page in blocks. Errors: ContentError `too_large`, from `flush` and `finish`. */
export function createFlow(): Flow {
  const list = createBlockList();
  const tables = createOpenTables(list.add);
  const places: Place[] = [{ kind: 'paragraph' }];
  const asides: { text: string; writtenBefore: number }[] = [];
  let text = '';
  let written = 0;

  const append = (words: string): void => {
    const aside = asides.at(-1);
    if (aside) aside.text += words;
    else text += words;
  };
  const flush = (): void => {
    if (asides.length > 0) return append(' ');
    const place = places.at(-1)!;
    const run = place.kind === 'code' ? text.replaceAll(BREAK, '\n') : collapse(text);
    text = '';
    if (run.trim() === '') return;
    tables.add({ kind: place.kind, level: place.level, text: `${place.mark ?? ''}${run}` });
    place.mark = undefined;
  };
  return {
    write(words) {
      append(words);
      if (/\S/.test(words)) written++;
    },
    breakLine: () => append(BREAK),
    flush,
    enter: (place) => void places.push(place),
    leave: () => void places.pop(),
    mark: (mark) => void (places.at(-1)!.mark = mark),
    written: () => written,
    beginAside: () => void asides.push({ text: '', writtenBefore: written }),
    endAside() {
      const aside = asides.pop()!;
      written = aside.writtenBefore;
      return aside.text;
    },
    tables,
    finish() {
      flush();
      return list.blocks;
    },
  };
}

/** White space as HTML has it: runs of it are one space, forced breaks are line ends. */
export const collapse = (text: string): string =>
  text
    .replace(/[ \t\n\r\f]+/g, ' ')
    .replace(/ ?\u2028 ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
