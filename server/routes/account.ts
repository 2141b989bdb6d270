import { Router, type Request, type Response } from 'express';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import { formatDate, formatMaybeDate } from '../format.ts';
import { fieldErrors } from '../forms/field-errors.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { tokenForm } from '../forms/token-form.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { flash, render } from '../views.ts';

const DAY_MS = 24 * 3600 * 1000;

type Shown = { errors?: FieldError[]; values?: Record<string, string> };

/** The page of one's own API tokens. */
export function accountRoutes(context: Context): Router {
  const router = Router();
  const { tokens } = context;

  const showTokens = async (
    req: Request,
    res: Response,
    shown: Shown & { created?: { name: string; token: string; expiresAt?: Date } } = {},
  ): Promise<void> => {
    const list = await tokens.list(currentUser(req));
    const { created, ...form } = shown;
    render(res, 'tokens/index', {
      title: created ? 'Your new API token' : 'API tokens',
      section: 'tokens',
      tokens: list.map((token) => ({
        id: token.id,
        name: token.name,
        createdAt: formatDate(token.createdAt),
        expiresAt: formatMaybeDate(token.expiresAt),
        expired: token.expiresAt !== undefined && token.expiresAt.getTime() <= Date.now(),
        lastUsedAt: formatMaybeDate(token.lastUsedAt),
      })),
      created: created && { name: created.name, token: created.token, expiresAt: formatMaybeDate(created.expiresAt) },
      baseUrl: context.config.baseUrl,
      ...form,
    });
  };

  router.get(paths.tokens, (req, res) => showTokens(req, res));

  router.post(paths.tokens, async (req, res) => {
    const values = typedValues(req.body, ['name', 'days']);
    const form = parseForm(tokenForm, req.body);
    if (!form.ok) {
      res.status(422);
      return showTokens(req, res, { errors: form.errors, values });
    }
    const { name, days } = form.values;
    try {
      const created = await tokens.create(currentUser(req), {
        name,
        expiresAt: days === undefined ? undefined : new Date(Date.now() + days * DAY_MS),
      });
      // Shown in this answer only: no redirect, because a token must stand neither in a session nor in an address.
      res.status(201).set('Cache-Control', 'no-store');
      await showTokens(req, res, { created });
    } catch (error) {
      const errors = fieldErrors(error);
      res.status(422);
      await showTokens(req, res, { errors, values });
    }
  });

  router.get('/admin/tokens/:id/delete', async (req, res) => {
    const list = await tokens.list(currentUser(req));
    const token = list.find(({ id }) => id === param(req, 'id'));
    if (!token) throw new NotFoundError('This token');
    render(res, 'tokens/delete', {
      title: `Delete the token ${token.name}`,
      section: 'tokens',
      token: { id: token.id, name: token.name },
    });
  });

  router.post('/admin/tokens/:id/delete', async (req, res) => {
    await tokens.delete(currentUser(req), param(req, 'id'));
    flash(req, { kind: 'success', message: 'The token is deleted. Requests with it are refused from now on.' });
    res.redirect(303, paths.tokens);
  });

  return router;
}
