import { parse } from 'csv-parse/sync';
import { createBlockList } from './block-list.ts';
import type { Normalized } from './normalize.ts';
import { headerOf, rowText } from './tables.ts';

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * A table as one row block a record, cells joined by " | "; the first record is the header if it looks like names. A file whose
 * quotes do not match is read line by line. Errors: ContentError `too_large`.
 */
export function normalizeCsv(text: string, given?: string): Normalized {
  const content = /^sep=(.)\n/i.test(text) ? text.slice(6) : text;
  const delimiter = given ?? (content === text ? sniff(content) : text[4]!);
  const list = createBlockList();
  let header: string | undefined;
  let first: string[] | undefined;
  const add = (cells: string[]): void => {
    const row = cells.map((cell) => cell.replace(/\s*\n\s*/g, ' ').trim());
    if (row.every((cell) => cell === '')) return;
    if (!first) {
      first = row;
      header = headerOf(row);
    }
    list.add({ kind: 'table-row', text: rowText(row), tableHeader: header });
  };
  if (!parseRecords(content, delimiter, add)) {
    list.blocks.length = 0;
    first = undefined;
    for (const line of content.split('\n')) add(line.split(delimiter));
  }
  return { blocks: list.blocks };
}

function parseRecords(text: string, delimiter: string, add: (cells: string[]) => void): boolean {
  try {
    parse(text, {
      delimiter,
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      // Nothing is collected: a record goes straight to its block.
      on_record: (record: string[]) => {
        add(record);
        return null;
      },
    });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_')) return false;
    throw error;
  }
}

/** The delimiter that cuts the first lines into the same number of cells, outside quotes, and into the most. */
function sniff(text: string): string {
  const lines = text
    .slice(0, 65_536)
    .split('\n', 20)
    .filter((line) => line.trim() !== '');
  let best = { delimiter: ',', score: 0 };
  for (const delimiter of DELIMITERS) {
    const counts = lines.map((line) => line.replace(/"[^"]*"/g, '').split(delimiter).length - 1);
    const most = Math.max(0, ...counts);
    if (most === 0) continue;
    const same = counts.filter((count) => count === counts[0]).length / counts.length;
    const score = same * 10 + Math.min(most, 9) / 10 + (counts[0]! > 0 ? 1 : 0);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}
