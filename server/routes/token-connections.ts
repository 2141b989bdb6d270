import { Router, type Request, type Response } from 'express';
import { PLATFORMS, type ProviderDefinition, type TokenForm } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { AppError, InvalidInputError, NotFoundError } from '../errors.ts';
import { accountLabel } from '../format.ts';
import { typedValues, type FieldError } from '../forms/form.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { Integration } from '../services/integration-service.ts';
import { flash, render } from '../views.ts';
import { toSetupHelp } from './setup-card.ts';

/** What the address of the page names. */
type Asked = { definition: ProviderDefinition; forms: TokenForm[]; form: TokenForm; reconnected?: Integration };

/** The page where an account is connected, or reconnected, by a token that was made at the service. */
export function tokenConnectionRoutes(context: Context): Router {
  const router = Router();
  const { integrations, grants, definitions } = context;

  /** Errors: NotFoundError. Without a form in the address it is the first one, and that of an account to be reconnected for good. */
  async function askedFor(req: Request): Promise<Asked> {
    const platform = PLATFORMS.find((known) => known === param(req, 'platform'));
    const definition = definitions.find(({ id }) => id === platform);
    const id = queryValue(req, 'integration');
    const reconnected = id === undefined ? undefined : await integrations.get(currentUser(req), id);
    const all = definition?.tokenForms ?? [];
    const forms = reconnected ? all.filter((form) => form.id === reconnected.method) : all;
    const name = queryValue(req, 'form');
    const form = name === undefined ? forms[0] : forms.find((known) => known.id === name);
    if (!definition || !form || (reconnected && reconnected.platform !== platform))
      throw new NotFoundError('This way to connect');
    return { definition, forms, form, reconnected };
  }

  function show(
    req: Request,
    res: Response,
    asked: Asked,
    shown: { values?: Record<string, string>; errors?: FieldError[] },
  ): void {
    const { definition, forms, form, reconnected } = asked;
    const hrefOf = ({ id }: TokenForm): string =>
      paths.connectToken(definition.id, { form: id, integration: reconnected?.id });
    const user = currentUser(req);
    const setup =
      user.role === 'admin' && !reconnected
        ? context.setup.services(user).find((one) => one.definition === definition)
        : undefined;
    render(res, 'integrations/token', {
      title: `${reconnected ? 'Reconnect' : 'Connect'} ${definition.label} with a token`,
      section: 'integrations',
      platform: definition.id,
      label: definition.label,
      reconnected: reconnected && { account: accountLabel(reconnected), href: paths.integration(reconnected.id) },
      tabs: forms.map((one) => ({ label: one.label, href: hrefOf(one), current: one === form })),
      action: hrefOf(form),
      form,
      setup: setup && toSetupHelp(setup),
      ...shown,
    });
  }

  router.get('/admin/integrations/:platform/token', async (req, res) => {
    const asked = await askedFor(req);
    const known = asked.reconnected;
    const ofKind = { url: known?.site?.url ?? '', email: known?.accountEmail ?? '', secret: '' };
    show(req, res, asked, {
      values: Object.fromEntries(asked.form.fields.map(({ name, kind }) => [name, ofKind[kind]])),
    });
  });

  router.post('/admin/integrations/:platform/token', async (req, res) => {
    const asked = await askedFor(req);
    const { definition, form, reconnected } = asked;
    const fields = form.fields.map(({ name }) => name);
    const secrets = form.fields.filter(({ kind }) => kind === 'secret').map(({ name }) => name);
    try {
      const { integration } = await grants.connectWithToken(currentUser(req), definition.id, {
        form: form.id,
        values: typedValues(req.body, fields),
        integrationId: reconnected?.id,
      });
      flash(req, { kind: 'success', message: `${definition.label} is connected: ${accountLabel(integration)}.` });
      res.redirect(303, paths.integration(integration.id));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.status >= 500)
        context.logger.warn(
          { err: error, requestId: req.requestId, platform: definition.id },
          'an account could not be connected by a token',
        );
      const errors =
        error instanceof InvalidInputError
          ? (error.details.errors as FieldError[])
          : [{ field: '', message: error.message }];
      const kept = fields.filter((name) => !secrets.includes(name));
      res.status(error.status);
      show(req, res, asked, { errors, values: typedValues(req.body, kept) });
    }
  });

  return router;
}
