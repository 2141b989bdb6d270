import type { Block } from '../normalized.ts';
import type { Cell, Table } from './tables.ts';
import { tableBlocks } from './tables.ts';

type OpenTable = Table & { inHead: boolean; allHeaders: boolean };

/** Tables in tables in tables: deeper ones are read as what is in them, one after the other. */
const DEEPEST_TABLE = 16;

/** The tables that are open at one place of a page, within one another. What is added goes to the innermost cell, or to `page`. */
export type OpenTables = {
  add(block: Block): void;
  begin(): void;
  end(): void;
  /** Whether the rows to come are those of the table's head. */
  setHead(inHead: boolean): void;
  addRow(): void;
  addCell(cell: { isHeader: boolean } & Pick<Cell, 'colspan' | 'rowspan'>): void;
};

export function createOpenTables(page: (block: Block) => void): OpenTables {
  const tables: OpenTable[] = [];
  /** Open tables that are too deep to be tables. */
  let flattened = 0;

  const innermost = (): OpenTable | undefined => (flattened > 0 ? undefined : tables.at(-1));
  const add = (block: Block): void => {
    // A table has no cell yet while its caption is read.
    const table = tables.findLast(({ rows }) => rows.at(-1)?.length);
    if (table) table.rows.at(-1)!.at(-1)!.blocks.push(block);
    else page(block);
  };
  return {
    add,
    begin() {
      if (tables.length === DEEPEST_TABLE) flattened++;
      else tables.push({ rows: [], headed: false, inHead: false, allHeaders: true });
    },
    end() {
      if (flattened > 0) flattened--;
      else for (const block of tableBlocks(tables.pop()!)) add(block);
    },
    setHead(inHead) {
      const table = innermost();
      if (table) table.inHead = inHead;
    },
    addRow: () => void innermost()?.rows.push([]),
    addCell({ isHeader, colspan, rowspan }) {
      const table = innermost();
      if (!table) return;
      if (table.rows.length === 0) table.rows.push([]);
      if (table.rows.length === 1) {
        table.allHeaders &&= isHeader;
        table.headed = table.inHead || table.allHeaders;
      }
      table.rows.at(-1)!.push({ blocks: [], colspan, rowspan });
    },
  };
}
