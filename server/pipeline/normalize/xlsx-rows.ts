import type { Block } from '../normalized.ts';
import { headerOf, rowText } from './tables.ts';

/**
 * Turns a sheet's rows into blocks. A table begins after an empty row; its header is its first row that reads like column names, and single
 * cells above it are captions of the table, given as paragraphs.
 */
export function createRowWriter(
  sheetName: string,
  add: (block: Block) => void,
): { add(row: number, cells: string[]): void } {
  let lastRow = 0;
  let header: string | undefined;
  let width = 0;
  let state: 'before' | 'inside' = 'before';
  return {
    add(row, cells) {
      const filled = cells.filter((cell) => cell).length;
      if (filled === 0) return;
      if (row > lastRow + 1) state = 'before';
      lastRow = row;
      const first = cells.findIndex((cell) => cell);
      const anchor = `${sheetName}!${columnName(first)}${row}:${columnName(cells.length - 1)}${row}`;
      if (state === 'before') {
        if (filled === 1 && cells[first]!.length > 0 && width === 0)
          return add({ kind: 'paragraph', text: cells[first]!, anchor });
        const names = headerOf(cells.slice(first).map((cell) => cell ?? ''));
        // Rows after a gap that are as wide as the table above go on with it, unless they begin with names of their own.
        if (names !== undefined || filled > width) header = names;
        width = Math.max(filled, names === undefined ? width : 0);
        state = 'inside';
      }
      add({
        kind: 'table-row',
        text: rowText(cells.slice(first).map((cell) => cell ?? '')),
        tableHeader: header,
        anchor,
      });
    },
  };
}

/** Name of a zero-based column: of 27 it is "AB". */
export function columnName(column: number): string {
  let name = '';
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    name = String.fromCharCode(65 + ((rest - 1) % 26)) + name;
  return name;
}
