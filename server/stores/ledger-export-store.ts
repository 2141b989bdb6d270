import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';
import type { ItemState, LedgerFilter } from '../services/import-service.ts';
import { ledgerRows } from './import-item-store.ts';

/** A row of the ledger with all that is known of it. */
export type ExportedItem = {
  name: string;
  path: string;
  state: ItemState;
  reason?: string;
  reasonCode?: string;
  attempts: number;
  sizeBytes?: number;
  chunkCount?: number;
  documentId?: string;
  settledAt?: Date;
  /** Absent once it is disconnected. */
  account?: { platform: Platform; accountId: string; accountEmail?: string; accountName?: string; siteUrl?: string };
};

type Row = {
  position: string;
  name: string;
  path: string;
  state: ItemState;
  reason: string | null;
  reason_code: string | null;
  attempts: number;
  size_bytes: string | null;
  chunk_count: number | null;
  document_id: string | null;
  settled_at: Date | null;
  platform: Platform | null;
  account_id: string;
  account_email: string | null;
  account_name: string | null;
  site_url: string | null;
};

const COLUMNS = ['position', 'name', 'path', 'state', 'reason', 'reason_code', 'attempts', 'size_bytes', 'chunk_count'];

/** The rows behind `after` (a position) in the order of listing, at most `limit`; `last` is the position of the last one. */
export async function listExportedItems(
  db: Knex,
  importId: string,
  filter: LedgerFilter,
  after: string,
  limit: number,
): Promise<{ items: ExportedItem[]; last?: string }> {
  const rows = (await ledgerRows(db, importId, filter)
    .where('position', '>', after)
    .leftJoin('user_integrations as account', 'account.id', 'import_items.integration_id')
    .select(
      ...COLUMNS,
      'document_id',
      'settled_at',
      'account.platform',
      'account.account_id',
      'account.account_email',
      'account.account_name',
      'account.site_url',
    )
    .orderBy('position')
    .limit(limit)) as Row[];
  return { items: rows.map(toItem), last: rows.at(-1)?.position };
}

const toItem = (row: Row): ExportedItem => ({
  name: row.name,
  path: row.path,
  state: row.state,
  reason: row.reason ?? undefined,
  reasonCode: row.reason_code ?? undefined,
  attempts: row.attempts,
  sizeBytes: row.size_bytes === null ? undefined : Number(row.size_bytes),
  chunkCount: row.chunk_count ?? undefined,
  documentId: row.document_id ?? undefined,
  settledAt: row.settled_at ?? undefined,
  account:
    row.platform === null
      ? undefined
      : {
          platform: row.platform,
          accountId: row.account_id,
          accountEmail: row.account_email ?? undefined,
          accountName: row.account_name ?? undefined,
          siteUrl: row.site_url ?? undefined,
        },
});
