import { Router, type Request } from 'express';
import { IDENTITY_PROVIDER_LABELS } from '../../providers/identity-provider.ts';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { flash, render } from '../views.ts';
import { showProfile } from './profile.ts';

/** Where a user gives up a way to sign in. */
export function identityRoutes(context: Context): Router {
  const router = Router();
  const { identities } = context;

  const asked = (req: Request) => identities.get(currentUser(req), param(req, 'id'));

  router.get('/admin/profile/identities/:id/unlink', async (req, res) => {
    const { id, provider, email } = await asked(req);
    const label = IDENTITY_PROVIDER_LABELS[provider];
    render(res, 'profile/unlink', { title: `Unlink ${label}`, section: 'profile', identity: { id, label, email } });
  });

  router.post('/admin/profile/identities/:id/unlink', async (req, res) => {
    const { id, provider } = await asked(req);
    try {
      await identities.unlink(currentUser(req), id);
    } catch (error) {
      if (!(error instanceof AppError) || error.status !== 409) throw error;
      res.status(error.status);
      return showProfile(context, req, res, { errors: [{ field: '', message: error.message }] });
    }
    flash(req, {
      kind: 'success',
      message: `You no longer sign in with that ${IDENTITY_PROVIDER_LABELS[provider]} account.`,
    });
    res.redirect(303, paths.profile);
  });

  return router;
}
