import type { Knex } from 'knex';
import type { ImportKind, ItemState } from '../services/import-service.ts';

/** What one import or sync did about a document. */
export type DocumentVisit = {
  importId: string;
  kind: ImportKind;
  state: ItemState;
  reason?: string;
  /** Absent while it waits. */
  settledAt?: Date;
  /** What the vendor said then; absent for what did not come so far, and for imports from before this was noted. */
  version?: string;
  modifiedAt?: Date;
  contentHash?: string;
};

/** The last imports and syncs that met a document's item, newest first: those that it came of, and those that failed. */
export async function listVisits(
  db: Knex,
  userId: string,
  document: { id: string; integrationId?: string; itemRef: string },
  limit: number,
): Promise<DocumentVisit[]> {
  const rows = (await db('import_items')
    .join('imports', 'imports.id', 'import_items.import_id')
    .where({ 'imports.user_id': userId, 'import_items.listing': false })
    .where((of) => {
      of.where({ document_id: document.id });
      if (document.integrationId)
        of.orWhere({ 'import_items.integration_id': document.integrationId, item_ref: document.itemRef });
    })
    .select('import_id', 'imports.kind', 'state', 'reason', 'settled_at', 'version', 'modified_at', 'content_hash')
    .orderByRaw('settled_at desc nulls first, import_items.id')
    .limit(limit)) as {
    import_id: string;
    kind: ImportKind;
    state: ItemState;
    reason: string | null;
    settled_at: Date | null;
    version: string | null;
    modified_at: Date | null;
    content_hash: string | null;
  }[];
  return rows.map((row) => ({
    importId: row.import_id,
    kind: row.kind,
    state: row.state,
    reason: row.reason ?? undefined,
    settledAt: row.settled_at ?? undefined,
    version: row.version ?? undefined,
    modifiedAt: row.modified_at ?? undefined,
    contentHash: row.content_hash ?? undefined,
  }));
}
