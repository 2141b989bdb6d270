import type { Knex } from 'knex';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Item, ItemPage, ListOptions, Provider } from '../../providers/provider.ts';
import type { Queue } from '../queue/queue.ts';
import { insertImportFolders, type ImportFolder, type NewImportFolder } from '../stores/import-folder-store.ts';
import type { ScopeFolder } from '../stores/scope-store.ts';
import type { LeftOut } from './import-filters.ts';
import type { ImportScope } from './import-service.ts';

/** Fewer requests: nobody waits for the first page here. */
const PAGE_SIZE = 1000;
/** A listing that never ends is the vendor's mistake; ours would be to follow it for ever. */
const MAX_PAGES = 100_000;

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

/**
 * The pages of a listing for an import, from where it stopped. A place that the vendor no longer knows costs one new start: what comes again
 * is known already. Errors: those of the provider; ProviderError `bad_response` for a listing that goes in circles.
 */
export async function* pagesOf(
  provider: Provider,
  connection: Connection,
  folder: Pick<ImportFolder, 'ref' | 'deep' | 'cursor'>,
  scope: ImportScope,
): AsyncGenerator<ItemPage> {
  const { id, label } = provider.definition;
  // A cursor goes on with the same options only, so they come from the rows.
  const options: ListOptions = {
    pageSize: PAGE_SIZE,
    forImport: { deep: folder.deep, attachments: scope.includeAttachments },
  };
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

/** What is to be listed in its turn. */
export type Below = NewImportFolder & Pick<ScopeFolder, 'kind' | 'address'>;

/** What of a page is to be listed in its turn. A folder that is wanted to the bottom is so with all that its files hold. */
export function listingsBelow(
  chosen: ImportScope,
  folder: Pick<ImportFolder, 'path' | 'deep'>,
  page: ItemPage,
): Below[] {
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

/** The items of a page that have a row in the ledger: a folder that may not be opened has one, so that what is in it is not missing in silence. */
export const countedItems = ({ items }: ItemPage): Item[] =>
  items.filter((item) => item.kind === 'file' || !item.importable);

/** Where a listed item lies, in names. */
export const pathTo = (folder: Pick<ImportFolder, 'path'>, item: Item): string =>
  [folder.path, ...(item.between ?? []), item.name].join('/');

/** Why nothing of a listed item is fetched; undefined where it is. `isStored`: an earlier import brought it. */
export function whyNotFetched(
  item: Item,
  leftOut: LeftOut,
  isStored = false,
): { reason: string; code: 'filtered' | 'not_importable' } | undefined {
  const reason = leftOut(item);
  if (reason) return { reason: isStored ? `${reason} ${KEPT}` : reason, code: 'filtered' };
  if (item.importable) return undefined;
  return { reason: item.reason ?? 'This item has no content to import.', code: 'not_importable' };
}

const KEPT = 'Its document from an earlier import stays as it is.';
