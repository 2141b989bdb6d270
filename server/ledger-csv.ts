import type { Response } from 'express';
import type { Context } from './context.ts';
import { sendCsv } from './csv.ts';
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

/** Sends a ledger as a CSV file. */
export const sendLedger = (
  res: Response,
  { startedAt, lines }: { startedAt: Date; lines: AsyncIterable<LedgerLine> },
  { state }: LedgerFilter,
  context: Pick<Context, 'config' | 'definitions'>,
): Promise<void> =>
  sendCsv(res, lines, {
    name: ['import', startedAt.toISOString().slice(0, 10), state].filter(Boolean).join('-'),
    columns: COLUMNS,
    toCells: (line) => toCells(line, context),
  });

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
