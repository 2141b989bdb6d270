import type { Context } from '../context.ts';
import { expandFolder } from './expand-folder.ts';
import { importItem } from './import-item.ts';
import { startReconciler } from './reconcile.ts';

/** Takes the jobs of imports: folders are listed into the ledger, files brought into the index. Gives a function that stops watching. */
export function registerImportJobs(context: Context): () => void {
  const { queue, config } = context;
  queue.work('import-item', { concurrency: config.importConcurrency }, (payload, job) =>
    importItem(context, payload, job),
  );
  queue.work('expand-folder', { concurrency: Math.min(4, config.importConcurrency) }, (payload, job) =>
    expandFolder(context, payload, job),
  );
  return startReconciler(context);
}
