import type { Response } from 'express';
import type { AuditEntry } from './audit/events.ts';
import { tellAudit } from './audit/words.ts';
import type { Context } from './context.ts';
import { sendCsv } from './csv.ts';

const COLUMNS = [
  'at',
  'who',
  'what',
  'about',
  'action',
  'user id',
  'subject',
  'subject id',
  'address',
  'user agent',
  'request id',
];

/** Sends entries of the audit log as a CSV file. */
export const sendAudit = (
  res: Response,
  entries: AsyncIterable<AuditEntry>,
  { definitions }: Pick<Context, 'definitions'>,
): Promise<void> =>
  sendCsv(res, entries, {
    name: `audit-${new Date().toISOString().slice(0, 10)}`,
    columns: COLUMNS,
    toCells: (entry) => toCells(entry, definitions),
  });

function toCells(entry: AuditEntry, definitions: Context['definitions']): unknown[] {
  const { who, what, about } = tellAudit(entry, definitions);
  const { at, action, actor, subject, address, userAgent, requestId } = entry;
  return [
    at.toISOString(),
    ...[who, what, about, action, actor.id],
    ...[subject?.kind, subject?.id],
    ...[address, userAgent, requestId],
  ];
}
