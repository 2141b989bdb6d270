import { Router } from 'express';
import type { Context } from '../context.ts';
import { accountLabel, formatBytes, formatCount, platformLabel, plural } from '../format.ts';
import { filtersForm } from '../forms/filters-form.ts';
import { parseForm } from '../forms/form.ts';
import { selectionForm } from '../forms/selection-form.ts';
import { currentUser, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { AccountEstimate, Estimate, EstimateProblem } from '../services/estimate-service.ts';
import type { Tally } from '../services/estimate-tally.ts';
import type { ImportScope } from '../services/import-service.ts';
import type { ImportChoices } from '../session.ts';
import { flash, render } from '../views.ts';
import { scopeText } from './import-choices.ts';
import type { ReviewAccount, ReviewFact, ReviewLocals } from './review-views.ts';
import { toSelected } from './selected-items.ts';

const NOTHING = 'Nothing is selected. Tick at least one file or folder, then review the import.';

/** The page between selecting and importing: what the import would find. What it counts is the selection in the session. */
export function reviewRoutes(context: Context): Router {
  const router = Router();

  router.get(paths.review(), async (req, res) => {
    const user = currentUser(req);
    const back = selectionForm.shape.return.parse(queryValue(req, 'from'));
    const choices: ImportChoices = { includeChildren: false, includeAttachments: false, ...req.session.importChoices };
    const filters = parseForm(filtersForm, choices.filters);
    const accounts = await context.integrations.list(user);
    const basket = (req.session.basket ?? []).filter((item) => accounts.some(({ id }) => id === item.integrationId));
    if (basket.length === 0 || !filters.ok) {
      const errors = basket.length > 0 && !filters.ok ? filters.errors.map(({ message }) => message) : [NOTHING];
      flash(req, { kind: 'error', message: errors.join(' ') });
      return res.redirect(303, back);
    }
    const { includeChildren, includeAttachments, category = '' } = choices;
    const scope: ImportScope = { recursive: true, includeChildren, includeAttachments, filters: filters.values };
    const estimate = await context.estimates.estimate(user, { items: basket.map(toSelected), ...scope });
    render(res, 'browse/review', {
      title: 'Review the import',
      section: 'browse',
      selection: `${plural(basket.length, 'selected item')} of ${plural(estimate.accounts.length, 'account')}`,
      complete: estimate.complete,
      ...totalOf(estimate),
      options: [category.trim() === '' ? '' : `Category “${category.trim()}”.`, scopeText(scope)]
        .filter((text) => text !== '')
        .join(' '),
      accounts: estimate.accounts.map((account) => toAccount(context, account, estimate.problems)),
      fields: fieldsOf(choices, back),
      back,
    });
  });

  return router;
}

/** "12"; "at least 12", or "0 so far", where not all was counted. */
const counted = (complete: boolean, count: number): string => {
  if (complete) return formatCount(count);
  return count === 0 ? '0 so far' : `at least ${formatCount(count)}`;
};

function totalOf(estimate: Estimate): Pick<ReviewLocals, 'headline' | 'facts' | 'something'> {
  return {
    headline: headlineOf(estimate),
    facts: factsOf(estimate, estimate.complete),
    something: estimate.importable > 0 || !estimate.complete,
  };
}

function headlineOf({ complete, importable }: Estimate): string {
  const files = plural(importable, 'file');
  if (importable > 0) return complete ? `${files} would be imported` : `At least ${files} would be imported`;
  return complete ? 'Nothing new would be imported' : 'How much would be imported is not known';
}

function factsOf(tally: Tally, complete: boolean): ReviewFact[] {
  const refused = tally.unsupported.reduce((sum, { count }) => sum + count, 0);
  const figure = (label: string, count: number, note?: string): ReviewFact => ({
    label,
    value: counted(complete, count),
    note,
  });
  return [
    figure('Files found', tally.files, sizeNote(tally.bytes, 0)),
    figure('To import', tally.importable, sizeNote(tally.importableBytes, tally.sizeUnknown)),
    figure('Imported before, unchanged', tally.unchanged),
    figure('Left out by the filters', tally.filtered),
    figure('Cannot be imported', refused),
  ];
}

/** "4.2 MB and 3 files of unknown size". */
function sizeNote(bytes: number, unknown: number): string | undefined {
  const parts = [
    bytes > 0 ? formatBytes(bytes) : '',
    unknown > 0 ? `${plural(unknown, 'file')} of unknown size` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' and ') : undefined;
}

function toAccount(context: Context, estimate: AccountEstimate, problems: EstimateProblem[]): ReviewAccount {
  const { integration, complete } = estimate;
  return {
    id: integration.id,
    platform: integration.platform,
    label: platformLabel(context.definitions, integration.platform),
    account: accountLabel(integration),
    // An account that could not be asked has its problem to show, and no figures.
    facts: complete || estimate.files > 0 ? factsOf(estimate, complete) : [],
    reasons: estimate.unsupported.map(({ reason, count }) => ({ reason, count: formatCount(count) })),
    problems: problems
      .filter(({ integrationId }) => integrationId === integration.id)
      .map(({ code, message }) => ({
        message,
        action: ['needs_reconnect', 'missing_scope'].includes(code)
          ? { href: paths.integration(integration.id), label: 'Reconnect' }
          : undefined,
      })),
  };
}

/** The choices as the browser's form sends them. */
function fieldsOf(choices: ImportChoices, back: string): ReviewLocals['fields'] {
  const { types = [], ...texts } = choices.filters ?? {};
  return [
    ...Object.entries({ return: back, category: choices.category ?? '', ...texts }).map(([name, value]) => ({
      name,
      value: value ?? '',
    })),
    ...types.map((value) => ({ name: 'types', value })),
    ...(['includeChildren', 'includeAttachments'] as const)
      .filter((name) => choices[name])
      .map((name) => ({ name, value: 'yes' })),
  ];
}
