import type { Block } from '../normalized.ts';

const GAP = ' | ';

/** A row's cells in one line: empty ones at the end are left out, long runs of empty ones shortened. */
export function rowText(cells: string[]): string {
  let last = cells.length - 1;
  while (last >= 0 && cells[last] === '') last--;
  const kept: string[] = [];
  let empty = 0;
  for (let at = 0; at <= last; at++) {
    empty = cells[at] === '' ? empty + 1 : 0;
    if (empty <= 8) kept.push(cells[at]!);
  }
  return kept.join(GAP);
}

/** The first row as header text, if it reads like column names: two or more cells, short, none of them a number. */
export function headerOf(cells: string[]): string | undefined {
  const filled = cells.filter((cell) => cell !== '');
  const names = filled.filter((cell) => cell.length <= 80 && !/^[-+]?[\d.,\s%€$£/:-]+$/.test(cell));
  return filled.length >= 2 && filled.length >= cells.length * 0.6 && names.length >= filled.length * 0.9
    ? rowText(cells)
    : undefined;
}

export type Cell = {
  blocks: Block[];
  /** Columns and rows that the cell takes; one where absent. */
  colspan?: number;
  rowspan?: number;
};
export type Table = { rows: Cell[][]; headed: boolean };

/** A cell over this many characters, or one with headings or lines of code, belongs to a table that only lays out a page. */
const LAYOUT_CELL = 1_500;

/**
 * A table of a document as blocks: row blocks with the header row's text; the cells' own blocks in order where the table only lays out
 * the page. `headed` says the source marks the first row as header.
 */
export function tableBlocks({ rows, headed }: Table): Block[] {
  const cells = rows.flat();
  const isLayout =
    rows.length > 0 &&
    (rows.every((row) => row.length <= 1) ||
      cells.some(
        ({ blocks }) =>
          blocks.some(({ kind, text }) => kind === 'heading' || (kind === 'code' && text.trim().includes('\n'))) ||
          blocks.reduce((sum, { text }) => sum + text.length, 0) > LAYOUT_CELL,
      ));
  if (isLayout) return cells.flatMap(({ blocks }) => blocks);
  const texts = gridOf(rows).filter((row) => row.some((text) => text !== ''));
  const first = texts[0];
  const header = first && texts.length > 1 ? (headed ? rowText(first) : headerOf(first)) : undefined;
  const place = cells.find(({ blocks }) => blocks.length > 0)?.blocks[0];
  return texts.map((row) => ({
    kind: 'table-row',
    text: rowText(row),
    tableHeader: header,
    page: place?.page,
    anchor: place?.anchor,
  }));
}

/** Columns that a merged cell takes at most, and characters that such cells repeat in one table, lest a small file become a huge table. */
const MAX_COLSPAN = 32;
const MAX_REPEATED = 1_000_000;

/** The cells' texts by row and column: a cell over several rows says its text in each, over several columns in the first. */
function gridOf(rows: Cell[][]): string[][] {
  const above: { text: string; rows: number }[] = [];
  let spare = MAX_REPEATED;
  return rows.map((row) => {
    const texts: string[] = [];
    const repeat = (): void => {
      while (spare > 0) {
        const merged = above[texts.length];
        if (!merged || merged.rows <= 0) return;
        merged.rows--;
        spare -= merged.text.length + 1;
        texts.push(merged.text);
      }
    };
    for (const cell of row) {
      repeat();
      const text = cellText(cell);
      const columns = Math.max(1, Math.min(cell.colspan ?? 1, MAX_COLSPAN));
      for (let column = 0; column < columns; column++) {
        const words = column === 0 ? text : '';
        above[texts.length] = { text: words, rows: (cell.rowspan ?? 1) - 1 };
        texts.push(words);
      }
    }
    repeat();
    return texts;
  });
}

/** What is in a cell in one line; a table within it has commas between its cells. */
const cellText = ({ blocks }: Cell): string => {
  let line = '';
  for (const [at, { kind, text }] of blocks.entries()) {
    const words = (kind === 'table-row' ? text.replaceAll(GAP, ', ') : text).replace(/\s+/g, ' ').trim();
    const isNextRow = kind === 'table-row' && blocks[at - 1]?.kind === 'table-row';
    if (words !== '') line += (line === '' ? '' : isNextRow ? '; ' : ' ') + words;
  }
  return line;
};
