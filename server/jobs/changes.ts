import type { Knex } from 'knex';
import type { Change, Item } from '../../providers/provider.ts';
import { filterFor, type LeftOut } from '../services/import-filters.ts';
import { addListings, whyNotFetched } from '../services/import-listings.ts';
import { countRemovals, findDocumentsAt, findUnmet, planRemovals, withdrawRemovals } from '../stores/removal-store.ts';
import { findDocumentsAtAddresses, findImportedItems, type ImportedItem } from '../stores/document-store.ts';
import { countListed } from '../stores/listed-store.ts';
import { reopenLedgerItems } from '../stores/sync-item-store.ts';
import {
  deleteScopeFolders,
  findDocumentsBelow,
  findScopeFolders,
  findScopeFoldersAt,
  listSelections,
  moveDocumentsBelow,
  moveScopeFolder,
  saveScopeFolders,
  type ScopeFolder,
  type Selection,
} from '../stores/scope-store.ts';
import { listedItem } from './listed-item.ts';
import type { SyncRun } from './sync.ts';

/** What a page of changes is weighed against. Changes on the page keep it true. */
type Known = {
  selections: Selection[];
  /** By address: what holds an item is told by it, and a path may have been a folder's before. */
  places: Map<string, ScopeFolder>;
  /** By ref: what an item itself was before. */
  folders: Map<string, ScopeFolder>;
  documents: Map<string, ImportedItem>;
  /** Documents by the address that an item of the page has now: another item had it before. */
  addressed: Map<string, { documentId: string; ref: string }>;
  /** Whether anything is planned for removal, so that it could be withdrawn. */
  hasRemovals: boolean;
};

/**
 * Brings one page of changes into the ledger of a sync: what is new or changed within the selected scope gets a row and a job, a folder that came
 * in is listed, one that moved takes what is in it along, what left is noted for removal.
 */
export async function applyChanges(trx: Knex.Transaction, run: SyncRun, changes: Change[]): Promise<void> {
  const known = await whatIsKnown(trx, run, changes);
  for (const change of changes) if (change.kind === 'present') await meetHolder(trx, run, known, change);
  let files: Met[] = [];
  for (const change of changes) {
    const ended = endedBy(known, change);
    if (ended !== undefined) {
      files = files.filter(({ item }) => !isAt(ended, item));
      await removeAt(trx, run, known, ended);
    }
    if (change.kind === 'gone') continue;
    const { item } = change;
    await replace(trx, run, known, item);
    const met = placeOf(known, change);
    if (!met) await leave(trx, run, known, item);
    else if (item.kind === 'folder') await meetFolder(trx, run, known, met);
    else {
      await takeAlong(trx, run, known, met);
      files.push(met);
    }
  }
  await meetFiles(trx, run, known, files);
}

/** The address at which everything ends: of what is gone, and of a folder whose path a file has now. */
function endedBy({ places }: Known, change: Change): string | undefined {
  if (change.kind === 'gone') return change.address;
  const { kind, ref, address } = change.item;
  const before = kind === 'file' && address !== undefined ? places.get(address) : undefined;
  return before && before.ref !== ref ? address : undefined;
}

/** Whether an item was told of before it, or what it was in, was gone. */
const isAt = (address: string, item: Item): boolean =>
  item.address === address || item.address?.startsWith(`${address}/`) === true;

type Present = Extract<Change, { kind: 'present' }>;
type Met = { item: Item; path: string; selectionId: string; deep: boolean; parentRef?: string };

/** Where an item stands in the scope: in a followed folder, or selected by itself. Undefined: outside. */
function placeOf(known: Known, change: Present): Met | undefined {
  const { item, within } = change;
  const own = known.selections.find(({ ref }) => ref === item.ref);
  for (const [above, address] of within.entries()) {
    const place = known.places.get(address);
    if (!place || !(own ?? isWanted(known, place, change, above))) continue;
    const between = above === 0 ? [] : (item.between ?? []).slice(-above);
    return {
      item,
      path: [place.path, ...between, item.name].join('/'),
      selectionId: own?.id ?? place.selectionId,
      deep: own?.recursive ?? place.deep,
      parentRef: place.ref,
    };
  }
  return own && { item, path: renamed(own.path, item.name), selectionId: own.id, deep: own.recursive };
}

/** Whether a place is followed so that an item belongs to it, which is in it with `above` levels between. */
function isWanted({ selections }: Known, place: ScopeFolder, { item, hangs }: Present, above: number): boolean {
  if (hangs && !selections.find(({ id }) => id === place.selectionId)?.includeAttachments) return false;
  if (place.deep) return true;
  return above === 0 && item.kind === 'file' && (place.kind === 'folder' || hangs === true);
}

/** The path of something selected by itself, which has only its name changed. */
const renamed = (path: string, name: string): string => [...path.split('/').slice(0, -1), name].join('/');

async function whatIsKnown(trx: Knex.Transaction, run: SyncRun, changes: Change[]): Promise<Known> {
  const present = changes.filter((change) => change.kind === 'present');
  const refs = present.map(({ item }) => item.ref);
  const places = present.flatMap(({ item, within }) =>
    item.address === undefined ? within : [...within, item.address],
  );
  const addresses = present.flatMap(({ item }) => item.address ?? []);
  const selections = await listSelections(trx, run.integration.id);
  return {
    selections,
    places: await findScopeFolders(trx, run.integration.id, 'address', [...new Set(places)]),
    folders: await findScopeFolders(trx, run.integration.id, 'ref', refs),
    documents: await findImportedItems(trx, run.integration.id, refs),
    addressed: await findDocumentsAtAddresses(trx, run.integration.id, addresses),
    hasRemovals: (await countRemovals(trx, run.integration.id)) > 0,
  };
}

async function removeAt(trx: Knex.Transaction, run: SyncRun, known: Known, address: string): Promise<void> {
  const { integration } = run;
  known.hasRemovals = true;
  const folders = await findScopeFoldersAt(trx, integration.id, address);
  await planRemovals(trx, integration.id, [
    ...(await findDocumentsAt(trx, integration.id, address)),
    ...(await findDocumentsBelow(trx, integration.id, folders)),
  ]);
  forget(known, await deleteScopeFolders(trx, integration.id, folders));
}

/** Where an item has the address that another one had, that one is gone. One that this sync has met elsewhere has only moved. */
async function replace(trx: Knex.Transaction, run: SyncRun, known: Known, { ref, address }: Item): Promise<void> {
  const before = address === undefined ? undefined : known.addressed.get(address);
  if (!before || before.ref === ref) return;
  known.hasRemovals = true;
  await planRemovals(trx, run.integration.id, await findUnmet(trx, run.importId, [before.documentId]));
}

/** Something is outside of the scope: where it was inside before, it leaves with what is in it. */
async function leave(trx: Knex.Transaction, run: SyncRun, known: Known, item: Item): Promise<void> {
  const { integration } = run;
  const document = known.documents.get(item.ref);
  known.hasRemovals = true;
  if (document) await planRemovals(trx, integration.id, [document.documentId]);
  if (!known.folders.has(item.ref)) return;
  await planRemovals(trx, integration.id, await findDocumentsBelow(trx, integration.id, [item.ref]));
  forget(known, await deleteScopeFolders(trx, integration.id, [item.ref]));
}

/** Later changes of the page no longer find these folders. */
function forget(known: Known, refs: string[]): void {
  const gone = new Set(refs);
  for (const ref of refs) known.folders.delete(ref);
  for (const [address, { ref }] of known.places) if (gone.has(ref)) known.places.delete(address);
}

/** A folder within the scope: a new one is listed, a known one may have another name or place. */
async function meetFolder(trx: Knex.Transaction, run: SyncRun, known: Known, met: Met): Promise<void> {
  const { context, importId, integration } = run;
  const { item, path, parentRef, selectionId, deep } = met;
  const before = known.folders.get(item.ref);
  const folder: ScopeFolder = {
    ref: item.ref,
    selectionId,
    kind: 'folder',
    deep,
    parentRef,
    path,
    address: item.address,
  };
  known.folders.set(item.ref, folder);
  if (item.address !== undefined) known.places.set(item.address, folder);
  if (before) {
    if (before.path !== path || before.parentRef !== parentRef || before.address !== item.address) {
      await moveScopeFolder(trx, integration.id, before, folder);
      // What was in it at its old place is in it still.
      if (known.hasRemovals) await withdrawRemovals(trx, await findDocumentsBelow(trx, integration.id, [item.ref]));
    }
    return;
  }
  await saveScopeFolders(trx, integration.id, [folder]);
  await addListings(context.queue, trx, importId, integration.id, [{ ref: item.ref, path, deep }]);
}

/** A followed place that is a file, as a selected page is: before what is in it is placed, it has its new path. */
async function meetHolder(trx: Knex.Transaction, run: SyncRun, known: Known, change: Present): Promise<void> {
  const { item } = change;
  const place = item.kind === 'file' ? known.folders.get(item.ref) : undefined;
  const path = place && placeOf(known, change)?.path;
  if (!place || path === undefined || path === place.path) return;
  const moved = { ...place, path };
  await moveScopeFolder(trx, run.integration.id, place, moved);
  known.folders.set(item.ref, moved);
  if (item.address !== undefined) known.places.set(item.address, moved);
  rebase(known, place.path, path);
}

/** What is below a file goes along with it, as what is in a folder does. Vendors tell only of the file then. */
async function takeAlong(trx: Knex.Transaction, run: SyncRun, known: Known, met: Met): Promise<void> {
  const { item, path, parentRef } = met;
  const before = known.documents.get(item.ref);
  if (!item.hasChildren || !before || before.path === path) return;
  await moveDocumentsBelow(trx, run.integration.id, before, { path, parentRef: parentRef ?? before.parentRef });
  rebase(known, before.path, path);
}

/** Later changes of the page find documents at their new paths. */
function rebase({ documents }: Known, from: string, to: string): void {
  for (const document of documents.values())
    if (document.path.startsWith(`${from}/`)) document.path = to + document.path.slice(from.length);
}

/** Files within the scope get a row each, and a job that finds out whether their content is new. */
async function meetFiles(trx: Knex.Transaction, run: SyncRun, known: Known, files: Met[]): Promise<void> {
  const { context, importId, integration } = run;
  const documents = files.flatMap(({ item }) => known.documents.get(item.ref)?.documentId ?? []);
  await withdrawRemovals(trx, documents);
  const filters = new Map(
    known.selections.map((selection) => [selection.id, filterFor(selection.filters, integration.platform)]),
  );
  // What was selected by itself is never left out.
  const leftOut = (selectionId: string, { ref }: Item): LeftOut =>
    (known.selections.some((selection) => selection.ref === ref) ? undefined : filters.get(selectionId)) ??
    (() => undefined);
  await countListed(
    trx,
    importId,
    integration.id,
    files.map(({ item }) => item.ref),
  );
  const waiting = await reopenLedgerItems(
    trx,
    importId,
    files.map(({ item, path, selectionId }) => ({
      integrationId: integration.id,
      ref: item.ref,
      name: item.name,
      path,
      kind: 'file',
      sizeBytes: item.sizeBytes,
      skipped: whyNotFetched(item, leftOut(selectionId, item), known.documents.has(item.ref)),
      // Met before in this sync, and as it was then.
      isKnown: item.version !== undefined && known.documents.get(item.ref)?.version === item.version,
    })),
  );
  const byRef = new Map(files.map((file) => [file.item.ref, file]));
  await context.queue.enqueue(
    trx,
    'import-item',
    waiting.flatMap(({ id, ref }) => {
      const file = byRef.get(ref);
      return file ? [{ importId, itemId: id, listed: listedItem(file.item, file.parentRef) }] : [];
    }),
  );
}
