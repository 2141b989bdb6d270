import { Router, type ErrorRequestHandler, type Request, type Response } from 'express';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import { safeNext, type Authenticator } from '../middleware/auth.ts';
import { limitTries } from '../middleware/limit-tries.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { Recognised } from '../services/identity-service.ts';
import { flash, type Flash } from '../views.ts';
import { showSignIn } from './auth.ts';
import { showProfile } from './profile.ts';

/** Sign-in with an account of another service: the way there, and the address that the service sends people back to. */
export function ssoRoutes(context: Context, authenticator: Authenticator): Router {
  const router = Router();
  const { sso, users, logger } = context;
  const byClient = limitTries(100);

  /** Failures stand where the person came from: on the sign-in page, or on the profile of whoever is signed in. */
  const showFailure = (req: Request, res: Response, error: AppError, returnTo?: string): void | Promise<void> => {
    const errors = [{ field: '', message: error.message }];
    res.status(error.status);
    return req.account
      ? showProfile(context, req, res, { errors })
      : showSignIn(context, res, { next: safeNext(returnTo), errors });
  };

  router.post('/sign-in/sso/:provider', byClient, async (req, res) => {
    const returnTo = safeNext((req.body as { next?: unknown } | undefined)?.next);
    if (req.account) return res.redirect(303, returnTo);
    if (await users.needsSetup()) return res.redirect(303, paths.setUp);
    const { url } = await sso.start(param(req, 'provider'), { sessionId: req.sessionID, returnTo });
    res.redirect(303, url);
  });

  router.get('/sign-in/sso/:provider/callback', byClient, async (req, res) => {
    // The address holds a code, and the page may be a person's own.
    res.set('Cache-Control', 'no-store');
    const provider = param(req, 'provider') as IdentityProviderId;
    const outcome = await sso.finish(provider, {
      sessionId: req.sessionID,
      user: req.account,
      query: { state: queryValue(req, 'state'), code: queryValue(req, 'code'), error: queryValue(req, 'error') },
    });
    if (outcome.kind === 'failed') return showFailure(req, res, outcome.error, outcome.returnTo);
    const { label = '' } = sso.providers.find(({ id }) => id === provider) ?? {};
    if (outcome.kind === 'linked') {
      flash(req, { kind: 'success', message: `You can sign in with ${label} from now on.` });
      return res.redirect(303, paths.profile);
    }
    await authenticator.signIn(req, outcome.user, provider);
    logger.info({ userId: outcome.user.id, provider, requestId: req.requestId }, 'a user signed in');
    const welcome = welcomeOf(outcome, label);
    if (welcome) flash(req, welcome);
    res.redirect(303, safeNext(outcome.returnTo));
  });

  router.post('/admin/profile/identities/link/:provider', async (req, res) => {
    const { url } = await sso.start(param(req, 'provider'), { sessionId: req.sessionID, user: currentUser(req) });
    res.redirect(303, url);
  });

  const onError: ErrorRequestHandler = (error: unknown, req, res, next) => {
    if (!(error instanceof AppError)) return next(error);
    void Promise.resolve(showFailure(req, res, error)).catch(next);
  };
  router.use('/sign-in/sso', onError);

  return router;
}

function welcomeOf({ how, user }: Recognised, label: string): Flash | undefined {
  if (how === 'new') return { kind: 'success', message: `Welcome, ${user.name}. Connect your first account.` };
  if (how === 'known') return undefined;
  return {
    kind: 'notice',
    message: `Your ${label} account has your address, so you can sign in with it from now on. Your profile page shows it.`,
  };
}
