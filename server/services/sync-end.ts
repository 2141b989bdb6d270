import type { Knex } from 'knex';
import { closeImportFolders } from '../stores/import-folder-store.ts';
import { skipOpenItems } from '../stores/import-item-store.ts';
import { closeImport } from '../stores/import-store.ts';
import { setRelisting } from '../stores/integration-store.ts';

/**
 * Ends a sync before all of it is done. What its feeds told it is told by none again, so that the next one lists everything anew. The caller
 * holds its lock.
 */
export async function endSync(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  how: { status: 'failed' | 'cancelled'; problem?: string },
): Promise<void> {
  await skipOpenItems(
    trx,
    { importId },
    { reason: 'The sync ended before this item was brought up to date; the next one does it.', code: 'cancelled' },
  );
  await closeImportFolders(trx, { importId });
  await closeImport(trx, importId, how.status, how.problem);
  await setRelisting(trx, integrationId, true);
}
