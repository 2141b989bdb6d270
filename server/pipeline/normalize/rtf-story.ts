import type { Block } from '../normalized.ts';
import type { Table } from './tables.ts';
import { tableBlocks } from './tables.ts';

/** What the paragraph under way is, as its control words say up to its end. */
export type RtfParagraph = { level?: number; isTitle: boolean; isList: boolean; inTable: boolean };

/** One run of paragraphs: the text itself, a note, a text box, a header. */
export type RtfStory = {
  write(text: string): void;
  /** What is anchored in the paragraph under way comes after it. */
  anchor(blocks: Block[]): void;
  endParagraph(as: RtfParagraph): void;
  endCell(as: RtfParagraph): void;
  endRow(isHeader: boolean): void;
  /** Ends what is open. */
  finish(as: RtfParagraph): void;
};

/** Gathers paragraphs and the cells of tables. `add` is called in reading order. */
export function createRtfStory(add: (block: Block) => void, onTitle?: (text: string) => void): RtfStory {
  let text = '';
  let after: Block[] = [];
  let table: Table | undefined;
  let row: Table['rows'][number] | undefined;
  let cell: Block[] = [];

  const endTable = (): void => {
    if (row || cell.length > 0) endRow(false);
    if (table) for (const block of tableBlocks(table)) add(block);
    table = undefined;
  };
  const endRow = (isHeader: boolean): void => {
    // A row whose last cell has no end is one all the same.
    if (cell.length > 0) (row ??= []).push({ blocks: cell });
    cell = [];
    if (!row) return;
    table ??= { rows: [], headed: false };
    if (isHeader && table.rows.length === 0) table.headed = true;
    table.rows.push(row);
    row = undefined;
  };
  const put = (as: RtfParagraph, to: (block: Block) => void): void => {
    const words = text
      .replace(/[ \t]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .trim();
    const anchored = after;
    text = '';
    after = [];
    if (words !== '') {
      // A paragraph this long is running text, whatever its style says.
      if ((as.level !== undefined || as.isTitle) && words.length <= 300) {
        if (as.isTitle) onTitle?.(words);
        to({ kind: 'heading', level: as.level ?? 1, text: words });
      } else to({ kind: as.isList ? 'list-item' : 'paragraph', text: words });
    }
    for (const block of anchored) to(block);
  };
  const endParagraph = (as: RtfParagraph): void => {
    if (as.inTable) return put(as, (block) => void cell.push(block));
    endTable();
    put(as, add);
  };
  return {
    write: (words) => void (text += words),
    anchor(blocks) {
      for (const block of blocks) after.push(block);
    },
    endParagraph,
    endCell(as) {
      put(as, (block) => void cell.push(block));
      (row ??= []).push({ blocks: cell });
      cell = [];
    },
    endRow,
    finish(as) {
      endParagraph(as);
      endTable();
    },
  };
}
