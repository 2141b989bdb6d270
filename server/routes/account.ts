import { Router, type Request, type Response } from 'express';
import type { Context } from '../context.ts';
import { AppError, ForbiddenError, InvalidInputError, NotFoundError } from '../errors.ts';
import { formatDate, formatMaybeDate } from '../format.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { tokenForm } from '../forms/token-form.ts';
import { userForm } from '../forms/user-form.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { flash, render } from '../views.ts';

const DAY_MS = 24 * 3600 * 1000;

type Shown = { errors?: FieldError[]; values?: Record<string, string> };

/** Conflicts that belong beside a field, by their code. */
const CONFLICTS: Record<string, string> = { email_taken: 'email', too_many_tokens: 'name' };

/** What a service says about a field, to stand beside it; anything else is thrown on. */
function fieldErrors(error: unknown): FieldError[] {
  if (error instanceof InvalidInputError) return error.details.errors as FieldError[];
  const field = error instanceof AppError ? CONFLICTS[error.code] : undefined;
  if (error instanceof AppError && field) return [{ field, message: error.message }];
  throw error;
}

function requireAdmin(req: Request): void {
  if (currentUser(req).role !== 'admin')
    throw new ForbiddenError('Only admins manage users. Ask an admin of this hub.');
}

/** Pages of the people (admins only) and of one's own API tokens. */
export function accountRoutes(context: Context): Router {
  const router = Router();
  const { tokens, users } = context;

  const showUsers = async (req: Request, res: Response, shown: Shown = {}): Promise<void> => {
    const self = currentUser(req);
    const list = await users.list();
    render(res, 'users/index', {
      title: 'Users',
      section: 'users',
      users: list.map((user) => ({
        id: user.id,
        name: user.name,
        email: user.email,
        roleLabel: user.role === 'admin' ? 'Admin' : 'Member',
        createdAt: formatDate(user.createdAt),
        disabledAt: formatMaybeDate(user.disabledAt),
        isSelf: user.id === self.id,
      })),
      ...shown,
    });
  };

  router.get(paths.users, async (req, res) => {
    requireAdmin(req);
    await showUsers(req, res);
  });

  router.post(paths.users, async (req, res) => {
    requireAdmin(req);
    const values = typedValues(req.body, ['name', 'email', 'role']);
    const form = parseForm(userForm, req.body);
    if (!form.ok) {
      res.status(422);
      return showUsers(req, res, { errors: form.errors, values });
    }
    try {
      const user = await users.create(form.values);
      flash(req, { kind: 'success', message: `${user.name} can sign in now as ${user.email}.` });
      res.redirect(303, paths.users);
    } catch (error) {
      const errors = fieldErrors(error);
      res.status(422);
      await showUsers(req, res, { errors, values });
    }
  });

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
