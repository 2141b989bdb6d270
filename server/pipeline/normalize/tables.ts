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

export type Cell = { blocks: Block[] };
export type Table = { rows: Cell[][]; headed: boolean };

/** A cell over this many characters, or one with headings, belongs to a table that only lays out a page. */
const LAYOUT_CELL = 1_500;

/**
 * A table of a document as blocks: row blocks with the header row's text; the cells' own blocks in order where the table only lays out
 * the page. `headed` says the source marks the first row as header.
 */
export function tableBlocks({ rows, headed }: Table): Block[] {
  const cells = rows.flat();
  const isLayout =
    rows.length > 0 &&
    (Math.max(0, ...rows.map((row) => row.length)) <= 1 ||
      cells.some(
        ({ blocks }) =>
          blocks.some(({ kind }) => kind === 'heading' || kind === 'code') ||
          blocks.reduce((sum, { text }) => sum + text.length, 0) > LAYOUT_CELL,
      ));
  if (isLayout) return cells.flatMap(({ blocks }) => blocks);
  const texts = rows.map((row) => row.map(cellText)).filter((row) => row.some((text) => text !== ''));
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

const cellText = ({ blocks }: Cell): string =>
  blocks
    .map(({ text }) => text.replace(/\s+/g, ' ').trim())
    .filter((text) => text !== '')
    .join(' ');
