import type { Knex } from 'knex';
import type { ItemPage } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import type { JobPayloads } from '../queue/payloads.ts';
import { JobRetry } from '../queue/worker.ts';
import { filterFor, type LeftOut } from '../services/import-filters.ts';
import {
  addListings,
  countedItems,
  listingsBelow,
  pagesOf,
  pathTo,
  whyNotFetched,
  type Below,
} from '../services/import-listings.ts';
import type { ImportScope } from '../services/import-service.ts';
import { advanceImportFolder, findImportFolder, type ImportFolder } from '../stores/import-folder-store.ts';
import { findImportedItems } from '../stores/document-store.ts';
import { insertLedgerItems } from '../stores/import-item-store.ts';
import { findImportHead, lockImport, type ImportHead } from '../stores/import-store.ts';
import { countListed } from '../stores/listed-store.ts';
import { findIntegrationById, holdActiveIntegration } from '../stores/integration-store.ts';
import { withdrawRemovals } from '../stores/removal-store.ts';
import {
  findScopeFolders,
  findSelected,
  findSelectionOf,
  saveScopeFolders,
  setScopeAddress,
} from '../stores/scope-store.ts';
import { followFeed } from './feeds.ts';
import { endIfDone, failFolder } from './ledger.ts';
import { listedItem } from './listed-item.ts';
import type { Hand } from './work-in-hand.ts';

type Folder = ImportFolder & { integrationId: string };
/** What is wanted of what is listed. */
type Wanted = { scope: ImportScope; leftOut: LeftOut };

/**
 * Lists one folder, or what is below a file, into the ledger, a page a transaction: rows, jobs and the cursor appear together, so that
 * a crash repeats a page and never skips one.
 */
export async function expandFolder(context: Context, payload: JobPayloads['expand-folder'], job: Hand): Promise<void> {
  const { database, providers, connections } = context;
  const found = await findImportFolder(database.knex, payload.folderId);
  const head = await findImportHead(database.knex, payload.importId);
  if (!found?.integrationId || !head || head.status !== 'running' || found.state !== 'waiting') return;
  const folder = { ...found, integrationId: found.integrationId };
  const integration = await findIntegrationById(database.knex, folder.integrationId);
  const provider = integration && providers.get(integration.platform);
  if (!integration || !provider) return;

  // A sync has the choices of each selection.
  const selection = head.kind === 'sync' ? await findSelectionOf(database.knex, integration.id, folder) : undefined;
  const scope: ImportScope = selection ?? head;
  const wanted: Wanted = { scope, leftOut: filterFor(scope.filters, integration.platform) };
  try {
    job.stage('listing', folder.path.split('/').at(-1));
    const connection = connections.open(integration, job.signal);
    await followFeed(context, { integration, provider, connection }, folder.ref);
    for await (const page of pagesOf(provider, connection, folder, scope)) {
      if (!(await savePage(context, head, wanted, folder, page))) return;
      if (job.signal.aborted) throw new JobRetry('the worker is stopping');
    }
  } catch (error) {
    if (error instanceof JobRetry) throw error;
    await failFolder(context, integration, folder, job, error);
  }
}

/** False when the import or the integration ended meanwhile. */
async function savePage(
  context: Context,
  { id: importId, kind }: ImportHead,
  { scope, leftOut }: Wanted,
  folder: Folder,
  page: ItemPage,
): Promise<boolean> {
  const { database, queue } = context;
  const { integrationId } = folder;
  const files = countedItems(page);
  const listed = new Map(files.map((file) => [file.ref, file]));
  return database.transaction(async (trx) => {
    if (!(await holdActiveIntegration(trx, integrationId))) return false;
    if ((await lockImport(trx, importId)) !== 'running') return false;
    const known = await findImportedItems(trx, integrationId, [...listed.keys()]);
    // In an import the rows of what was selected by itself are there already.
    const selected = kind === 'sync' ? await findSelected(trx, integrationId, [...listed.keys()]) : new Set<string>();
    await countListed(
      trx,
      importId,
      integrationId,
      files.map(({ ref }) => ref),
    );
    const waiting = await insertLedgerItems(
      trx,
      importId,
      files.map((file) => ({
        integrationId,
        ref: file.ref,
        name: file.name,
        path: pathTo(folder, file),
        kind: file.kind,
        sizeBytes: file.sizeBytes,
        skipped: whyNotFetched(file, selected.has(file.ref) ? () => undefined : leftOut, known.has(file.ref)),
      })),
    );
    // A feed may have told that something left one place, which is listed in another.
    const documents = [...known.values()].map(({ documentId }) => documentId);
    await withdrawRemovals(trx, documents);
    const below = listingsBelow(scope, folder, page);
    await followBelow(trx, folder, page, below);
    await addListings(
      queue,
      trx,
      importId,
      integrationId,
      below.map(({ ref, path, deep }) => ({ ref, path, deep })),
    );
    await queue.enqueue(
      trx,
      'import-item',
      waiting.flatMap(({ id, ref }) => {
        const item = listed.get(ref);
        return item ? [{ importId, itemId: id, listed: listedItem(item, folder.ref) }] : [];
      }),
    );
    await advanceImportFolder(trx, folder.id, page.next);
    if (page.next === undefined) await endIfDone(queue, trx, importId);
    return true;
  });
}

/** What is listed below a followed folder is followed too. Somebody may have stopped following it meanwhile. */
async function followBelow(trx: Knex.Transaction, folder: Folder, page: ItemPage, below: Below[]): Promise<void> {
  const { integrationId, ref } = folder;
  const own = (await findScopeFolders(trx, integrationId, 'ref', [ref])).get(ref);
  if (!own) return;
  if (page.address !== undefined && page.address !== own.address)
    await setScopeAddress(trx, integrationId, ref, page.address);
  const { selectionId } = own;
  await saveScopeFolders(
    trx,
    integrationId,
    below.map((listing) => ({ ...listing, selectionId, parentRef: ref })),
  );
}
