import type { Context } from '../context.ts';
import { expandFolder } from './expand-folder.ts';
import { importItem } from './import-item.ts';
import { followOwnFeed } from './feeds.ts';
import { startHousekeeping } from './housekeeping.ts';
import { startIndexKeeper } from './keep-index.ts';
import { startNotifier } from './notify.ts';
import { startReEmbedding } from './re-embed.ts';
import { startReconciler } from './reconcile.ts';
import { startRemovingOriginals } from './remove-originals.ts';
import { startSchedule } from './schedule.ts';
import { settleRemovals } from './settle-removals.ts';
import { createWorkroom } from './suspects.ts';
import { sync } from './sync.ts';
import { startWorkInHand } from './work-in-hand.ts';

/** Takes the jobs of imports, syncs and notifications, and begins the syncs that are due. Gives a function that stops all of it. */
export function registerImportJobs(context: Context): () => void {
  const { queue, config } = context;
  const room = createWorkroom();
  const inHand = startWorkInHand(context);
  queue.work('import-item', { concurrency: config.importConcurrency }, (payload, job) =>
    inHand.take({ kind: 'items', id: payload.itemId, importId: payload.importId }, job, (hand) =>
      importItem(context, payload, hand, room),
    ),
  );
  queue.work('expand-folder', { concurrency: Math.min(4, config.importConcurrency) }, (payload, job) =>
    inHand.take({ kind: 'folders', id: payload.folderId, importId: payload.importId }, job, (hand) =>
      expandFolder(context, payload, hand),
    ),
  );
  queue.work('follow-changes', { concurrency: 2 }, (payload) => followOwnFeed(context, payload));
  queue.work('sync', { concurrency: 2 }, (payload, job) =>
    inHand.take({ kind: 'imports', id: payload.importId, importId: payload.importId }, job, (hand) =>
      sync(context, payload, hand),
    ),
  );
  queue.work('settle-removals', { concurrency: 2 }, (payload) => settleRemovals(context, payload));
  queue.work('keep-watches', { concurrency: 2 }, ({ integrationId }, job) =>
    context.watches.keep(integrationId, job.signal),
  );
  queue.work('notify', { concurrency: 4 }, ({ deliveryId }) => context.notifications.deliver(deliveryId));
  const stops = [
    startReconciler(context),
    startSchedule(context),
    startNotifier(context),
    startRemovingOriginals(context),
    startHousekeeping(context),
    startIndexKeeper(context),
    startReEmbedding(context),
    inHand.stop,
  ];
  return () => stops.forEach((stop) => stop());
}
