import { ProviderError } from '../../providers/errors.ts';
import type { Item } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import type { JobPayloads, ListedItem } from '../queue/payloads.ts';
import { JobRetry, type JobContext } from '../queue/worker.ts';
import {
  advanceImportFolder,
  findImportFolder,
  insertImportFolders,
  type ImportFolder,
} from '../stores/import-folder-store.ts';
import { insertLedgerItems } from '../stores/import-item-store.ts';
import { findImportHead, finishImportIfDone, lockImport } from '../stores/import-store.ts';
import { findIntegrationById, holdActiveIntegration } from '../stores/integration-store.ts';
import { failFolder } from './ledger.ts';

/** Fewer requests: nobody waits for the first page here. */
const PAGE_SIZE = 1000;
/** A listing that never ends is the vendor's mistake; ours would be to follow it for ever. */
const MAX_PAGES = 100_000;

/**
 * Lists one folder into the ledger, a page a transaction: rows, jobs and the cursor appear together, so that a crash repeats a page
 * and never skips one.
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

  try {
    const connection = connections.open(integration);
    const seen = new Set<string>();
    let cursor = folder.cursor;
    for (let page = 0; page < MAX_PAGES; page++) {
      if (job.signal.aborted) throw new JobRetry('the worker is stopping');
      const { items, next } = await provider.list(connection, folder.ref, cursor, { pageSize: PAGE_SIZE });
      if (next !== undefined && (next === cursor || seen.has(next)))
        throw new ProviderError(
          'bad_response',
          integration.platform,
          `${provider.definition.label} answered with the same page twice, so the folder could not be listed to its end.`,
        );
      if (next !== undefined) seen.add(next);
      const goOn = await savePage(context, folder, items, { next, recursive: head.recursive });
      if (!goOn || next === undefined) return;
      cursor = next;
    }
  } catch (error) {
    if (error instanceof JobRetry) throw error;
    await failFolder(context, integration, folder, job, error);
  }
}

/** False when the import or the integration ended meanwhile. */
async function savePage(
  context: Context,
  folder: ImportFolder & { integrationId: string },
  items: Item[],
  options: { next: string | undefined; recursive: boolean },
): Promise<boolean> {
  const { database, queue } = context;
  const { importId, integrationId } = folder;
  const pathTo = (item: Item) => `${folder.path}/${item.name}`;
  return database.transaction(async (trx) => {
    if (!(await holdActiveIntegration(trx, integrationId))) return false;
    if ((await lockImport(trx, importId)) !== 'running') return false;
    const listed = new Map<string, ListedItem>();
    // A folder that may not be opened has a row of its own, so that what is in it is not missing in silence.
    const files = items.filter((item) => item.kind === 'file' || !item.importable);
    for (const file of files) listed.set(file.ref, listedItem(file));
    const waiting = await insertLedgerItems(
      trx,
      importId,
      files.map((file) => ({
        integrationId,
        ref: file.ref,
        name: file.name,
        path: pathTo(file),
        kind: file.kind,
        sizeBytes: file.sizeBytes,
        skipped: file.importable
          ? undefined
          : { reason: file.reason ?? 'This item has no content to import.', code: 'not_importable' },
      })),
    );
    const folders = options.recursive ? items.filter((item) => item.kind === 'folder' && item.importable) : [];
    const folderIds = await insertImportFolders(
      trx,
      importId,
      integrationId,
      folders.map((item) => ({ ref: item.ref, path: pathTo(item) })),
    );
    await queue.enqueue(
      trx,
      'import-item',
      waiting.map(({ id, ref }) => ({ importId, itemId: id, listed: listed.get(ref) })),
    );
    await queue.enqueue(
      trx,
      'expand-folder',
      folderIds.map((folderId) => ({ importId, folderId })),
    );
    await advanceImportFolder(trx, folder.id, options.next);
    if (options.next === undefined) await finishImportIfDone(trx, importId);
    return true;
  });
}

const listedItem = (item: Item): ListedItem => ({
  mediaType: item.mediaType,
  version: item.version,
  webUrl: item.webUrl,
  modifiedAt: item.modifiedAt?.toISOString(),
  hint: item.hint,
});
