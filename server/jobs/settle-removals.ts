import type { Knex } from 'knex';
import type { Context } from '../context.ts';
import { deleteOrphanEmbeddings } from '../index/postgres.ts';
import type { JobPayloads } from '../queue/payloads.ts';
import { deleteDocuments, findImportedItems } from '../stores/document-store.ts';
import { listImportFolders } from '../stores/import-folder-store.ts';
import { noteHeldSync } from '../stores/import-notice-store.ts';
import { countOpenItems } from '../stores/import-item-store.ts';
import { findLedgerRefs, mayBeListedLater, upsertRemovedItems } from '../stores/sync-item-store.ts';
import { findImportHead, finishImportIfDone, lockImport, setRemovals } from '../stores/import-store.ts';
import { countListed } from '../stores/listed-store.ts';
import { setRelisting } from '../stores/integration-store.ts';
import {
  countFollowedDocuments,
  countRemovals,
  findUnmet,
  listRemovals,
  planRemovals,
  unfollowRemovals,
} from '../stores/removal-store.ts';
import { findDocumentsBelow, listSelections } from '../stores/scope-store.ts';

const AGAIN_MS = 2000;
const BATCH = 200;
/** A sync that would take away more than this is held until a person has looked: such a loss is more often a fault than a wish. */
const HELD_ABOVE = { documents: 10, share: 0.2 };

const REASON =
  'It was deleted at the source, moved out of what was selected, or is no longer shared with this account.';

/**
 * Takes away what a sync found gone, once all of the sync was seen: a listing that broke off takes nothing away. Where it is suspiciously
 * much, it waits for a person's answer.
 */
export async function settleRemovals(context: Context, payload: JobPayloads['settle-removals']): Promise<void> {
  const { database, queue } = context;
  const { importId, answer } = payload;
  if (answer === 'remove') return removeGone(context, importId);
  if (answer === 'keep') return keepGone(context, importId);
  const decision = await database.transaction(async (trx) => {
    if ((await lockImport(trx, importId)) !== 'running') return 'over';
    const head = await findImportHead(trx, importId);
    if (!head?.integrationId || head.removals !== 'pending') return 'over';
    const folders = await listImportFolders(trx, importId);
    if (folders.some(({ state }) => state === 'waiting') || (await countOpenItems(trx, importId)) > 0) {
      await queue.enqueue(trx, 'settle-removals', [payload], { startAfter: new Date(Date.now() + AGAIN_MS) });
      return 'over';
    }
    if (folders.every(({ state }) => state === 'done')) await planUnmet(trx, importId, head.integrationId, folders);
    // No feed tells again what this listing was to find out.
    else if (await mayBeListedLater(trx, importId)) await setRelisting(trx, head.integrationId, true);
    const count = await countRemovals(trx, head.integrationId);
    const of = await countFollowedDocuments(trx, head.integrationId);
    const held = isSuspicious(count, of);
    if (held) {
      await setRemovals(trx, importId, 'held');
      await noteHeldSync(trx, { userId: head.userId, importId, integrationId: head.integrationId, count, of });
    }
    return held ? 'held' : 'remove';
  });
  if (decision === 'remove') await removeGone(context, importId);
  if (decision === 'held') context.logger.warn({ importId }, 'a sync is held: it would remove many documents');
}

const isSuspicious = (count: number, of: number): boolean =>
  count > HELD_ABOVE.documents && count > of * HELD_ABOVE.share;

/** Documents in the places that were listed anew, which the listing did not name any more, and those that were selected by themselves and are gone. */
async function planUnmet(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  folders: { ref: string }[],
): Promise<void> {
  const selected = (await listSelections(trx, integrationId)).map(({ ref }) => ref);
  const listed = new Set(folders.map(({ ref }) => ref));
  const below = await findDocumentsBelow(
    trx,
    integrationId,
    selected.filter((ref) => listed.has(ref)),
  );
  // A row says that a page was asked for, and nothing of its sub-pages.
  const asked = await findImportedItems(trx, integrationId, await findLedgerRefs(trx, importId, selected));
  const documents = [...below, ...[...asked.values()].map(({ documentId }) => documentId)];
  await planRemovals(trx, integrationId, await findUnmet(trx, importId, documents));
}

/** Deletes the documents that a sync found gone; each leaves a row that says why. May run twice. */
async function removeGone(context: Context, importId: string): Promise<void> {
  const { database } = context;
  for (let more = true; more;)
    more = await database.transaction(async (trx) => {
      const integrationId = await settlingOf(trx, importId);
      if (integrationId === undefined) return false;
      const documents = await listRemovals(trx, integrationId, BATCH);
      await countListed(
        trx,
        importId,
        integrationId,
        documents.map(({ ref }) => ref),
      );
      await upsertRemovedItems(trx, importId, integrationId, documents, { reason: REASON, code: 'gone' });
      await deleteDocuments(
        trx,
        documents.map(({ id }) => id),
      );
      if (documents.length < BATCH) await finish(trx, importId);
      return documents.length === BATCH;
    });
  await database.transaction(deleteOrphanEmbeddings);
}

/** The person says that the documents are to stay: they are no longer followed, so that nobody is asked about them again. */
async function keepGone(context: Context, importId: string): Promise<void> {
  await context.database.transaction(async (trx) => {
    const integrationId = await settlingOf(trx, importId);
    if (integrationId === undefined) return;
    await unfollowRemovals(trx, integrationId);
    await finish(trx, importId);
  });
}

/** The integration of a sync whose removals are still to be settled, with the sync's lock; undefined for one that is over. */
async function settlingOf(trx: Knex.Transaction, importId: string): Promise<string | undefined> {
  if ((await lockImport(trx, importId)) !== 'running') return undefined;
  const head = await findImportHead(trx, importId);
  return head?.removals === 'pending' || head?.removals === 'held' ? head.integrationId : undefined;
}

async function finish(trx: Knex.Transaction, importId: string): Promise<void> {
  await setRemovals(trx, importId, 'done');
  await finishImportIfDone(trx, importId);
}
