import { Router, type Request } from 'express';
import { PLATFORMS, type Platform, type TokenForm } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { AppError, InvalidInputError, NotFoundError } from '../errors.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { flash } from '../views.ts';
import { toFiles, toIntegration, toIntegrations } from './answers.ts';
import { prefersPage } from './authentication.ts';
import { bodyOf, queryOf } from './input.ts';
import { answerStartedImport } from './imports.ts';
import * as schemas from './schemas.ts';

/** Connecting, listing, browsing and disconnecting accounts, and importing from one. */
export function integrationRoutes(context: Context): Router {
  const { integrations, grants, browse } = context;
  const router = Router();

  router.get('/integrations', async (req, res) => {
    res.json(toIntegrations(await integrations.overview(currentUser(req))));
  });

  router.get('/integrations/:platform/connect', async (req, res) => {
    const { format } = queryOf(req, schemas.connectQuery);
    const { url } = await grants.start(currentUser(req), platformOf(req), { sessionId: grantor(req) });
    if (format === 'json') res.json({ url });
    else res.redirect(302, url);
  });

  router.get('/integrations/:platform/callback', async (req, res) => {
    const platform = platformOf(req);
    try {
      const { error_description: errorDescription, ...query } = queryOf(req, schemas.callbackQuery);
      const integration = await grants.finish(currentUser(req), platform, {
        sessionId: grantor(req),
        query: { ...query, errorDescription },
      });
      const message = `${labelOf(context, platform)} is connected: ${integration.accountEmail ?? integration.accountName ?? integration.accountId}.`;
      if (!prefersPage(req) || req.byToken)
        return void res.json({ success: true, message, integration: toIntegration(integration) });
      flash(req, { kind: 'success', message });
      res.redirect(303, paths.integration(integration.id));
    } catch (error) {
      // A person who comes back from the vendor is told on the page where they can try again; what nobody expected goes to the error page.
      if (!prefersPage(req) || req.byToken || !(error instanceof AppError)) throw error;
      if (error.status >= 500)
        context.logger.warn({ err: error, requestId: req.requestId, platform }, 'a grant could not be completed');
      flash(req, { kind: 'error', message: error.message });
      res.redirect(303, paths.integrations);
    }
  });

  router.post('/integrations/:platform/api-token', async (req, res) => {
    const platform = platformOf(req);
    const values = bodyOf(req, schemas.connectTokenRequest);
    const form = formOf(context, platform, values);
    const { integration, created } = await grants.connectWithToken(currentUser(req), platform, {
      form: form.id,
      values,
    });
    res.status(created ? 201 : 200).json({ integration: toIntegration(integration) });
  });

  router.delete('/integrations/:target', async (req, res) => {
    const user = currentUser(req);
    const { documents } = queryOf(req, schemas.disconnectQuery);
    const integration = await integrations.resolve(user, param(req, 'target'));
    const outcome = await integrations.disconnect(user, integration.id, { documents });
    res.json({
      success: true,
      revoked: outcome.revoked,
      manualRevokeUrl: outcome.manualRevokeUrl,
      documents: { kept: outcome.documents.kept, deleted: outcome.documents.deleted },
    });
  });

  router.get('/integrations/:target/files', async (req, res) => {
    const user = currentUser(req);
    const { folder_id: ref, q: query, cursor } = queryOf(req, schemas.filesQuery);
    const integration = await integrations.resolve(user, param(req, 'target'));
    res.json(toFiles(await browse.list(user, integration.id, { ref, query, cursor })));
  });

  router.post('/integrations/:target/import', async (req, res) => {
    const user = currentUser(req);
    const { fileIds, category, filters, ...scope } = bodyOf(req, schemas.importFilesRequest);
    const integration = await integrations.resolve(user, param(req, 'target'));
    const { id } = await context.imports.create(user, {
      items: fileIds.map((ref) => ({ integrationId: integration.id, ref })),
      category: category ?? undefined,
      filters: filters ?? undefined,
      ...scope,
    });
    await answerStartedImport(context, req, res, { id, kind: 'import', platforms: [integration.platform] });
  });

  return router;
}

/** Who a grant is bound to: the browser's session, or the user behind an API token, which has none. */
const grantor = (req: Request): string => (req.byToken ? `token:${currentUser(req).id}` : req.sessionID);

const labelOf = ({ definitions }: Context, platform: Platform): string =>
  definitions.find(({ id }) => id === platform)?.label ?? platform;

/** The form whose secret was sent, else the first. Errors: NotFoundError; InvalidInputError for what no field of it is called. */
function formOf({ definitions }: Context, platform: Platform, values: Record<string, string>): TokenForm {
  const forms = definitions.find(({ id }) => id === platform)?.tokenForms ?? [];
  const form =
    forms.find(({ fields }) => fields.some(({ name, kind }) => kind === 'secret' && name in values)) ?? forms[0];
  if (!form) throw new NotFoundError('A way to connect this service with a token');
  const unknown = Object.keys(values).filter((name) => !form.fields.some((field) => field.name === name));
  if (unknown.length > 0)
    throw new InvalidInputError(unknown.map((field) => ({ field, message: `${field}: is not known here.` })));
  return form;
}

function platformOf(req: Request): Platform {
  const name = param(req, 'platform');
  const platform = PLATFORMS.find((known) => known === name);
  if (!platform) throw new NotFoundError(`A service called "${name.slice(0, 40)}"`);
  return platform;
}
