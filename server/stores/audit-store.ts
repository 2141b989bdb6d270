import type { Knex } from 'knex';
import type { ActorKind, AuditAction, AuditEntry, AuditEvent, AuditFilter, SubjectKind } from '../audit/events.ts';
import { currentOrigin, type Origin } from '../audit/origin.ts';
import { readCursor, writeCursor } from './cursor.ts';

type AuditRow = {
  id: string;
  at: Date;
  action: AuditAction;
  actor_kind: ActorKind;
  actor_id: string | null;
  actor_name: string | null;
  subject_kind: SubjectKind | null;
  subject_id: string | null;
  subject_name: string | null;
  details: Record<string, string | number>;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
};

const COLUMNS = [
  'id',
  'at',
  'action',
  'actor_kind',
  'actor_id',
  'actor_name',
  'subject_kind',
  'subject_id',
  'subject_name',
  'details',
  'address',
  'user_agent',
  'request_id',
];

const toEntry = (row: AuditRow): AuditEntry => ({
  id: row.id,
  at: row.at,
  action: row.action,
  actor: { kind: row.actor_kind, id: row.actor_id ?? undefined, email: row.actor_name ?? undefined },
  subject:
    row.subject_kind === null
      ? undefined
      : { kind: row.subject_kind, id: row.subject_id ?? undefined, name: row.subject_name ?? undefined },
  details: row.details,
  address: row.address ?? undefined,
  userAgent: row.user_agent ?? undefined,
  requestId: row.request_id ?? undefined,
});

const kindOf = (origin: Origin | undefined): ActorKind =>
  origin === undefined ? 'hub' : origin.kind === 'command' ? 'operator' : 'stranger';

/** Writes down what is changed, in the transaction of the change where it has one; whence it comes is read from the running request. */
export async function recordAudit(db: Knex, { action, actor, subject, details = {} }: AuditEvent): Promise<void> {
  const origin = actor === 'hub' ? undefined : currentOrigin();
  const person = actor === 'hub' ? undefined : actor;
  const from = origin?.kind === 'request' ? origin : undefined;
  await db('audit_log').insert({
    action,
    actor_kind: person ? 'user' : kindOf(origin),
    actor_id: person?.id ?? null,
    actor_name: person?.email ?? null,
    subject_kind: subject?.kind ?? null,
    subject_id: subject?.id ?? null,
    subject_name: subject?.name ?? null,
    details: JSON.stringify(details),
    address: from?.address ?? null,
    user_agent: from?.userAgent ?? null,
    request_id: from?.requestId ?? null,
  });
}

/** One page of entries, newest first. */
export async function listAuditEntries(
  db: Knex,
  filter: AuditFilter,
  options: { cursor?: string; limit: number },
): Promise<{ entries: AuditEntry[]; nextCursor?: string }> {
  const query = db('audit_log')
    .select(COLUMNS)
    .orderBy('id', 'desc')
    .limit(options.limit + 1);
  const [before] = readCursor(options.cursor, 1) ?? [];
  if (before !== undefined && /^\d{1,18}$/.test(before)) query.where('id', '<', before);
  if (filter.action) query.where({ action: filter.action });
  if (filter.since) query.where('at', '>=', filter.since);
  if (filter.until) query.where('at', '<', filter.until);
  if (filter.who) {
    const pattern = `%${filter.who.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query.where(
      (one) =>
        void one
          .whereILike('actor_name', pattern)
          .orWhere(
            (named) => void named.whereIn('subject_kind', ['user', 'token']).whereILike('subject_name', pattern),
          ),
    );
  }
  const rows = (await query) as AuditRow[];
  const last = rows.length > options.limit ? rows[options.limit - 1] : undefined;
  return { entries: rows.slice(0, options.limit).map(toEntry), nextCursor: last && writeCursor(last.id) };
}

/** Removes at most `limit` entries that are older; the table refuses it from anybody else. Gives how many. */
export async function deleteOldAuditEntries(trx: Knex.Transaction, days: number, limit: number): Promise<number> {
  await trx.raw(`select set_config('tributary.audit_retention', 'on', true)`);
  return trx('audit_log')
    .whereIn(
      'id',
      trx('audit_log').whereRaw(`at < now() - ? * interval '1 day'`, [days]).orderBy('at').limit(limit).select('id'),
    )
    .delete();
}
