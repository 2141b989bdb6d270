import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { Response } from 'express';
import type { Context } from './context.ts';
import { accountLabel, platformLabel } from './format.ts';
import { paths } from './paths.ts';
import type { LedgerFilter } from './services/import-service.ts';
import type { LedgerLine } from './services/ledger-export.ts';

const COLUMNS = [
  'name',
  'path',
  'account',
  'state',
  'reason',
  'reason code',
  'attempts',
  'bytes',
  'chunks',
  'document',
  'settled at',
];

/**
 * Sends a ledger as a CSV file, row by row as the reader takes them. It begins with a byte order mark, by which Excel knows UTF-8, and a cell that
 * a spreadsheet would take for a formula has an apostrophe before it.
 * Sources: https://owasp.org/www-community/attacks/CSV_Injection, https://csv.js.org/stringify/options/escape_formulas/
 */
export async function sendLedger(
  res: Response,
  ledger: { startedAt: Date; lines: AsyncIterable<LedgerLine> },
  { state }: LedgerFilter,
  context: Pick<Context, 'config' | 'definitions'>,
): Promise<void> {
  const name = ['import', ledger.startedAt.toISOString().slice(0, 10), state].filter(Boolean).join('-');
  res.status(200).set({
    'Content-Type': 'text/csv; charset=utf-8',
    'Content-Disposition': `attachment; filename="${name}.csv"`,
    'Cache-Control': 'no-store',
  });
  const cells = async function* (lines: AsyncIterable<LedgerLine>) {
    for await (const line of lines) yield toCells(line, context);
  };
  const csv = stringify({
    header: true,
    columns: COLUMNS,
    bom: true,
    escape_formulas: true,
    record_delimiter: 'windows',
  });
  try {
    await pipeline(ledger.lines, cells, csv, res);
  } catch (error) {
    // A reader who left has what he wanted.
    if (!res.closed || res.errored) throw error;
  }
}

function toCells(line: LedgerLine, { config, definitions }: Pick<Context, 'config' | 'definitions'>): unknown[] {
  const { account } = line;
  return [
    line.name,
    line.path,
    account &&
      `${platformLabel(definitions, account.platform)}: ${accountLabel({ ...account, site: account.siteUrl === undefined ? undefined : { url: account.siteUrl } })}`,
    line.state,
    line.reason,
    line.reasonCode,
    line.attempts,
    line.sizeBytes,
    line.chunkCount,
    line.documentId && `${config.baseUrl}${paths.document(line.documentId)}`,
    line.settledAt?.toISOString(),
  ];
}
