import type { z } from 'zod';
import { PLATFORMS, type Platform, type TokenForm } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { InvalidInputError, NotFoundError } from '../errors.ts';
import type { User } from '../services/user-service.ts';
import { toFiles, toIntegration, toIntegrations } from './answers.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { beginGrant, finishGrant } from './grants.ts';
import { startImport, startsImport } from './imports.ts';
import * as schemas from './schemas.ts';

/** Connecting, listing, browsing and disconnecting accounts, and importing from one. */
export function integrationRoutes(context: Context): ApiRouter {
  const { integrations, grants } = context;
  const api = createApiRouter();
  const group = 'Integrations';

  api.get(
    '/integrations',
    {
      group,
      name: 'listIntegrations',
      about: 'List connected accounts',
      notes: 'A service without an account stands there once, with what is missing to connect one.',
      answers: { 200: schemas.integrationsAnswer },
    },
    async ({ user }) => toIntegrations(await integrations.overview(user)),
  );

  api.get(
    '/integrations/:platform/connect',
    {
      group,
      name: 'connect',
      about: 'Begin to connect an account',
      notes: 'Leads to the consent page of the service; with `format=json` its address is the answer.',
      query: schemas.connectQuery,
      answers: { 200: schemas.connectAnswer, 302: { about: 'To the consent page' } },
    },
    async ({ req, res, param, query: { format } }) => {
      const { url } = await beginGrant(context, req, platformOf(param('platform')));
      if (format === 'json') return { url };
      res.redirect(302, url);
    },
  );

  api.get(
    '/integrations/:platform/callback',
    {
      group,
      name: 'finishConnect',
      about: 'Finish connecting an account',
      notes: 'Where the service sends people back to. A browser is sent on to the page of the account.',
      query: schemas.callbackQuery,
      answers: { 200: schemas.callbackAnswer, 303: { about: 'To the page of the account' } },
    },
    async ({ req, res, param }) => finishGrant(context, req, res, platformOf(param('platform'))),
  );

  api.post(
    '/integrations/:platform/api-token',
    {
      group,
      name: 'connectWithToken',
      about: 'Connect an account with a token of its own',
      notes: 'The members are those of one of the forms of the service. It is tried before it is stored.',
      body: schemas.connectTokenRequest,
      answers: { 200: schemas.tokenConnectedAnswer, 201: schemas.tokenConnectedAnswer },
    },
    async ({ res, user, param, body: values }) => {
      const platform = platformOf(param('platform'));
      const form = formOf(context, platform, values);
      const { integration, created } = await grants.connectWithToken(user, platform, { form: form.id, values });
      res.status(created ? 201 : 200);
      return { integration: toIntegration(integration) };
    },
  );

  api.delete(
    '/integrations/:target',
    {
      group,
      name: 'disconnect',
      about: 'Disconnect an account',
      notes: 'Its documents are kept unless `documents=delete`.',
      query: schemas.disconnectQuery,
      answers: { 200: schemas.disconnectAnswer },
    },
    async ({ user, param, query: { documents } }) => {
      const integration = await integrations.resolve(user, param('target'));
      const outcome = await integrations.disconnect(user, integration.id, { documents });
      return {
        success: true as const,
        revoked: outcome.revoked,
        manualRevokeUrl: outcome.manualRevokeUrl,
        documents: { kept: outcome.documents.kept, deleted: outcome.documents.deleted },
      };
    },
  );

  api.get(
    '/integrations/:target/files',
    {
      group,
      name: 'listFiles',
      about: 'Browse or search an account',
      notes: 'A page of a folder, as the service gives it; with `q` what the service finds.',
      query: schemas.filesQuery,
      answers: { 200: schemas.filesAnswer },
    },
    async ({ user, param, query }) => listFiles(context, user, param('target'), query),
  );

  api.post(
    '/integrations/:target/import',
    {
      group: 'Imports',
      name: 'importFiles',
      about: 'Import from one account',
      body: schemas.importFilesRequest,
      ...startsImport,
    },
    async (asked) => {
      const { user, param } = asked;
      const { fileIds, category, filters, ...scope } = asked.body;
      return startImport(context, asked, 'import', async () => {
        const integration = await integrations.resolve(user, param('target'));
        const { id } = await context.imports.create(user, {
          items: fileIds.map((ref) => ({ integrationId: integration.id, ref })),
          category: category ?? undefined,
          filters: filters ?? undefined,
          ...scope,
        });
        return { id, platforms: [integration.platform] };
      });
    },
  );

  return api;
}

/** A page of a folder or of a search. Errors: as of `integrations.resolve` and `browse.list`. */
export async function listFiles(
  { integrations, browse }: Context,
  user: User,
  target: string,
  { folder_id: ref, q: query, cursor }: z.output<typeof schemas.filesQuery>,
): Promise<z.output<typeof schemas.filesAnswer>> {
  const integration = await integrations.resolve(user, target);
  return toFiles(await browse.list(user, integration.id, { ref, query, cursor }));
}

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

function platformOf(name: string): Platform {
  const platform = PLATFORMS.find((known) => known === name);
  if (!platform) throw new NotFoundError(`A service called "${name.slice(0, 40)}"`);
  return platform;
}
