import { ProviderError } from '../../providers/errors.ts';
import type { Change, ChangeFeeds } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import type { JobPayloads } from '../queue/payloads.ts';
import { JobRetry } from '../queue/worker.ts';
import { advanceFeed, listFeeds } from '../stores/feed-store.ts';
import { findImportHead, lockImport, setRemovals } from '../stores/import-store.ts';
import {
  findIntegrationById,
  holdActiveIntegration,
  needsRelisting,
  setRelisting,
} from '../stores/integration-store.ts';
import { listSelections, type Selection } from '../stores/scope-store.ts';
import { applyChanges } from './changes.ts';
import type { Account } from './feeds.ts';
import { failSync } from './ledger.ts';
import { listAnew } from './list-anew.ts';
import type { Hand } from './work-in-hand.ts';

/** A feed that never ends is the vendor's mistake; ours would be to follow it for ever. */
const MAX_PAGES = 100_000;

/**
 * Reads what changed since the last time: each feed from its cursor, a page a transaction, so that a crash repeats a page and never skips
 * one. What no feed tells of is listed anew. What is gone is only noted: it is taken away when everything was seen.
 */
export async function sync(context: Context, payload: JobPayloads['sync'], job: Hand): Promise<void> {
  const { database, providers, connections } = context;
  const head = await findImportHead(database.knex, payload.importId);
  if (!head?.integrationId || head.status !== 'running' || head.removals !== 'reading') return;
  const integration = await findIntegrationById(database.knex, head.integrationId);
  const provider = integration && providers.get(integration.platform);
  if (!integration || !provider) return;
  job.stage('listing');
  const connection = connections.open(integration, job.signal);
  const run: SyncRun = { context, importId: head.id, integration, provider, connection, job };
  try {
    const selections = await listSelections(database.knex, integration.id);
    const told = provider.changes ? await readFeeds(run, provider.changes, selections) : selections;
    // What an earlier sync was told and did not bring to its end is told by no feed again.
    const unfollowed = (await needsRelisting(database.knex, integration.id)) ? selections : told;
    await database.transaction(async (trx) => {
      if (!(await holdActiveIntegration(trx, integration.id))) return;
      if ((await lockImport(trx, head.id)) !== 'running') return;
      await listAnew(context, trx, head.id, integration.id, unfollowed);
      await setRelisting(trx, integration.id, false);
      await setRemovals(trx, head.id, 'pending');
      await context.queue.enqueue(trx, 'settle-removals', [{ importId: head.id }]);
    });
  } catch (error) {
    if (error instanceof JobRetry) throw error;
    await failSync(context, integration, payload, job, error);
  }
}

export type SyncRun = Account & { context: Context; importId: string; job: Hand };

/** Reads every followed feed to its end. Gives the selections that none of them tells of. */
async function readFeeds(run: SyncRun, feeds: ChangeFeeds, selections: Selection[]): Promise<Selection[]> {
  const { context, integration, connection } = run;
  const followed = await listFeeds(context.database.knex, integration.id);
  for (const { feed, cursor } of followed) await readFeed(run, feeds, feed, cursor);
  const names = new Set(followed.map(({ feed }) => feed));
  return selections.filter(({ ref }) => {
    const feed = feeds.feedOf(ref, connection);
    return feed === undefined || !names.has(feed);
  });
}

/** Where the vendor no longer knows the cursor, a new one is taken, and everything is to be listed behind it. */
async function readFeed(run: SyncRun, feeds: ChangeFeeds, feed: string, from: string): Promise<void> {
  const { context, integration, provider, connection, job } = run;
  const { database } = context;
  let cursor = from;
  try {
    for (let page = 0; page < MAX_PAGES; page++) {
      if (job.signal.aborted) throw new JobRetry('the worker is stopping');
      const read = await feeds.read(connection, feed, cursor);
      if (!read.done && read.cursor === cursor)
        throw new ProviderError(
          'bad_response',
          integration.platform,
          `${provider.definition.label} answered with the same page of changes twice, so they could not be read to their end.`,
        );
      const goOn = await database.transaction(async (trx) => {
        if (!(await holdActiveIntegration(trx, integration.id))) return false;
        if ((await lockImport(trx, run.importId)) !== 'running') return false;
        await applyChanges(trx, run, lastOfEach(read.changes));
        await advanceFeed(trx, integration.id, feed, read.cursor);
        return true;
      });
      if (!goOn || read.done) return;
      cursor = read.cursor;
    }
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind !== 'cursor_expired') throw error;
    // Taken before anything is listed, so that what changes meanwhile is in it.
    const start = await feeds.start(connection, feed);
    await database.transaction(async (trx) => {
      await advanceFeed(trx, integration.id, feed, start);
      await setRelisting(trx, integration.id, true);
    });
  }
}

/** Of an item that is told of several times only the last; the order of the others stays. */
function lastOfEach(changes: Change[]): Change[] {
  const last = new Map<string, Change>();
  for (const change of changes) {
    const key = change.kind === 'present' ? `present ${change.item.ref}` : `gone ${change.address}`;
    last.delete(key);
    last.set(key, change);
  }
  return [...last.values()];
}
