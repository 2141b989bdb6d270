import { Router, type Response } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import { fieldErrors } from '../forms/field-errors.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { invitedForm } from '../forms/profile-forms.ts';
import { safeNext, type Authenticator } from '../middleware/auth.ts';
import { limitTries } from '../middleware/limit-tries.ts';
import { queryValue } from '../middleware/request.ts';
import { forgetPages } from '../middleware/security.ts';
import { paths } from '../paths.ts';
import { newUserSchema, type User } from '../services/user-service.ts';
import { sessionCookie } from '../session.ts';
import { flash, render } from '../views.ts';

const signInForm = z.object({
  email: z
    .string({ error: 'Enter your e-mail address.' })
    .trim()
    .min(1, 'Enter your e-mail address.')
    .max(254, 'Enter your e-mail address.'),
  password: z
    .string({ error: 'Enter your password.' })
    .min(1, 'Enter your password.')
    .max(1000, 'Enter your password.'),
});

const setUpForm = newUserSchema.extend({
  code: z
    .string({ error: 'Enter the set-up code from the log.' })
    .trim()
    .min(1, 'Enter the set-up code from the log.')
    .max(100, 'Enter the set-up code from the log.'),
});

/** The page where people sign in, with what went wrong before. */
export function showSignIn(
  { sso }: Context,
  res: Response,
  shown: { next: string; errors?: FieldError[]; values?: Record<string, string> },
): void {
  render(res, 'auth/sign-in', { title: 'Sign in', providers: sso.providers, ...shown });
}

/** Sign-in, sign-out and the first set-up: the pages for people without a session. */
export function authRoutes(context: Context, authenticator: Authenticator): Router {
  const { users, invitations } = context;
  const router = Router();
  const byAccount = limitTries(10, ({ body, ip = '' }) => {
    const email = (body as { email?: unknown } | undefined)?.email;
    return `${ip} ${typeof email === 'string' ? email.trim().toLowerCase().slice(0, 254) : ''}`;
  });
  const byClient = limitTries(100);

  router.get(paths.signIn, async (req, res) => {
    const next = safeNext(req.query.next);
    if (req.account) return res.redirect(303, next);
    if (await users.needsSetup()) return res.redirect(303, paths.setUp);
    showSignIn(context, res, { next });
  });

  router.post(paths.signIn, byClient, byAccount, async (req, res) => {
    const next = safeNext((req.body as { next?: unknown } | undefined)?.next);
    const again = (errors: FieldError[]) => {
      res.status(422);
      showSignIn(context, res, { next, errors, values: typedValues(req.body, ['email']) });
    };
    const form = parseForm(signInForm, req.body);
    if (!form.ok) return again(form.errors);
    const user = await authenticator.verify(req);
    if (!user) {
      await context.signIns.refuse(form.values.email);
      return again([{ field: 'email', message: 'The e-mail address or the password is wrong.' }]);
    }
    await authenticator.signIn(req, user);
    context.logger.info({ userId: user.id, requestId: req.requestId }, 'a user signed in');
    res.redirect(303, next);
  });

  router.post(paths.signOut, async (req, res) => {
    await authenticator.signOut(req);
    forgetPages(res);
    const cookie = sessionCookie(context.config);
    res.clearCookie(cookie.name, cookie.options).redirect(303, paths.signIn);
  });

  router.get(paths.setUp, async (_req, res) => {
    if (!(await users.needsSetup())) return res.redirect(303, paths.signIn);
    render(res, 'auth/set-up', { title: 'Set up Tributary' });
  });

  router.post(paths.setUp, byClient, async (req, res) => {
    const again = (errors: FieldError[], status = 422) => {
      res.status(status);
      render(res, 'auth/set-up', {
        title: 'Set up Tributary',
        errors,
        values: typedValues(req.body, ['email', 'name']),
      });
    };
    if (!(await users.needsSetup())) return res.redirect(303, paths.signIn);
    const form = parseForm(setUpForm, req.body);
    if (!form.ok) return again(form.errors);
    try {
      const user = await users.setUp(form.values);
      await authenticator.signIn(req, user);
      // The account of the settings has waited for somebody to belong to.
      void context.settingsAccount.apply();
    } catch (error) {
      if (error instanceof AppError && error.code === 'setup_code')
        return again([{ field: 'code', message: error.message }]);
      throw error;
    }
    flash(req, { kind: 'success', message: 'The hub is set up. Connect your first account.' });
    res.redirect(303, paths.integrations);
  });

  router.get(paths.invitation(), byClient, async (req, res) => {
    const token = queryValue(req, 'token') ?? '';
    const { email } = await invitations.find(token);
    res.set('Cache-Control', 'no-store');
    render(res, 'auth/invitation', { title: 'Join this hub', token, email });
  });

  router.post(paths.invitation(), byClient, async (req, res) => {
    const { token = '', ...typed } = typedValues(req.body, ['token', 'name']);
    const { email } = await invitations.find(token);
    const again = (errors: FieldError[]) => {
      res.status(422).set('Cache-Control', 'no-store');
      render(res, 'auth/invitation', { title: 'Join this hub', token, email, errors, values: typed });
    };
    const form = parseForm(invitedForm, req.body);
    if (!form.ok) return again(form.errors);
    let user: User;
    try {
      user = await invitations.accept(token, form.values);
    } catch (error) {
      return again(fieldErrors(error));
    }
    await authenticator.signIn(req, user);
    flash(req, { kind: 'success', message: `Welcome, ${user.name}. Connect your first account.` });
    res.redirect(303, paths.overview);
  });

  return router;
}
