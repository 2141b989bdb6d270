import { Router, type Request } from 'express';
import type { Context } from '../context.ts';
import { BadRequestError } from '../errors.ts';
import { formatBytes, formatCount, formatMaybeDate, platformLabel, plural } from '../format.ts';
import { parseForm } from '../forms/form.ts';
import { retryForm } from '../forms/retry-form.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import {
  ITEM_STATES,
  type ImportItem,
  type ImportKind,
  type ImportSummary,
  type ItemState,
  type LedgerFilter,
} from '../services/import-service.ts';
import type { Integration } from '../services/integration-service.ts';
import type { User } from '../services/user-service.ts';
import { flash, render, type ViewLocals } from '../views.ts';
import { sendLedger } from '../ledger-csv.ts';
import { toChartsView } from './import-charts-view.ts';
import { STAGE_LABELS, STATE_LABELS } from './import-labels.ts';
import { toListedImport, toOverview } from './import-overview.ts';
import { toProgressView } from './import-progress-view.ts';
import type { ImportFilter, ImportRow } from './import-views.ts';

/** States that stand in every filter of its kind; the others only while an item has them. */
const ALWAYS_SHOWN: Record<ImportKind, ItemState[]> = {
  import: ['indexed', 'skipped', 'failed'],
  sync: ['indexed', 'skipped', 'failed', 'removed'],
};

/** Characters of a search in the ledger. */
const MAX_QUERY = 200;

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
  twin: item.sameAs && { title: item.sameAs.title, href: paths.document(item.sameAs.id) },
  retryable: item.retryable,
});

/** Which rows the address asks for. */
function ledgerFilterOf(req: Request): LedgerFilter {
  const asked = queryValue(req, 'state');
  return {
    state: ITEM_STATES.find((state) => state === asked),
    q: queryValue(req, 'q')?.trim().slice(0, MAX_QUERY) || undefined,
  };
}

/** All first, then each state that has its own filter; while items still come, that is every state they may get. */
function filtersOf(found: ImportSummary, filter: ItemState | undefined, q: string | undefined): ImportFilter[] {
  const { id, kind, counts, finishedAt } = found;
  const shown = ITEM_STATES.filter(
    (state) =>
      counts[state] > 0 ||
      ALWAYS_SHOWN[kind].includes(state) ||
      state === filter ||
      (finishedAt === null && state !== 'removed'),
  );
  return [
    { state: 'total', label: 'All', count: formatCount(counts.total), href: paths.import(id, { q }), current: !filter },
    ...shown.map((state) => ({
      state,
      label: STATE_LABELS[state],
      count: formatCount(counts[state]),
      href: paths.import(id, { state, q }),
      current: state === filter,
    })),
  ];
}

/** Pages of the imports: all of them, one with its ledger, cancel, retry. */
export function importRoutes(context: Context): Router {
  const router = Router();
  const { imports, integrations, syncs } = context;

  router.get(paths.imports, async (req, res) => {
    const user = currentUser(req);
    const page = await imports.list(user, { cursor: queryValue(req, 'cursor') });
    const accounts = await integrations.list(user);
    render(res, 'imports/index', {
      title: 'Imports',
      section: 'imports',
      imports: page.imports.map((summary) => toListedImport(summary, accounts)),
      nextHref: page.nextCursor === undefined ? undefined : paths.importsPage(page.nextCursor),
    });
  });

  router.get('/admin/imports/:id', async (req, res) => {
    const id = param(req, 'id');
    const user = currentUser(req);
    const { state: filter, q } = ledgerFilterOf(req);
    const cursor = queryValue(req, 'cursor');
    const found = await imports.get(user, id, { cursor, state: filter, q });
    const accounts = await integrations.list(user);
    const overview = toOverview(found, accounts);
    render(res, 'imports/show', {
      title: overview.title,
      section: 'imports',
      overview,
      progress: toProgressView(found),
      charts: toChartsView(id, await imports.charts(user, id)),
      eventsHref: paths.importEvents(id, found.position),
      ledgerHref: paths.importLedger(id, { state: filter, q }),
      q,
      outcome: found.outcome,
      mismatch: found.mismatch,
      ...(found.kind === 'sync' ? await syncLocals(user, found, accounts) : {}),
      filters: filtersOf(found, filter, q),
      rows: found.items.map(toRow),
      lastPage: found.nextCursor === undefined && q === undefined,
      filter,
      filterLabel: filter && STATE_LABELS[filter].toLowerCase(),
      nextHref:
        found.nextCursor === undefined ? undefined : paths.import(id, { cursor: found.nextCursor, state: filter, q }),
      firstHref: cursor === undefined ? undefined : paths.import(id, { state: filter, q }),
      retryable: found.counts.failed > 0 ? plural(found.counts.failed, 'failed item') : undefined,
      stateLabels: STATE_LABELS,
      stageLabels: STAGE_LABELS,
    });
  });

  /** What the page of a sync says beyond that of an import. */
  async function syncLocals(
    user: User,
    found: ImportSummary,
    accounts: Integration[],
  ): Promise<Partial<ViewLocals['imports/show']>> {
    const account = accounts.find(({ id }) => id === found.integrationId);
    const removals = found.held ? await syncs.held(user, found.id) : undefined;
    const foundNothing = found.status === 'finished' && found.counts.total === 0;
    return {
      account: account && {
        service: platformLabel(context.definitions, account.platform),
        href: paths.integration(account.id),
      },
      unchangedSince: foundNothing ? formatMaybeDate(await syncs.previous(user, found.id)) : undefined,
      problem: found.problem,
      removals: removals && {
        question: `This sync would remove ${formatCount(removals.count)} of ${plural(removals.of, 'document')}`,
        named:
          removals.count > removals.examples.length ? `The first ${removals.examples.length} of them:` : 'They are:',
        paths: removals.examples.map(({ path, title }) => path || title),
      },
    };
  }

  router.get('/admin/imports/:id/ledger.csv', async (req, res) => {
    const filter = ledgerFilterOf(req);
    await sendLedger(res, await imports.export(currentUser(req), param(req, 'id'), filter), filter, context);
  });

  router.get('/admin/imports/:id/cancel', async (req, res) => {
    const user = currentUser(req);
    const found = await imports.get(user, param(req, 'id'));
    if (found.status !== 'running') return res.redirect(303, paths.import(found.id));
    render(res, 'imports/cancel', {
      title: `Cancel this ${found.kind}`,
      section: 'imports',
      overview: toOverview(found, await integrations.list(user)),
      waiting: plural(found.counts.waiting, 'waiting item'),
    });
  });

  router.post('/admin/imports/:id/cancel', async (req, res) => {
    const id = param(req, 'id');
    await imports.cancel(currentUser(req), id);
    flash(req, { kind: 'success', message: 'It is cancelled. What was indexed before is kept.' });
    res.redirect(303, paths.import(id));
  });

  router.post('/admin/imports/:id/retry', async (req, res) => {
    const id = param(req, 'id');
    const form = parseForm(retryForm, req.body);
    if (!form.ok) throw new BadRequestError('bad_request', form.errors[0]?.message ?? '');
    const count = await imports.retry(currentUser(req), id, form.values);
    flash(req, { kind: 'success', message: `Trying ${plural(count, 'item')} again.` });
    res.redirect(303, paths.import(id));
  });

  return router;
}
