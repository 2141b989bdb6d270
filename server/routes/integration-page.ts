import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { accountLabel, formatCount, formatDate, formatMaybeDate, plural, platformLabel } from '../format.ts';
import type { FieldError } from '../forms/form.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { Integration, IntegrationStatus } from '../services/integration-service.ts';
import type { ImportSummary } from '../services/import-service.ts';
import type { ScheduleName, Selection } from '../services/sync-service.ts';
import type { WebhookStatus } from '../services/webhook-service.ts';
import { render } from '../views.ts';
import { scopeText } from './import-choices.ts';
import { STATUS_LABELS as SYNC_LABELS } from './import-labels.ts';
import { toListedImport } from './import-overview.ts';
import { REQUEST_HOURS, toRequestSpans } from './request-counts-view.ts';
import type { IntegrationCard, SelectionRow, SyncChart, WebhookState } from './integration-views.ts';

export const STATUS_LABELS: Record<IntegrationStatus, string> = {
  active: 'Connected',
  needs_reconnect: 'Needs reconnecting',
  missing_scope: 'Permission missing',
  disconnecting: 'Disconnecting',
};

/** An account in a few words and figures. */
export const toCard = (integration: Integration, documentCount: number): IntegrationCard => ({
  id: integration.id,
  account: accountLabel(integration),
  owner: integration.accountEmail ? integration.accountName : undefined,
  status: integration.status,
  statusLabel: STATUS_LABELS[integration.status],
  statusDetail: integration.statusDetail,
  connectedAt: formatDate(integration.connectedAt),
  lastSyncAt: formatMaybeDate(integration.lastSyncAt),
  throttledUntil: formatMaybeDate(integration.throttledUntil),
  documents: plural(documentCount, 'document'),
  reconnectHref: integration.method === 'oauth' ? undefined : reconnectByToken(integration),
});

/** The form of the account's kind of token. */
export const reconnectByToken = ({ platform, id }: Integration): string =>
  paths.connectToken(platform, { integration: id });

const SCHEDULE_LABELS: Record<ScheduleName, string> = {
  '15m': 'Every 15 minutes',
  '1h': 'Every hour',
  '24h': 'Every day',
};

/** A selection as people read it: what, with which options, since when. */
export const toSelectionRow = (selection: Selection): SelectionRow => ({
  id: selection.id,
  name: selection.name,
  path: selection.path,
  options: [selection.category === undefined ? '' : `Category “${selection.category}”.`, scopeText(selection)]
    .filter((text) => text !== '')
    .join(' '),
  since: formatDate(selection.createdAt),
});

/** How a service's calls stand, as people read it. */
function toWebhookState(label: string, status: WebhookStatus | undefined): WebhookState | undefined {
  if (!status) return undefined;
  const { wanted, byHand, watching, unwatched, heard, problem } = status;
  return {
    label: `Let ${label} say at once when something changes`,
    hint:
      status.impossible ??
      `${label} calls the hub then, and a sync begins within half a minute. Keep a schedule as well: a call may get lost.`,
    wanted,
    // What is on can be switched off anywhere.
    disabled: status.impossible !== undefined && !wanted,
    setUp: wanted ? status.setUp : undefined,
    address: wanted && byHand ? status.address : undefined,
    watching: watching > 0 ? plural(watching, 'place') : undefined,
    unwatched: unwatched > 0 ? plural(unwatched, 'place') : undefined,
    beginning: wanted && !byHand && watching + unwatched === 0 && problem === undefined,
    renewsAt: formatMaybeDate(status.renewsAt),
    heardAt: formatMaybeDate(status.heardAt),
    heard: plural(heard, 'call'),
    problem,
    triedAgainAt: formatMaybeDate(status.triedAgainAt),
  };
}

const CHART_SYNCS = 30;
const LATEST_SYNCS = 5;

/** What the last syncs changed, oldest first, as a chart and in words; undefined while there were none. */
function toSyncChart(syncs: ImportSummary[]): SyncChart | undefined {
  if (syncs.length === 0) return undefined;
  const changed = ({ counts }: ImportSummary): number => counts.indexed + counts.removed;
  const most = Math.max(...syncs.map(changed));
  const broken = syncs.filter(({ status }) => status === 'failed').length;
  const total = syncs.reduce((sum, sync) => sum + changed(sync), 0);
  const brought = total === 0 ? 'nothing new' : plural(total, 'change');
  const peak = syncs.length > 1 && total > 0 ? `, at most ${formatCount(most)} at once` : '';
  return {
    bars:
      total === 0
        ? []
        : [...syncs].reverse().map((sync) => ({
            label: labelOf(sync, changed(sync)),
            height: Math.round((changed(sync) / most) * 1000),
          })),
    summary: `${syncs.length === 1 ? 'The last sync' : `The last ${formatCount(syncs.length)} syncs`} brought ${brought}${peak}; ${broken === 0 ? 'none' : formatCount(broken)} failed`,
  };
}

/** "22 Nov 2026, 09:14 UTC: failed, 3 changes, 1 item failed". */
const labelOf = ({ startedAt, status, counts }: ImportSummary, changes: number): string =>
  `${formatDate(startedAt).text}: ${[
    ...(status === 'finished' ? [] : [SYNC_LABELS[status].toLowerCase()]),
    plural(changes, 'change'),
    ...(counts.failed > 0 ? [`${plural(counts.failed, 'item')} failed`] : []),
  ].join(', ')}`;

/** Answers with the page of one account; `errors` are those of its schedule's form. Errors: NotFoundError. */
export async function showIntegration(
  context: Context,
  req: Request,
  res: Response,
  errors?: FieldError[],
): Promise<void> {
  const { imports, integrations, requestCounts, syncs, webhooks, definitions } = context;
  const user = currentUser(req);
  const integration = await integrations.get(user, param(req, 'id'));
  const documentCount = await integrations.documentCount(user, integration.id);
  const selections = await syncs.selections(user, integration.id);
  const latest = (await imports.list(user, { syncsOf: integration.id, limit: CHART_SYNCS })).imports;
  const { every, nextAt } = await syncs.schedule(user, integration.id);
  const definition = definitions.find((known) => known.id === integration.platform);
  const asked = definition?.scopes ?? [];
  const label = platformLabel(definitions, integration.platform);
  const form = definition?.tokenForms?.find(({ id }) => id === integration.method);
  render(res, 'integrations/show', {
    title: `${label}: ${accountLabel(integration)}`,
    section: 'integrations',
    integration: { ...toCard(integration, documentCount), platform: integration.platform, label },
    token: form && {
      label: form.label,
      help: form.help,
      deleteUrl: form.helpUrl,
      siteUrl: integration.site?.url ?? '',
      fromSettings: integration.fromSettings,
    },
    schedule: {
      every: every ?? '',
      nextAt: formatMaybeDate(nextAt),
      choices: Object.entries(SCHEDULE_LABELS).map(([id, text]) => ({ id, label: text })),
    },
    webhooks: toWebhookState(label, await webhooks.status(user, integration.id)),
    chart: toSyncChart(latest),
    imports: latest.slice(0, LATEST_SYNCS).map((sync) => toListedImport(sync, [integration])),
    pace: definition && {
      perSecond: formatCount(definition.pace.integration.perSecond),
      burst: plural(definition.pace.integration.burst, 'request'),
    },
    requests: toRequestSpans(await requestCounts.lastHours(integration.id, REQUEST_HOURS)),
    selections: selections.map(toSelectionRow),
    scopes: asked.map(({ scope, reason }) => ({ scope, reason, granted: integration.scopes.includes(scope) })),
    otherScopes: integration.scopes.filter((scope) => !asked.some((known) => known.scope === scope)),
    manualRevokeUrl: definition?.manualRevokeUrl ?? '',
    errors,
  });
}
