import type { Knex } from 'knex';
import type { ImportItem, ItemState, LedgerFilter } from '../services/import-service.ts';
import { inBatches } from './batches.ts';
import { readCursor, writeCursor } from './cursor.ts';

type ItemRow = {
  id: string;
  name: string;
  path: string;
  state: ItemState;
  reason: string | null;
  reason_code: string | null;
  document_id: string | null;
  integration_id: string | null;
  chunk_count: number | null;
  size_bytes: string | null;
  attempts: number;
  position: string;
  changed: string;
};

const COLUMNS = [
  'id',
  'name',
  'path',
  'state',
  'reason',
  'reason_code',
  'document_id',
  'integration_id',
  'chunk_count',
  'size_bytes',
  'attempts',
  'position',
  'changed',
];
/** One row for each item, and one for its listing where that failed. */
const KEY = ['import_id', 'integration_id', 'item_ref', 'listing'];
const PAGE = 100;
const CHANGES = 200;

const toItem = (row: ItemRow): ImportItem => ({
  id: row.id,
  name: row.name,
  path: row.path,
  state: row.state,
  reason: row.reason ?? undefined,
  reasonCode: row.reason_code ?? undefined,
  documentId: row.document_id ?? undefined,
  chunkCount: row.chunk_count ?? undefined,
  sizeBytes: row.size_bytes === null ? undefined : Number(row.size_bytes),
  attempts: row.attempts,
  retryable: row.state === 'failed' && row.integration_id !== null,
  changed: row.changed,
});

export const changedNow = (db: Knex) => db.raw(`nextval('import_change_seq')`);

/** A ledger row as the worker meets it. `unknown`: selected, and the vendor was not yet asked what it is. */
export type LedgerItem = {
  id: string;
  importId: string;
  integrationId: string | null;
  ref: string;
  name: string;
  path: string;
  kind: 'file' | 'folder' | 'unknown';
  /** The row says that what is in the item could not be listed; the item itself may have a row of its own. */
  listing: boolean;
  state: ItemState;
  attempts: number;
  sizeBytes?: number;
};

export type NewLedgerItem = {
  integrationId: string;
  ref: string;
  name: string;
  path: string;
  kind: LedgerItem['kind'];
  sizeBytes?: number;
  /** Present for what cannot be imported: its row is final at once. */
  skipped?: { reason: string; code: string };
};

/** Adds rows for items that the ledger does not have yet. Gives the new ones that wait. */
export async function insertLedgerItems(
  trx: Knex.Transaction,
  importId: string,
  items: NewLedgerItem[],
): Promise<{ id: string; ref: string }[]> {
  const waiting: { id: string; ref: string }[] = [];
  for (const batch of inBatches(items)) {
    const rows = (await trx('import_items')
      .insert(
        batch.map((item) => ({
          import_id: importId,
          integration_id: item.integrationId,
          item_ref: item.ref,
          name: item.name,
          path: item.path,
          kind: item.kind,
          size_bytes: item.sizeBytes ?? null,
          state: item.skipped ? 'skipped' : 'waiting',
          reason: item.skipped?.reason ?? null,
          reason_code: item.skipped?.code ?? null,
          settled_at: item.skipped ? trx.fn.now() : null,
        })),
      )
      .onConflict(KEY)
      .ignore()
      .returning(['id', 'item_ref', 'state'])) as { id: string; item_ref: string; state: ItemState }[];
    for (const row of rows) if (row.state === 'waiting') waiting.push({ id: row.id, ref: row.item_ref });
  }
  return waiting;
}

export async function findLedgerItem(db: Knex, id: string): Promise<LedgerItem | undefined> {
  const row = (await db('import_items')
    .where({ id })
    .first(
      'id',
      'import_id',
      'integration_id',
      'item_ref',
      'name',
      'path',
      'kind',
      'listing',
      'state',
      'attempts',
      'size_bytes',
    )) as
    | {
        id: string;
        import_id: string;
        integration_id: string | null;
        item_ref: string;
        name: string;
        path: string;
        kind: LedgerItem['kind'];
        listing: boolean;
        state: ItemState;
        attempts: number;
        size_bytes: string | null;
      }
    | undefined;
  return (
    row && {
      id: row.id,
      importId: row.import_id,
      integrationId: row.integration_id,
      ref: row.item_ref,
      name: row.name,
      path: row.path,
      kind: row.kind,
      listing: row.listing,
      state: row.state,
      attempts: row.attempts,
      sizeBytes: row.size_bytes === null ? undefined : Number(row.size_bytes),
    }
  );
}

/**
 * Takes an open item in hand. Gives the runs in a row that ended without a word, this one included; above `countedTo` they are left to
 * `countRunAlone`. Undefined when the item has its final state already.
 */
export async function startLedgerItem(
  trx: Knex.Transaction,
  id: string,
  countedTo: number,
): Promise<number | undefined> {
  const [started] = (await trx('import_items')
    .where({ id })
    .whereIn('state', ['waiting', 'running'])
    .update({
      state: 'running',
      attempts: trx.raw('attempts + 1'),
      lost_runs: trx.raw('greatest(lost_runs, least(lost_runs + 1, ?))', [countedTo]),
      reason: null,
      reason_code: null,
      changed: changedNow(trx),
    })
    .returning('lost_runs')) as { lost_runs: number }[];
  return started?.lost_runs;
}

/** Notes that nothing but this item is worked on from now on. */
export async function countRunAlone(db: Knex, id: string): Promise<void> {
  await db('import_items').where({ id }).increment('lost_runs');
}

/** Notes that the run in hand came to an end by itself, whatever it was. */
export async function noteRunEnded(db: Knex, id: string): Promise<void> {
  await db('import_items').where({ id }).update({ lost_runs: 0 });
}

/** Sets an item waiting again that its worker gives up because it stops; the attempt does not count. */
export async function handBackLedgerItem(trx: Knex.Transaction, id: string): Promise<void> {
  await trx('import_items')
    .where({ id, state: 'running' })
    .update({ state: 'waiting', ...uncountedRun(trx), changed: changedNow(trx) });
}

const uncountedRun = (trx: Knex) => ({ attempts: trx.raw('greatest(0, attempts - 1)'), lost_runs: 0 });

/** Notes what the vendor said of a selected item. */
export async function describeLedgerItem(
  trx: Knex.Transaction,
  id: string,
  item: { name: string; path: string; kind: LedgerItem['kind']; sizeBytes?: number },
): Promise<void> {
  await trx('import_items')
    .where({ id })
    .update({ name: item.name, path: item.path, kind: item.kind, size_bytes: item.sizeBytes ?? null });
}

export type ItemOutcome = {
  state: ItemState;
  reason?: string;
  reasonCode?: string;
  documentId?: string;
  chunkCount?: number;
  sizeBytes?: number;
  /** What the document is a copy of, for its history. */
  version?: string;
  modifiedAt?: Date;
  contentHash?: string;
};

/** Gives an open item its state and reason. False when it had a final state already (it was cancelled meanwhile, say). */
export async function settleLedgerItem(trx: Knex.Transaction, id: string, outcome: ItemOutcome): Promise<boolean> {
  const settled = await trx('import_items')
    .where({ id })
    .whereIn('state', ['waiting', 'running'])
    .update({
      state: outcome.state,
      reason: outcome.reason ?? null,
      reason_code: outcome.reasonCode ?? null,
      document_id: outcome.documentId ?? null,
      chunk_count: outcome.chunkCount ?? null,
      ...(outcome.sizeBytes === undefined ? {} : { size_bytes: outcome.sizeBytes }),
      version: outcome.version ?? null,
      modified_at: outcome.modifiedAt ?? null,
      content_hash: outcome.contentHash ?? null,
      settled_at: trx.fn.now(),
      changed: changedNow(trx),
    });
  return settled > 0;
}

/** Sets an item in hand waiting again, with the reason why; the attempt does not count. False when it was final already. */
export async function postponeLedgerItem(trx: Knex.Transaction, id: string, reason: string): Promise<boolean> {
  const postponed = await trx('import_items')
    .where({ id })
    .whereIn('state', ['waiting', 'running'])
    .update({
      state: 'waiting',
      reason,
      reason_code: 'rate_limited',
      ...uncountedRun(trx),
      changed: changedNow(trx),
    });
  return postponed > 0;
}

/** A folder's own row gives way to the rows of what is in it. */
export async function deleteLedgerItem(trx: Knex.Transaction, id: string): Promise<void> {
  await trx('import_items').where({ id }).delete();
}

/** Writes the row of a listing that failed: what is in the item is missing, and the ledger says so. False when it had such a row. */
export async function upsertFailedListing(
  trx: Knex.Transaction,
  row: {
    importId: string;
    integrationId: string;
    ref: string;
    name: string;
    path: string;
    reason: string;
    code: string;
  },
): Promise<boolean> {
  const columns = {
    name: row.name,
    path: row.path,
    kind: 'folder',
    state: 'failed',
    reason: row.reason,
    reason_code: row.code,
    settled_at: trx.fn.now(),
  };
  const [written] = (await trx('import_items')
    .insert({
      import_id: row.importId,
      integration_id: row.integrationId,
      item_ref: row.ref,
      listing: true,
      attempts: 1,
      ...columns,
    })
    .onConflict(KEY)
    .merge({ ...columns, changed: changedNow(trx) })
    // Of a row that was there before, the old version has an end.
    .returning(trx.raw('xmax = 0 as is_new'))) as unknown as [{ is_new: boolean }];
  return written.is_new;
}

/** All open items of an import or an integration become skipped with one reason. Gives the imports they belong to. */
export async function skipOpenItems(
  trx: Knex.Transaction,
  scope: { importId: string } | { integrationId: string },
  reason: { reason: string; code: string },
): Promise<void> {
  const where = 'importId' in scope ? { import_id: scope.importId } : { integration_id: scope.integrationId };
  await trx('import_items')
    .where(where)
    .whereIn('state', ['waiting', 'running'])
    .update({
      state: 'skipped',
      reason: reason.reason,
      reason_code: reason.code,
      settled_at: trx.fn.now(),
      changed: changedNow(trx),
    });
}

/** Imports that still have open rows or folders of an integration. */
export async function importsWithOpenItems(db: Knex, integrationId: string): Promise<string[]> {
  const rows = (await db('import_items')
    .where({ integration_id: integrationId })
    .whereIn('state', ['waiting', 'running'])
    .distinct('import_id')
    .union(db('import_folders').where({ integration_id: integrationId, state: 'waiting' }).distinct('import_id'))) as {
    import_id: string;
  }[];
  return rows.map((row) => row.import_id).sort();
}

/** Failed items (or one of them) wait again. Gives their ids. */
export async function reopenFailedItems(trx: Knex.Transaction, importId: string, itemId?: string): Promise<string[]> {
  const query = trx('import_items').where({ import_id: importId, state: 'failed' }).whereNotNull('integration_id');
  if (itemId) query.where({ id: itemId });
  const rows = (await query
    .update({
      state: 'waiting',
      reason: null,
      reason_code: null,
      attempts: 0,
      settled_at: null,
      lost_runs: 0,
      changed: changedNow(trx),
    })
    .returning('id')) as { id: string }[];
  return rows.map((row) => row.id);
}

export async function listOpenItems(db: Knex, importId: string): Promise<{ id: string; attempts: number }[]> {
  return (await db('import_items')
    .where({ import_id: importId })
    .whereIn('state', ['waiting', 'running'])
    .select('id', 'attempts')) as { id: string; attempts: number }[];
}

export async function countOpenItems(db: Knex, importId: string): Promise<number> {
  const row = (await db('import_items')
    .where({ import_id: importId })
    .whereIn('state', ['waiting', 'running'])
    .count('* as count')
    .first()) as { count: string };
  return Number(row.count);
}

/** The rows of a ledger that a filter lets through. */
export function ledgerRows(db: Knex, importId: string, filter: LedgerFilter): Knex.QueryBuilder {
  const query = db('import_items').where({ import_id: importId });
  if (filter.state) query.where({ state: filter.state });
  for (const word of (filter.q ?? '').split(/\s+/).filter(Boolean).slice(0, 10)) {
    const like = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query.where((either) => void either.whereILike('name', like).orWhereILike('path', like));
  }
  return query;
}

/** The newest `changed` value of an import; '0' while it has no rows. */
export async function lastChange(db: Knex, importId: string): Promise<string> {
  const row = (await db('import_items').where({ import_id: importId }).max('changed as last').first()) as {
    last: string | null;
  };
  return row.last ?? '0';
}

/** One page of the ledger in the order of listing. */
export async function listLedger(
  db: Knex,
  importId: string,
  options: LedgerFilter & { cursor?: string },
): Promise<{ items: ImportItem[]; nextCursor?: string }> {
  const query = ledgerRows(db, importId, options)
    .select(COLUMNS)
    .orderBy('position')
    .limit(PAGE + 1);
  const after = readCursor(options.cursor, 1)?.[0];
  if (after && /^\d{1,18}$/.test(after)) query.where('position', '>', after);
  const rows = (await query) as ItemRow[];
  const last = rows.length > PAGE ? rows[PAGE - 1] : undefined;
  return { items: rows.slice(0, PAGE).map(toItem), nextCursor: last && writeCursor(last.position) };
}

/** The items that changed after `since`, in the order of change. */
export async function listChangedItems(db: Knex, importId: string, since: string): Promise<ImportItem[]> {
  const rows = (await db('import_items')
    .where({ import_id: importId })
    .where('changed', '>', since)
    .select(COLUMNS)
    .orderBy('changed')
    .limit(CHANGES)) as ItemRow[];
  return rows.map(toItem);
}
