import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { Response } from 'express';

/**
 * Sends rows as a CSV file, row by row as the reader takes them. It begins with a byte order mark, by which Excel knows UTF-8, and a cell that
 * a spreadsheet would take for a formula has an apostrophe before it. `name`: of the file, without its ending.
 * Sources: https://owasp.org/www-community/attacks/CSV_Injection, https://csv.js.org/stringify/options/escape_formulas/
 */
export async function sendCsv<T>(
  res: Response,
  rows: AsyncIterable<T>,
  { name, columns, toCells }: { name: string; columns: string[]; toCells: (row: T) => unknown[] },
): Promise<void> {
  res.status(200).set({
    'Content-Type': 'text/csv; charset=utf-8',
    'Content-Disposition': `attachment; filename="${name}.csv"`,
    'Cache-Control': 'no-store',
  });
  const cells = async function* (all: AsyncIterable<T>) {
    for await (const row of all) yield toCells(row);
  };
  const csv = stringify({ header: true, columns, bom: true, escape_formulas: true, record_delimiter: 'windows' });
  try {
    await pipeline(rows, cells, csv, res);
  } catch (error) {
    // A reader who left has what he wanted.
    if (!res.closed || res.errored) throw error;
  }
}
