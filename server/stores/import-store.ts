import type { Knex } from 'knex';
import type { ImportFilters } from '../services/import-filters.ts';
import type {
  ImportCounts,
  ImportKind,
  ImportScope,
  ImportStatus,
  ImportSummary,
  ItemState,
} from '../services/import-service.ts';
import { noteChange } from '../database/changes.ts';
import { readTimeCursor, writeCursor } from './cursor.ts';
import { noteImportEnd } from './import-notice-store.ts';
import { touchSyncedIntegrations } from './integration-store.ts';
import { resolveNotifications, subjectOf } from './notification-store.ts';

type ImportRow = {
  id: string;
  user_id: string;
  status: ImportStatus;
  category: string | null;
  recursive: boolean;
  include_children: boolean;
  include_attachments: boolean;
  filters: ImportFilters | null;
  kind: ImportKind;
  integration_id: string | null;
  removals: RemovalState | null;
  problem: string | null;
  listed: number | null;
  started_at: Date;
  finished_at: Date | null;
};

/** Of a sync: its feeds are read; it is found out what is gone; that waits for a person's answer; it is dealt with. */
export type RemovalState = 'reading' | 'pending' | 'held' | 'done';

/** What the worker needs to know of an import. */
export type ImportHead = ImportScope & {
  id: string;
  userId: string;
  status: ImportStatus;
  category?: string;
  kind: ImportKind;
  /** Of a sync only. */
  integrationId?: string;
  removals?: RemovalState;
};

const COLUMNS = [
  'id',
  'user_id',
  'status',
  'category',
  'recursive',
  'include_children',
  'include_attachments',
  'filters',
  'kind',
  'integration_id',
  'removals',
  'problem',
  'listed',
  'started_at',
  'finished_at',
];
const PAGE = 30;

const noCounts = (): ImportCounts => ({
  waiting: 0,
  running: 0,
  indexed: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  removed: 0,
  total: 0,
});

export async function insertImport(
  db: Knex,
  row: ImportScope & { userId: string; category?: string },
): Promise<string> {
  const [inserted] = (await db('imports')
    .insert({
      user_id: row.userId,
      category: row.category ?? null,
      recursive: row.recursive,
      include_children: row.includeChildren,
      include_attachments: row.includeAttachments,
      filters: row.filters ? JSON.stringify(row.filters) : null,
      listed: 0,
    })
    .returning('id')) as [{ id: string }];
  noteChange(db, 'import-begun', inserted.id);
  return inserted.id;
}

/** Begins a sync of an integration. Undefined where one is under way. */
export async function insertSync(
  db: Knex,
  row: { userId: string; integrationId: string },
): Promise<string | undefined> {
  const [inserted] = (await db('imports')
    .insert({ user_id: row.userId, integration_id: row.integrationId, kind: 'sync', removals: 'reading', listed: 0 })
    .onConflict(db.raw(`(integration_id) where kind = 'sync' and status = 'running'`))
    .ignore()
    .returning('id')) as { id: string }[];
  if (inserted) noteChange(db, 'import-begun', inserted.id);
  return inserted?.id;
}

/** Of syncs that found nothing to do, only the newest is worth keeping. */
export async function deleteEmptySyncs(trx: Knex.Transaction, integrationId: string): Promise<void> {
  await trx.raw(
    `delete from imports where integration_id = ? and kind = 'sync' and status = 'finished'
       and not exists (select 1 from import_items where import_id = imports.id)
       and started_at < (
         select max(started_at) from imports where integration_id = ? and kind = 'sync' and status = 'finished'
       )`,
    [integrationId, integrationId],
  );
}

/** The sync of an integration that is under way. */
export async function findRunningSync(db: Knex, integrationId: string): Promise<string | undefined> {
  const row = (await db('imports')
    .where({ integration_id: integrationId, kind: 'sync', status: 'running' })
    .first('id')) as { id: string } | undefined;
  return row?.id;
}

/** When the last sync began that came to its end before this one. */
export async function findSyncBefore(
  db: Knex,
  sync: { integrationId: string; startedAt: Date },
): Promise<Date | undefined> {
  const row = (await db('imports')
    .where({ integration_id: sync.integrationId, kind: 'sync', status: 'finished' })
    .where('started_at', '<', sync.startedAt)
    .orderBy('started_at', 'desc')
    .first('started_at')) as { started_at: Date } | undefined;
  return row?.started_at;
}

export async function listRunningSyncs(db: Knex, removals: RemovalState): Promise<string[]> {
  return (await db('imports').where({ kind: 'sync', status: 'running', removals }).pluck('id')) as string[];
}

export async function setRemovals(trx: Knex.Transaction, id: string, removals: RemovalState): Promise<void> {
  await trx('imports').where({ id }).update({ removals });
  if (removals !== 'held') await resolveNotifications(trx, subjectOf.import(id), ['sync.held']);
}

export async function findImportHead(db: Knex, id: string): Promise<ImportHead | undefined> {
  const row = (await db('imports').where({ id }).first(COLUMNS)) as ImportRow | undefined;
  return (
    row && {
      id: row.id,
      userId: row.user_id,
      status: row.status,
      category: row.category ?? undefined,
      ...scopeOf(row),
      kind: row.kind,
      integrationId: row.integration_id ?? undefined,
      removals: row.removals ?? undefined,
    }
  );
}

const scopeOf = (row: ImportRow): ImportScope => ({
  recursive: row.recursive,
  includeChildren: row.include_children,
  includeAttachments: row.include_attachments,
  filters: row.filters ?? undefined,
});

/**
 * Locks the import's row until the transaction ends. Whoever changes its ledger does so first: the order of changes is then the order
 * of commits, so that followers miss none, and of two last items one sees the other. Followers hear of it when it has committed.
 */
export async function lockImport(trx: Knex.Transaction, id: string): Promise<ImportStatus | undefined> {
  const row = (await trx('imports').where({ id }).forUpdate().first('status')) as { status: ImportStatus } | undefined;
  noteChange(trx, 'import', id);
  return row?.status;
}

/** Closes the import when nothing of it waits or runs any more, a sync when what is gone is dealt with too. The caller holds its lock. */
export async function finishImportIfDone(trx: Knex.Transaction, id: string): Promise<boolean> {
  const finished = await trx('imports')
    .where({ id, status: 'running' })
    .whereRaw(`coalesce(removals, 'done') = 'done'`)
    .whereNotExists(trx('import_items').where({ import_id: id }).whereIn('state', ['waiting', 'running']))
    .whereNotExists(trx('import_folders').where({ import_id: id, state: 'waiting' }))
    .update({ status: 'finished', finished_at: trx.fn.now() });
  if (finished === 0) return false;
  await touchSyncedIntegrations(trx, id);
  await noteEnd(trx, id);
  return true;
}

export async function closeImport(
  trx: Knex.Transaction,
  id: string,
  status: 'cancelled' | 'failed',
  problem?: string,
): Promise<void> {
  await trx('imports')
    .where({ id })
    .update({ status, problem: problem ?? null, finished_at: trx.fn.now() });
  await noteEnd(trx, id);
}

/** Whoever follows the import is told that it ended, and how. */
async function noteEnd(trx: Knex.Transaction, id: string): Promise<void> {
  noteChange(trx, 'import-ended', id);
  const row = (await trx('imports').where({ id }).first(COLUMNS)) as ImportRow | undefined;
  const [summary] = row ? await withCounts(trx, [row]) : [];
  if (row && summary) await noteImportEnd(trx, row.user_id, summary);
}

export async function reopenImport(trx: Knex.Transaction, id: string): Promise<void> {
  await trx('imports').where({ id }).update({ status: 'running', finished_at: null });
  noteChange(trx, 'import-begun', id);
  await resolveNotifications(trx, subjectOf.import(id), ['import.finished']);
}

export async function listRunningImports(db: Knex): Promise<string[]> {
  return (await db('imports').where({ status: 'running' }).pluck('id')) as string[];
}

/** Newest first. */
export async function listImports(
  db: Knex,
  userId: string,
  { cursor, limit = PAGE, syncsOf }: { cursor?: string; limit?: number; syncsOf?: string },
): Promise<{ imports: ImportSummary[]; nextCursor?: string }> {
  const query = db('imports')
    .where({ user_id: userId })
    .select(...COLUMNS, db.raw('started_at::text as cursor_at'))
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (syncsOf) query.where({ integration_id: syncsOf, kind: 'sync' });
  const after = readTimeCursor(cursor);
  if (after) query.whereRaw('(started_at, id) < (?::timestamptz, ?::uuid)', [after.at, after.id]);
  const rows = (await query) as (ImportRow & { cursor_at: string })[];
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    imports: await withCounts(db, rows.slice(0, limit)),
    nextCursor: last && writeCursor(last.cursor_at, last.id),
  };
}

export async function findImport(db: Knex, userId: string, id: string): Promise<ImportSummary | undefined> {
  const row = (await db('imports').where({ id, user_id: userId }).first(COLUMNS)) as ImportRow | undefined;
  return row && (await withCounts(db, [row]))[0];
}

async function withCounts(db: Knex, rows: ImportRow[]): Promise<ImportSummary[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const states = (await db('import_items')
    .whereIn('import_id', ids)
    .groupBy('import_id', 'state')
    .select('import_id', 'state')
    .count('* as count')) as { import_id: string; state: ItemState; count: string }[];
  const folders = (await db('import_folders')
    .whereIn('import_id', ids)
    .where({ state: 'waiting' })
    .groupBy('import_id')
    .select('import_id')
    .count('* as count')) as { import_id: string; count: string }[];
  return rows.map((row) => {
    const counts = noCounts();
    for (const { state, count } of states.filter((entry) => entry.import_id === row.id)) {
      counts[state] = Number(count);
      counts.total += Number(count);
    }
    const foldersWaiting = Number(folders.find((entry) => entry.import_id === row.id)?.count ?? 0);
    return {
      id: row.id,
      status: row.status,
      category: row.category ?? undefined,
      ...scopeOf(row),
      kind: row.kind,
      integrationId: row.integration_id ?? undefined,
      problem: row.problem ?? undefined,
      held: row.status === 'running' && row.removals === 'held',
      counts,
      listed: row.listed ?? undefined,
      mayGrow: row.status === 'running' && (foldersWaiting > 0 || row.removals === 'reading'),
      foldersWaiting,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    };
  });
}
