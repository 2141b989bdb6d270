import { Router } from 'express';
import type { Context } from '../context.ts';
import { formatBytes, formatCount, formatDate, formatMaybeDate, plural } from '../format.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import {
  ITEM_STATES,
  type ImportItem,
  type ImportStatus,
  type ImportSummary,
  type ItemState,
} from '../services/import-service.ts';
import { flash, render } from '../views.ts';
import { scopeText } from './import-choices.ts';
import type { ImportOverview, ImportRow } from './import-views.ts';

const STATE_LABELS: Record<ItemState, string> = {
  waiting: 'Waiting',
  running: 'Running',
  indexed: 'Indexed',
  unchanged: 'Unchanged',
  skipped: 'Skipped',
  failed: 'Failed',
  removed: 'Removed',
};

const STATUS_LABELS: Record<ImportStatus, string> = {
  running: 'Running',
  finished: 'Finished',
  cancelled: 'Cancelled',
  failed: 'Failed',
};

/** States that stand in every import's filter; the others only while an item has them. */
const ALWAYS_SHOWN: ItemState[] = ['indexed', 'skipped', 'failed'];

const foldersText = (folders: number): string => {
  if (folders === 0) return '';
  return folders === 1
    ? '1 folder is still being listed, so the total grows.'
    : `${formatCount(folders)} folders are still being listed, so the total grows.`;
};

function toOverview(summary: ImportSummary): ImportOverview {
  const { total, waiting, running } = summary.counts;
  const done = total - waiting - running;
  return {
    id: summary.id,
    status: summary.status,
    statusLabel: STATUS_LABELS[summary.status],
    category: summary.category,
    scopeText: scopeText(summary),
    startedAt: formatDate(summary.startedAt),
    finishedAt: formatMaybeDate(summary.finishedAt),
    total,
    done,
    progressText: `${formatCount(done)} of ${plural(total, 'item')} done`,
    foldersText: foldersText(summary.foldersWaiting),
    // A cancelled import still has running items until their work has ended.
    running: summary.finishedAt === null,
  };
}

const toRow = (item: ImportItem): ImportRow => ({
  id: item.id,
  name: item.name,
  path: item.path,
  state: item.state,
  stateLabel: STATE_LABELS[item.state],
  reason: item.reason,
  size: formatBytes(item.sizeBytes),
  chunks: item.chunkCount === undefined ? '' : formatCount(item.chunkCount),
  documentHref: item.documentId ? paths.document(item.documentId) : undefined,
});

/** Pages of the imports: all of them, one with its ledger, cancel, retry. */
export function importRoutes(context: Context): Router {
  const router = Router();
  const { imports } = context;

  router.get(paths.imports, async (req, res) => {
    const page = await imports.list(currentUser(req), { cursor: queryValue(req, 'cursor') });
    render(res, 'imports/index', {
      title: 'Imports',
      section: 'imports',
      imports: page.imports.map((summary) => ({
        ...toOverview(summary),
        outcome: ITEM_STATES.filter((state) => summary.counts[state] > 0).map((state) => ({
          state,
          text: `${formatCount(summary.counts[state])} ${STATE_LABELS[state].toLowerCase()}`,
        })),
      })),
      nextHref: page.nextCursor === undefined ? undefined : paths.importsPage(page.nextCursor),
    });
  });

  router.get('/admin/imports/:id', async (req, res) => {
    const id = param(req, 'id');
    const asked = queryValue(req, 'state');
    const filter = ITEM_STATES.find((state) => state === asked);
    const cursor = queryValue(req, 'cursor');
    const found = await imports.get(currentUser(req), id, { cursor, state: filter });
    const shown = ITEM_STATES.filter(
      (state) =>
        found.counts[state] > 0 || ALWAYS_SHOWN.includes(state) || state === filter || found.finishedAt === null,
    ).filter((state) => state !== 'removed' || found.counts.removed > 0);
    const overview = toOverview(found);
    render(res, 'imports/show', {
      title: found.category ? `Import: ${found.category}` : 'Import',
      section: 'imports',
      overview,
      filters: [
        {
          state: 'total',
          label: 'All',
          count: formatCount(found.counts.total),
          href: paths.import(id),
          current: !filter,
        },
        ...shown.map((state) => ({
          state,
          label: STATE_LABELS[state],
          count: formatCount(found.counts[state]),
          href: paths.import(id, { state }),
          current: state === filter,
        })),
      ],
      rows: found.items.map(toRow),
      lastPage: found.nextCursor === undefined,
      filter,
      filterLabel: filter && STATE_LABELS[filter].toLowerCase(),
      nextHref:
        found.nextCursor === undefined ? undefined : paths.import(id, { cursor: found.nextCursor, state: filter }),
      firstHref: cursor === undefined ? undefined : paths.import(id, { state: filter }),
      retryable: found.counts.failed > 0 ? plural(found.counts.failed, 'failed item') : undefined,
      stateLabels: STATE_LABELS,
    });
  });

  router.get('/admin/imports/:id/cancel', async (req, res) => {
    const found = await imports.get(currentUser(req), param(req, 'id'));
    if (found.status !== 'running') return res.redirect(303, paths.import(found.id));
    render(res, 'imports/cancel', {
      title: 'Cancel this import',
      section: 'imports',
      overview: toOverview(found),
      waiting: plural(found.counts.waiting, 'waiting item'),
    });
  });

  router.post('/admin/imports/:id/cancel', async (req, res) => {
    const id = param(req, 'id');
    await imports.cancel(currentUser(req), id);
    flash(req, { kind: 'success', message: 'The import is cancelled. What was indexed before is kept.' });
    res.redirect(303, paths.import(id));
  });

  router.post('/admin/imports/:id/retry', async (req, res) => {
    const id = param(req, 'id');
    const count = await imports.retry(currentUser(req), id);
    flash(req, { kind: 'success', message: `Trying ${plural(count, 'item')} again.` });
    res.redirect(303, paths.import(id));
  });

  return router;
}
