import type { Knex } from 'knex';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Item, ItemPage, ListOptions, Provider } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import type { JobPayloads } from '../queue/payloads.ts';
import { JobRetry, type JobContext } from '../queue/worker.ts';
import { addListings, listingDepth } from '../services/import-listings.ts';
import type { ImportScope } from '../services/import-service.ts';
import {
  advanceImportFolder,
  findImportFolder,
  type ImportFolder,
  type NewImportFolder,
} from '../stores/import-folder-store.ts';
import { findImportedItems } from '../stores/document-store.ts';
import { insertLedgerItems } from '../stores/import-item-store.ts';
import { findImportHead, finishImportIfDone, lockImport } from '../stores/import-store.ts';
import { findIntegrationById, holdActiveIntegration } from '../stores/integration-store.ts';
import { withdrawRemovals } from '../stores/removal-store.ts';
import {
  findScopeFolders,
  findSelectionOf,
  saveScopeFolders,
  setScopeAddress,
  type ScopeFolder,
} from '../stores/scope-store.ts';
import { followFeed } from './feeds.ts';
import { failFolder } from './ledger.ts';
import { listedItem } from './listed-item.ts';

/** Fewer requests: nobody waits for the first page here. */
const PAGE_SIZE = 1000;
/** A listing that never ends is the vendor's mistake; ours would be to follow it for ever. */
const MAX_PAGES = 100_000;

type Folder = ImportFolder & { integrationId: string };
type Below = NewImportFolder & Pick<ScopeFolder, 'kind' | 'address'>;

/**
 * Lists one folder, or what is below a file, into the ledger, a page a transaction: rows, jobs and the cursor appear together, so that
 * a crash repeats a page and never skips one.
 */
export async function expandFolder(
  context: Context,
  payload: JobPayloads['expand-folder'],
  job: JobContext,
): Promise<void> {
  const { database, providers, connections } = context;
  const found = await findImportFolder(database.knex, payload.folderId);
  const head = await findImportHead(database.knex, payload.importId);
  if (!found?.integrationId || !head || head.status !== 'running' || found.state !== 'waiting') return;
  const folder = { ...found, integrationId: found.integrationId };
  const integration = await findIntegrationById(database.knex, folder.integrationId);
  const provider = integration && providers.get(integration.platform);
  if (!integration || !provider) return;

  // A cursor goes on with the same options only, so they come from the rows. A sync has those of each selection.
  const selection = head.kind === 'sync' ? await findSelectionOf(database.knex, integration.id, folder) : undefined;
  const scope: ImportScope = selection ?? head;
  const options = {
    pageSize: PAGE_SIZE,
    forImport: { deep: folder.deep, attachments: scope.includeAttachments },
  };
  try {
    const connection = connections.open(integration);
    await followFeed(context, { integration, provider, connection }, folder.ref);
    for await (const page of pagesOf(provider, connection, folder, options)) {
      if (!(await savePage(context, head.id, scope, folder, page))) return;
      if (job.signal.aborted) throw new JobRetry('the worker is stopping');
    }
  } catch (error) {
    if (error instanceof JobRetry) throw error;
    await failFolder(context, integration, folder, job, error);
  }
}

/**
 * The pages of a listing, from where it stopped. A place that the vendor no longer knows costs one new start: what comes again is in the
 * ledger already. Errors: those of the provider; ProviderError `bad_response` for a listing that goes in circles.
 */
async function* pagesOf(
  provider: Provider,
  connection: Connection,
  folder: Folder,
  options: ListOptions,
): AsyncGenerator<ItemPage> {
  const { id, label } = provider.definition;
  const seen = new Set<string>();
  let cursor = folder.cursor;
  let startsOver = false;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    let page: ItemPage;
    try {
      page = await provider.list(connection, folder.ref, cursor, options);
    } catch (error) {
      const isLost = error instanceof ProviderError && error.kind === 'cursor_expired';
      if (!isLost || cursor === undefined || startsOver) throw error;
      startsOver = true;
      cursor = undefined;
      seen.clear();
      continue;
    }
    const { next } = page;
    if (next !== undefined && (next === cursor || seen.has(next)))
      throw new ProviderError(
        'bad_response',
        id,
        `${label} answered with the same page twice, so the folder could not be listed to its end.`,
      );
    yield page;
    if (next === undefined) return;
    seen.add(next);
    cursor = next;
  }
}

/** False when the import or the integration ended meanwhile. */
async function savePage(
  context: Context,
  importId: string,
  scope: ImportScope,
  folder: Folder,
  page: ItemPage,
): Promise<boolean> {
  const { database, queue } = context;
  const { integrationId } = folder;
  // A folder that may not be opened has a row of its own, so that what is in it is not missing in silence.
  const files = page.items.filter((item) => item.kind === 'file' || !item.importable);
  const listed = new Map(files.map((file) => [file.ref, file]));
  return database.transaction(async (trx) => {
    if (!(await holdActiveIntegration(trx, integrationId))) return false;
    if ((await lockImport(trx, importId)) !== 'running') return false;
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
        skipped: file.importable
          ? undefined
          : { reason: file.reason ?? 'This item has no content to import.', code: 'not_importable' },
      })),
    );
    // A feed may have told that something left one place, which is listed in another.
    const known = await findImportedItems(trx, integrationId, [...listed.keys()]);
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
    if (page.next === undefined) await finishImportIfDone(trx, importId);
    return true;
  });
}

/** What of a page is to be listed in its turn. A folder that is wanted to the bottom is so with all that its files hold. */
function listingsBelow(chosen: ImportScope, folder: Folder, page: ItemPage): Below[] {
  if (page.deep) return [];
  const scope = { ...chosen, includeChildren: chosen.includeChildren || folder.deep };
  return page.items.flatMap((item) => {
    if (item.kind === 'folder' && !(folder.deep && item.importable)) return [];
    const deep = listingDepth(item, scope);
    return deep === undefined
      ? []
      : [{ ref: item.ref, kind: item.kind, path: pathTo(folder, item), deep, address: item.address }];
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

const pathTo = (folder: Folder, item: Item): string => [folder.path, ...(item.between ?? []), item.name].join('/');
