import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { accountLabel, formatDate, formatMaybeDate, plural, platformLabel } from '../format.ts';
import type { FieldError } from '../forms/form.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { Integration, IntegrationStatus } from '../services/integration-service.ts';
import type { ScheduleName, Selection } from '../services/sync-service.ts';
import type { WebhookStatus } from '../services/webhook-service.ts';
import { render } from '../views.ts';
import { scopeText } from './import-choices.ts';
import type { IntegrationCard, SelectionRow, WebhookState } from './integration-views.ts';

const STATUS_LABELS: Record<IntegrationStatus, string> = {
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

/** Answers with the page of one account; `errors` are those of its schedule's form. Errors: NotFoundError. */
export async function showIntegration(
  context: Context,
  req: Request,
  res: Response,
  errors?: FieldError[],
): Promise<void> {
  const { integrations, syncs, webhooks, definitions } = context;
  const user = currentUser(req);
  const integration = await integrations.get(user, param(req, 'id'));
  const documentCount = await integrations.documentCount(user, integration.id);
  const selections = await syncs.selections(user, integration.id);
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
    selections: selections.map(toSelectionRow),
    scopes: asked.map(({ scope, reason }) => ({ scope, reason, granted: integration.scopes.includes(scope) })),
    otherScopes: integration.scopes.filter((scope) => !asked.some((known) => known.scope === scope)),
    manualRevokeUrl: definition?.manualRevokeUrl ?? '',
    errors,
  });
}
