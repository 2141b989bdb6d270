import express, { Router } from 'express';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import { paths } from '../paths.ts';
import { accountRoutes } from './accounts.ts';
import { askRoutes } from './ask.ts';
import { auditRoutes } from './audit.ts';
import { prefersPage, rateLimit, requireAccount } from './authentication.ts';
import { documentRoutes } from './documents.ts';
import { importRoutes } from './imports.ts';
import { integrationRoutes } from './integrations.ts';
import { syncRoutes } from './syncs.ts';

/**
 * The JSON API, to be mounted behind what finds out who asks and checks CSRF. Everything it refuses is thrown as an AppError,
 * which the application's error handler answers as problem+json.
 */
export function apiRoutes(context: Context, options: { callsPerMinute?: number } = {}): Router {
  const router = Router();
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  // A person whose session ended while they were at the vendor's can only begin again.
  router.get('/integrations/:platform/callback', (req, res, next) => {
    if (!req.account && prefersPage(req)) res.redirect(303, paths.signIn);
    else next();
  });
  router.use(requireAccount);
  router.use(rateLimit(options.callsPerMinute ?? 600));
  router.use(express.json({ limit: '1mb' }));
  router.use(integrationRoutes(context));
  router.use(importRoutes(context));
  router.use(syncRoutes(context));
  router.use(documentRoutes(context));
  router.use(askRoutes(context));
  router.use(accountRoutes(context));
  router.use(auditRoutes(context));
  router.use((req, _res, next) => {
    next(new NotFoundError(`The call ${req.method} ${req.baseUrl}${req.path}`));
  });
  return router;
}
