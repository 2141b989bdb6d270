import type { Knex } from 'knex';
import type { Item } from '../../providers/provider.ts';
import { findImportedItems, type ImportedItem } from '../stores/document-store.ts';

/** A listed item and what the hub knows of it already. */
export type BrowseItem = Item & { documentId?: string; changedSince: boolean };

/** Says of an account's items which were imported, and which of those have changed since: one query for all of them. */
export async function withImported(db: Knex, integrationId: string, items: Item[]): Promise<BrowseItem[]> {
  const imported = await findImportedItems(
    db,
    integrationId,
    items.filter((item) => item.kind === 'file').map((item) => item.ref),
  );
  return items.map((item) => {
    const known = imported.get(item.ref);
    return { ...item, documentId: known?.documentId, changedSince: known !== undefined && differs(item, known) };
  });
}

/** By its version; where the vendor tells none, or told none then, by the time it was changed. */
function differs(item: Item, known: ImportedItem): boolean {
  if (item.version !== undefined && known.version !== undefined) return item.version !== known.version;
  if (item.modifiedAt && known.modifiedAt) return item.modifiedAt.getTime() !== known.modifiedAt.getTime();
  return item.version !== undefined && item.version !== known.version;
}
