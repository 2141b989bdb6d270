import { Router, type Request, type Response } from 'express';
import { IDENTITY_PROVIDER_LABELS } from '../../providers/identity-provider.ts';
import type { Context } from '../context.ts';
import { formatDate, plural } from '../format.ts';
import { fieldErrors } from '../forms/field-errors.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { firstPasswordForm, nameForm, passwordForm } from '../forms/profile-forms.ts';
import { limitTries } from '../middleware/limit-tries.ts';
import { currentUser, param } from '../middleware/request.ts';
import { forgetPages } from '../middleware/security.ts';
import { paths } from '../paths.ts';
import { browserLabel } from '../user-agent.ts';
import { flash, render } from '../views.ts';

const thisSession = (req: Request): string => req.session.signInId ?? '';

/** The user's own page, with what went wrong with one of its forms. */
export async function showProfile(
  { users, signIns, identities, sso }: Context,
  req: Request,
  res: Response,
  shown: { errors?: FieldError[]; values?: Record<string, string> } = {},
): Promise<void> {
  const user = currentUser(req);
  const sessions = await signIns.list(user);
  const rows = sessions.map((one) => ({
    id: one.id,
    browser: browserLabel(one.userAgent),
    address: one.address,
    startedAt: formatDate(one.startedAt),
    seenAt: formatDate(one.seenAt),
    isThis: one.id === thisSession(req),
  }));
  const linked = await identities.list(user);
  render(res, 'profile/index', {
    title: 'Your profile',
    section: 'profile',
    sessions: rows.sort((a, b) => Number(b.isThis) - Number(a.isThis)),
    others: rows.filter(({ isThis }) => !isThis).length,
    hasPassword: await users.hasPassword(user),
    identities: linked.map((one) => ({
      id: one.id,
      label: IDENTITY_PROVIDER_LABELS[one.provider],
      email: one.email,
      createdAt: formatDate(one.createdAt),
      lastUsedAt: formatDate(one.lastUsedAt),
    })),
    providers: sso.providers,
    ...shown,
  });
}

/** The user's own page: name, password, accounts to sign in with, and where they are signed in. */
export function profileRoutes(context: Context): Router {
  const router = Router();
  const { users, signIns } = context;
  const show = (req: Request, res: Response, shown?: Parameters<typeof showProfile>[3]) =>
    showProfile(context, req, res, shown);

  router.get(paths.profile, (req, res) => show(req, res));

  router.post(paths.profile, async (req, res) => {
    const form = parseForm(nameForm, req.body);
    if (!form.ok) {
      res.status(422);
      return show(req, res, { errors: form.errors, values: typedValues(req.body, ['name']) });
    }
    await users.rename(currentUser(req), form.values.name);
    flash(req, { kind: 'success', message: 'Your name is changed.' });
    res.redirect(303, paths.profile);
  });

  const byUser = limitTries(10, (req) => currentUser(req).id);
  router.post(paths.profilePassword, byUser, async (req, res) => {
    const again = (errors: FieldError[]) => {
      res.status(422);
      return show(req, res, { errors });
    };
    const user = currentUser(req);
    const isFirst = !(await users.hasPassword(user));
    const form = parseForm(isFirst ? firstPasswordForm : passwordForm, req.body);
    if (!form.ok) return again(form.errors);
    try {
      await users.changePassword(user, { ...form.values, keepSignInId: thisSession(req) });
    } catch (error) {
      return again(fieldErrors(error));
    }
    flash(req, {
      kind: 'success',
      message: `Your password is ${isFirst ? 'set' : 'changed'}. All your other sessions have ended.`,
    });
    res.redirect(303, paths.profile);
  });

  router.post(paths.sessionsEnd, async (req, res) => {
    const count = await signIns.endOthers(currentUser(req), thisSession(req));
    flash(req, { kind: 'success', message: `${plural(count, 'other session')} ended.` });
    res.redirect(303, paths.profile);
  });

  router.post('/admin/profile/sessions/:id/end', async (req, res) => {
    const id = param(req, 'id');
    await signIns.end(currentUser(req), id);
    if (id === thisSession(req)) {
      forgetPages(res);
      return res.redirect(303, paths.signIn);
    }
    flash(req, { kind: 'success', message: 'The session is ended.' });
    res.redirect(303, paths.profile);
  });

  return router;
}
