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
  // Rows above the data of a table: its name, units, upper rows of a header.
  let inTop = true;
  let left = 0;
  return {
    add(row, sparse) {
      const cells = Array.from(sparse, (cell) => cell ?? '');
      const filled = cells.filter((cell) => cell !== '');
      if (filled.length === 0) return;
      const first = cells.findIndex((cell) => cell !== '');
      if (row > lastRow + 1) {
        inTop = true;
        left = first;
      }
      lastRow = row;
      left = Math.min(left, first);
      // A template would keep its pieces, each a string of its own, and a big sheet has a million rows.
      const anchor = [sheetName, '!', columnName(first), row, ':', columnName(cells.length - 1), row].join('');
      if (inTop && filled.length === 1) return add({ kind: 'paragraph', text: filled[0]!, anchor });
      const kept = cells.slice(left);
      if (inTop) {
        const names = headerOf(kept);
        const isData = filled.some((cell) => NUMBER.test(cell));
        // Rows after a gap that are as wide as the table above go on with it, unless they begin with names of their own.
        if (names !== undefined || filled.length > width) header = names;
        if (names !== undefined || isData) {
          width = filled.length;
          inTop = false;
        }
      }
      add({ kind: 'table-row', text: rowText(kept), tableHeader: header, anchor });
    },
  };
}

const NUMBER = /^-?\d[\d.,]*%?$/;

/** Name of a zero-based column: of 27 it is "AB". */
export function columnName(column: number): string {
  let name = '';
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    name = String.fromCharCode(65 + ((rest - 1) % 26)) + name;
  return name;
}
