import type { Knex } from 'knex';
import type { Context } from '../context.ts';
import { addListings } from '../services/import-listings.ts';
import { insertLedgerItems } from '../stores/import-item-store.ts';
import { countListed } from '../stores/listed-store.ts';
import { findScopeFolders, type Selection } from '../stores/scope-store.ts';

/** Puts selections into a sync as if they were selected now: folders are listed from their start, files are asked for. */
export async function listAnew(
  context: Context,
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  selections: Selection[],
): Promise<void> {
  const refs = selections.map(({ ref }) => ref);
  const folders = await findScopeFolders(trx, integrationId, 'ref', refs);
  await addListings(
    context.queue,
    trx,
    importId,
    integrationId,
    [...folders.values()].map(({ ref, path, deep }) => ({ ref, path, deep })),
  );
  const others = selections.filter(({ ref }) => folders.get(ref)?.kind !== 'folder');
  await countListed(
    trx,
    importId,
    integrationId,
    others.map(({ ref }) => ref),
  );
  const waiting = await insertLedgerItems(
    trx,
    importId,
    others.map(({ ref, name, path }) => ({ integrationId, ref, name, path, kind: 'unknown' as const })),
  );
  await context.queue.enqueue(
    trx,
    'import-item',
    waiting.map(({ id }) => ({ importId, itemId: id })),
  );
}
