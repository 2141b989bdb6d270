import { Router } from 'express';
import type { Context } from '../context.ts';
import { requireSignIn, type Authenticator } from '../middleware/auth.ts';
import { banners } from '../middleware/banners.ts';
import { paths } from '../paths.ts';
import { accountRoutes } from './account.ts';
import { auditRoutes } from './audit.ts';
import { authRoutes } from './auth.ts';
import { browseRoutes } from './browse.ts';
import { documentBulkRoutes } from './document-bulk.ts';
import { documentRoutes } from './documents.ts';
import { identityRoutes } from './identities.ts';
import { importRoutes } from './imports.ts';
import { integrationRoutes } from './integrations.ts';
import { notificationRoutes } from './notifications.ts';
import { overviewRoutes } from './overview.ts';
import { peopleRoutes } from './people.ts';
import { profileRoutes } from './profile.ts';
import { previewRoutes } from './preview.ts';
import { reviewRoutes } from './review.ts';
import { searchRoutes } from './search.ts';
import { setupRoutes } from './setup.ts';
import { ssoRoutes } from './sso.ts';
import { syncRoutes } from './syncs.ts';
import { tokenConnectionRoutes } from './token-connections.ts';

/** The site map: every page of the hub, the public ones first. */
export function pageRoutes(context: Context, authenticator: Authenticator): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => void res.type('text').send('ok\n'));
  router.get('/readyz', async (_req, res) => {
    try {
      await Promise.all([context.database.knex.raw('select 1'), context.sessions.ping()]);
      res.type('text').send('ready\n');
    } catch (error) {
      context.logger.warn({ err: error }, 'the hub is not ready');
      res.status(503).type('text').send('not ready\n');
    }
  });
  router.use(authRoutes(context, authenticator));
  router.get(paths.home, (_req, res) => res.redirect(303, paths.overview));
  router.use('/admin', requireSignIn, banners(context));
  router.use(ssoRoutes(context, authenticator));
  router.use(overviewRoutes(context));
  router.use(integrationRoutes(context));
  router.use(tokenConnectionRoutes(context));
  router.use(browseRoutes(context));
  router.use(previewRoutes(context));
  router.use(reviewRoutes(context));
  router.use(importRoutes(context));
  router.use(syncRoutes(context));
  router.use(documentBulkRoutes(context));
  router.use(documentRoutes(context));
  router.use(searchRoutes(context));
  router.use(notificationRoutes(context));
  router.use(accountRoutes(context));
  router.use(peopleRoutes(context));
  router.use(profileRoutes(context));
  router.use(identityRoutes(context));
  router.use(auditRoutes(context));
  router.use(setupRoutes(context));
  return router;
}
