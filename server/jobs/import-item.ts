import type { Knex } from 'knex';
import type { Connection, Item, Provider } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { tooLarge } from '../pipeline/spool.ts';
import type { JobPayloads, ListedItem } from '../queue/payloads.ts';
import type { Integration } from '../services/integration-service.ts';
import { addListings, listingDepth } from '../services/import-listings.ts';
import { pathOf } from '../services/item-path.ts';
import { findStoredItem, type DocumentMetadata, type ItemSource } from '../stores/document-store.ts';
import { describeLedgerItem, findLedgerItem, type LedgerItem } from '../stores/import-item-store.ts';
import { findImportHead, lockImport, type ImportHead } from '../stores/import-store.ts';
import { findIntegrationById, holdActiveIntegration } from '../stores/integration-store.ts';
import { describeSelection, findSelectionOf, saveScopeFolders } from '../stores/scope-store.ts';
import { failItem, giveWay, listAgain, settle } from './ledger.ts';
import { GONE, keepUnchanged, saveDocument } from './save-document.ts';
import { DEADLY, enterRoom, startItem, type Workroom } from './suspects.ts';
import type { Hand } from './work-in-hand.ts';

/** What the vendor said of a file, from the listing or asked for now. */
type FileInHand = ListedItem & {
  name: string;
  path: string;
  sizeBytes?: number;
  category?: string;
  followed?: boolean;
};

export type Work = {
  context: Context;
  head: ImportHead;
  item: LedgerItem;
  integration: Integration;
  provider: Provider;
  connection: Connection;
  source: ItemSource;
  signal: AbortSignal;
  stage: Hand['stage'];
  room: Workroom;
  /** Processes died with this file in hand: it is worked on alone. */
  isSuspect: boolean;
  /** A hint is trusted at the first attempt only: what fails may fail because of it. */
  isFirstAttempt: boolean;
};

/**
 * Brings one ledger row to its final state: a selected folder is handed on to be listed; a file is compared with what is stored, fetched,
 * normalized, chunked, embedded and indexed. May run twice: the document and its row change in one transaction.
 */
export async function importItem(
  context: Context,
  payload: JobPayloads['import-item'],
  job: Hand,
  room: Workroom,
): Promise<void> {
  const { database, providers, connections } = context;
  const item = await findLedgerItem(database.knex, payload.itemId);
  const head = await findImportHead(database.knex, payload.importId);
  if (!item || !head || head.status !== 'running') return;
  const integration = item.integrationId ? await findIntegrationById(database.knex, item.integrationId) : undefined;
  const provider = integration && providers.get(integration.platform);
  if (!integration || !provider) {
    await database.transaction((trx) => settle(context.queue, trx, item, GONE));
    return;
  }
  const suspicion = await database.transaction(async (trx) => {
    await lockImport(trx, item.importId);
    return startItem(trx, item.id);
  });
  if (suspicion === undefined) return;
  if (suspicion === 'deadly') {
    await database.transaction((trx) => settle(context.queue, trx, item, DEADLY));
    return;
  }
  job.stage('downloading', item.name);

  const source = {
    userId: head.userId,
    platform: integration.platform,
    accountId: integration.accountId,
    itemRef: item.ref,
  };
  const connection = connections.open(integration, job.signal);
  const work: Work = {
    context,
    head,
    item,
    integration,
    provider,
    connection,
    source,
    signal: job.signal,
    stage: job.stage,
    room,
    isSuspect: suspicion === 'suspect',
    isFirstAttempt: job.attempt === 1,
  };
  try {
    const file = await fileInHand(work, payload.listed);
    if (file) await importFile(work, file);
  } catch (error) {
    await failItem(context, integration, item, payload, job, error);
  }
}

/** What is to be fetched. Undefined when the row is dealt with: a folder, a listing to be repeated, or nothing that can be imported. */
async function fileInHand(work: Work, listed: ListedItem | undefined): Promise<FileInHand | undefined> {
  const { context, item, provider, connection, integration } = work;
  if (item.listing) {
    await listAgain(context, item, integration.id);
    return undefined;
  }
  if (item.kind === 'file' && listed) return { ...listed, name: item.name, path: item.path, sizeBytes: item.sizeBytes };
  const found = await provider.get(connection, item.ref);
  const path = item.path === '' ? await pathOf(provider, connection, found) : item.path;
  const isFile = await noteFound(work, found, path);
  return isFile && found.importable ? inHand(found, path) : undefined;
}

/** Notes what an item is, and hands it on to be listed where it was selected: both or neither. False when its row is dealt with. */
async function noteFound(work: Work, found: Item, path: string): Promise<boolean> {
  const { context, head, item, integration } = work;
  const { importId } = item;
  // What is below a file that a listing brought is that listing's business.
  const deep = found.kind === 'folder' || item.kind === 'unknown' ? listingDepth(found, head) : undefined;
  return context.database.transaction(async (trx) => {
    if (!(await holdActiveIntegration(trx, integration.id))) {
      await settle(context.queue, trx, item, GONE);
      return false;
    }
    if ((await lockImport(trx, importId)) !== 'running') return false;
    if (item.kind === 'unknown') await followSelected(trx, work, found, path, deep);
    if (deep !== undefined)
      await addListings(context.queue, trx, importId, integration.id, [{ ref: item.ref, path, deep }]);
    if (found.kind === 'folder') {
      await giveWay(context.queue, trx, item);
      return false;
    }
    const { name, sizeBytes, reason = 'This item has no content to import.' } = found;
    await describeLedgerItem(trx, item.id, { name, path, kind: 'file', sizeBytes });
    if (!found.importable)
      await settle(context.queue, trx, item, { state: 'skipped', reason, reasonCode: 'not_importable' });
    return true;
  });
}

/** The selection learns what it is called, and what is below it is followed. */
async function followSelected(
  trx: Knex.Transaction,
  { integration, item }: Work,
  { name, kind, address }: Item,
  path: string,
  deep: boolean | undefined,
): Promise<void> {
  const { ref } = item;
  await describeSelection(trx, integration.id, { ref, name, path });
  const selection = await findSelectionOf(trx, integration.id, { ref });
  if (deep !== undefined && selection?.ref === ref)
    await saveScopeFolders(trx, integration.id, [{ ref, selectionId: selection.id, kind, deep, path, address }]);
}

const inHand = (item: Item, path: string): FileInHand => ({
  name: item.name,
  path,
  mediaType: item.mediaType,
  version: item.version,
  webUrl: item.webUrl,
  modifiedAt: item.modifiedAt?.toISOString(),
  address: item.address,
  sizeBytes: item.sizeBytes,
  hint: item.hint,
});

async function importFile(work: Work, file: FileInHand): Promise<void> {
  const { context, provider, connection, item, source, signal, stage } = work;
  const { pipeline, config, database, originals } = context;
  const stored = await findStoredItem(database.knex, source);
  const parentRef = file.parentRef ?? stored?.parentRef;
  const selection = await findSelectionOf(database.knex, work.integration.id, { ref: item.ref, parentRef });
  file.followed = selection !== undefined;
  // What a sync finds new is as what it was found in.
  if (!stored && work.head.kind === 'sync') file.category = selection?.category;
  const isKnown = stored && stored.version !== undefined && stored.version === file.version;
  // What an original is to be kept of from now on is read again.
  if (isKnown && !(await originals.isWanted(stored.id))) {
    await keepUnchanged(work, stored, metadataOf(work, file));
    return;
  }
  stage('downloading', file.name);
  if (file.sizeBytes !== undefined && file.sizeBytes > config.maxFileBytes) throw tooLarge(config.maxFileBytes);
  const opened = await provider.open(connection, item.ref, {
    signal,
    hint: work.isFirstAttempt ? file.hint : undefined,
  });
  const metadata = {
    ...metadataOf(work, { ...file, version: opened.version ?? file.version }),
    details: opened.details ?? {},
  };
  // Only the download goes on beside a file that is worked on alone.
  let leave: (() => void) | undefined;
  const onArrived = async () => {
    leave = await enterRoom(database.knex, work.room, { id: item.id, isSuspect: work.isSuspect, signal });
    stage('reading');
  };
  const original = originals.draft(stored?.id);
  const labels = {
    title: file.name,
    fileName: opened.name,
    source: source.platform,
    pageId: item.ref,
    url: file.webUrl,
    mediaType: opened.mediaType,
  };
  try {
    const prepared = await pipeline.prepare(opened, {
      title: file.name,
      signal,
      onArrived,
      onStage: (stage, ms) => context.telemetry.stageDone(stage, ms),
      onRead: (bytes) => original.put(bytes, labels, signal),
    });
    if (stored && stored.contentHash === prepared.contentHash)
      await keepUnchanged(work, stored, metadata, { sizeBytes: prepared.sizeBytes, original });
    else await saveDocument(work, { opened, prepared, original, storedId: stored?.id }, metadata);
  } finally {
    leave?.();
    await original.close();
  }
}

const metadataOf = (work: Work, file: FileInHand): DocumentMetadata => ({
  integrationId: work.integration.id,
  title: file.name,
  path: file.path,
  category: file.category ?? work.head.category,
  followed: file.followed ?? false,
  address: file.address,
  parentRef: file.parentRef,
  url: file.webUrl,
  version: file.version,
  modifiedAt: file.modifiedAt === undefined ? undefined : new Date(file.modifiedAt),
});
