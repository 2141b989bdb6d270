import { Router } from 'express';
import type { Context } from '../context.ts';
import { accountLabel, formatBytes, formatCount, formatDay, platformLabel, plural } from '../format.ts';
import { currentUser } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { Holdings } from '../services/overview-service.ts';
import type { UsagePurpose } from '../services/usage-service.ts';
import { render } from '../views.ts';
import { embedderViewFor } from './embedder-view.ts';
import { toListedImport } from './import-overview.ts';
import { STATUS_LABELS } from './integration-page.ts';

const CHART_DAYS = 14;
const USAGE_DAYS = 30;
const LATEST_IMPORTS = 5;
const PURPOSES: Record<UsagePurpose, string> = { embedding: 'Embedding', answers: 'Answers' };
const COST = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** The start page: what there is, what came lately, what needs a person. */
export function overviewRoutes(context: Context): Router {
  const router = Router();
  const { integrations, imports, overview, usage, definitions } = context;

  router.get(paths.overview, async (req, res) => {
    const user = currentUser(req);
    const [accounts, holdings, days, latest, uses, embedderChange] = await Promise.all([
      integrations.list(user),
      overview.holdings(user),
      overview.importedByDay(user, CHART_DAYS),
      imports.list(user, { limit: LATEST_IMPORTS }),
      user.role === 'admin' ? usage.lastDays(USAGE_DAYS) : undefined,
      embedderViewFor(user, context.embedders),
    ]);
    const total = (of: (holding: Holdings) => number): number => holdings.reduce((sum, one) => sum + of(one), 0);
    const documents = total((one) => one.documents);
    const most = Math.max(...days.map((day) => day.documents));
    const troubled = accounts.filter(({ status }) => status !== 'active');
    render(res, 'overview/index', {
      title: 'Overview',
      section: 'overview',
      connected: accounts.length > 0,
      embedderChange,
      figures: [
        {
          label: 'Documents',
          value: formatCount(documents),
          detail: `${formatBytes(total((one) => one.bytes))} read`,
          href: paths.documents(),
        },
        {
          label: 'Passages',
          value: formatCount(total((one) => one.passages)),
          detail: 'to search',
          href: paths.search(),
        },
        {
          label: 'Accounts',
          value: formatCount(accounts.length),
          detail: troubled.length === 0 ? 'all in order' : `${formatCount(troubled.length)} need attention`,
          href: paths.integrations,
        },
      ],
      troubled: troubled.map((account) => ({
        account: accountLabel(account),
        platform: account.platform,
        label: platformLabel(definitions, account.platform),
        problem: account.statusDetail ?? STATUS_LABELS[account.status],
        href: paths.integration(account.id),
      })),
      chart: {
        bars: days.map((day) => ({
          label: `${formatDay(day.day)}: ${plural(day.documents, 'document')}`,
          height: Math.round((day.documents / Math.max(1, most)) * 1000),
        })),
        summary: `${plural(
          days.reduce((sum, day) => sum + day.documents, 0),
          'document',
        )} in the last ${CHART_DAYS} days, at most ${formatCount(most)} a day`,
        from: formatDay(days[0]!.day),
        to: 'Today',
      },
      imports: latest.imports.map((summary) => toListedImport(summary, accounts)),
      sources: holdings.map((one) => ({
        platform: one.platform,
        label: platformLabel(definitions, one.platform),
        documents: plural(one.documents, 'document'),
        length: Math.round((one.documents / Math.max(1, documents)) * 1000),
        href: paths.documents({ platform: one.platform }),
      })),
      models: uses?.map((use) => ({
        name: use.model,
        purpose: PURPOSES[use.purpose],
        requests: formatCount(use.requests),
        tokens: formatCount(use.tokensIn + use.tokensOut),
        cost: use.cost === undefined ? '' : COST.format(use.cost),
      })),
    });
  });

  return router;
}
