import { missingSettings } from '../../providers/registry.ts';
import { Router } from 'express';
import { PLATFORMS, type Platform } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import { accountLabel, plural, platformLabel } from '../format.ts';
import { disconnectForm } from '../forms/disconnect-form.ts';
import { parseForm } from '../forms/form.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { DisconnectOutcome } from '../services/integration-service.ts';
import { flash, render, type Flash } from '../views.ts';
import { reconnectByToken, showIntegration, toCard } from './integration-page.ts';
import type { PlatformCard } from './integration-views.ts';
import { toSetupHelp } from './setup-card.ts';

function outcomeMessage(label: string, outcome: DisconnectOutcome, byToken: boolean): Flash {
  const { kept, deleted } = outcome.documents;
  const documents =
    deleted > 0
      ? ` ${plural(deleted, 'document')} deleted.`
      : kept > 0
        ? ` ${plural(kept, 'document')} kept; they stay searchable.`
        : '';
  if (outcome.revoked)
    return { kind: 'success', message: `${label} is disconnected and the grant is revoked.${documents}` };
  if (byToken)
    return {
      kind: 'notice',
      message: `${label} is disconnected and its token is deleted here.${documents} Delete the token there, too: ${outcome.manualRevokeUrl ?? ''}`,
    };
  const byHand = outcome.manualRevokeUrl ? ` End it by hand at ${outcome.manualRevokeUrl}` : '';
  return {
    kind: 'notice',
    message: `${label} is disconnected and its credentials are deleted here, but the grant could not be revoked.${documents}${byHand}`,
  };
}

/** Pages of the connected accounts: cards, one account, connect, reconnect, disconnect. */
export function integrationRoutes(context: Context): Router {
  const router = Router();
  const { integrations, grants } = context;
  const labelOf = (platform: Platform): string => platformLabel(context.definitions, platform);

  router.get(paths.integrations, async (req, res) => {
    const user = currentUser(req);
    const overview = await integrations.overview(user);
    const setups = user.role === 'admin' ? context.setup.services(user).map(toSetupHelp) : [];
    const platforms = await Promise.all(
      overview.map(async ({ definition, configured, missing, problem, integrations: accounts }) => ({
        platform: definition.id,
        label: definition.label,
        summary: definition.summary,
        configured,
        problem,
        tokenHref: definition.tokenForms && paths.connectToken(definition.id),
        settingsProblem: user.role === 'admin' ? context.settingsAccount.problem(definition.id) : undefined,
        missing: missingSettings({ definition, missing }),
        redirectUri: context.config.baseUrl + paths.callback(definition.id),
        setup: setups.find(({ platform }) => platform === definition.id),
        integrations: await Promise.all(
          accounts.map(async (account) => toCard(account, await integrations.documentCount(user, account.id))),
        ),
      })),
    );
    // What is in use comes first, then what can be connected.
    const rank = (card: PlatformCard): number =>
      card.integrations.length > 0 ? 0 : card.configured || card.tokenHref ? 1 : 2;
    platforms.sort((a, b) => rank(a) - rank(b));
    render(res, 'integrations/index', { title: 'Integrations', section: 'integrations', platforms });
  });

  router.post('/admin/integrations/connect/:platform', async (req, res) => {
    const platform = PLATFORMS.find((known) => known === req.params.platform);
    if (!platform) throw new NotFoundError('This service');
    const { url } = await grants.start(currentUser(req), platform, { sessionId: req.sessionID });
    res.redirect(303, url);
  });

  router.post('/admin/integrations/:id/reconnect', async (req, res) => {
    const user = currentUser(req);
    const integration = await integrations.get(user, param(req, 'id'));
    if (integration.method !== 'oauth') return res.redirect(303, reconnectByToken(integration));
    const { url } = await grants.start(user, integration.platform, {
      sessionId: req.sessionID,
      integrationId: integration.id,
    });
    res.redirect(303, url);
  });

  router.get('/admin/integrations/:id', (req, res) => showIntegration(context, req, res));

  const showDisconnect = async (
    req: Parameters<typeof currentUser>[0],
    res: Parameters<typeof render>[0],
    errors?: { field: string; message: string }[],
  ): Promise<void> => {
    const user = currentUser(req);
    const integration = await integrations.get(user, param(req, 'id'));
    const { id, platform, method, fromSettings } = integration;
    const documentCount = await integrations.documentCount(user, id);
    const label = labelOf(platform);
    render(res, 'integrations/disconnect', {
      title: `Disconnect ${label}`,
      section: 'integrations',
      integration: { id, platform, label, account: accountLabel(integration) },
      byToken: method !== 'oauth',
      fromSettings,
      documents: documentCount > 0 ? plural(documentCount, 'document') : undefined,
      errors,
    });
  };

  router.get('/admin/integrations/:id/disconnect', (req, res) => showDisconnect(req, res));

  router.post('/admin/integrations/:id/disconnect', async (req, res) => {
    const form = parseForm(disconnectForm, req.body);
    if (!form.ok) {
      res.status(422);
      return showDisconnect(req, res, form.errors);
    }
    const user = currentUser(req);
    const integration = await integrations.get(user, param(req, 'id'));
    const outcome = await integrations.disconnect(user, integration.id, form.values);
    if (req.session.basket)
      req.session.basket = req.session.basket.filter((item) => item.integrationId !== integration.id);
    flash(req, outcomeMessage(labelOf(integration.platform), outcome, integration.method !== 'oauth'));
    res.redirect(303, paths.integrations);
  });

  return router;
}
