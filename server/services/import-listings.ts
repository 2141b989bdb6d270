import type { Knex } from 'knex';
import type { Item } from '../../providers/provider.ts';
import type { Queue } from '../queue/queue.ts';
import { insertImportFolders, type NewImportFolder } from '../stores/import-folder-store.ts';
import type { ImportScope } from './import-service.ts';

/** How an item is listed for an import: `true` for all that is below it, `false` for what is right inside it or hangs on it. */
export function listingDepth(item: Pick<Item, 'kind' | 'hasChildren'>, scope: ImportScope): boolean | undefined {
  if (item.kind === 'folder') return scope.recursive;
  const isWanted = scope.includeChildren || scope.includeAttachments;
  return item.hasChildren && isWanted ? scope.includeChildren : undefined;
}

/** Adds listings that the import does not have yet, and a job for each. */
export async function addListings(
  queue: Queue,
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  listings: NewImportFolder[],
): Promise<void> {
  const ids = await insertImportFolders(trx, importId, integrationId, listings);
  await queue.enqueue(
    trx,
    'expand-folder',
    ids.map((folderId) => ({ importId, folderId })),
  );
}
