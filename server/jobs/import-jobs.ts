import type { Context } from '../context.ts';
import { expandFolder } from './expand-folder.ts';
import { importItem } from './import-item.ts';
import { followOwnFeed } from './feeds.ts';
import { startReconciler } from './reconcile.ts';
import { startSchedule } from './schedule.ts';
import { settleRemovals } from './settle-removals.ts';
import { sync } from './sync.ts';

/** Takes the jobs of imports and syncs, and begins the syncs that are due. Gives a function that stops both. */
export function registerImportJobs(context: Context): () => void {
  const { queue, config } = context;
  queue.work('import-item', { concurrency: config.importConcurrency }, (payload, job) =>
    importItem(context, payload, job),
  );
  queue.work('expand-folder', { concurrency: Math.min(4, config.importConcurrency) }, (payload, job) =>
    expandFolder(context, payload, job),
  );
  queue.work('follow-changes', { concurrency: 2 }, (payload) => followOwnFeed(context, payload));
  queue.work('sync', { concurrency: 2 }, (payload, job) => sync(context, payload, job));
  queue.work('settle-removals', { concurrency: 2 }, (payload) => settleRemovals(context, payload));
  const stops = [startReconciler(context), startSchedule(context)];
  return () => stops.forEach((stop) => stop());
}
