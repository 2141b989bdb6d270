import express, { Router } from 'express';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import { refuseNul } from '../middleware/refuse-nul.ts';
import { paths } from '../paths.ts';
import { accountRoutes } from './accounts.ts';
import { askRoutes } from './ask.ts';
import { auditRoutes } from './audit.ts';
import { prefersPage, rateLimit, requireAccount } from './authentication.ts';
import type { Call } from './call.ts';
import { documentRoutes } from './documents.ts';
import { importRoutes } from './imports.ts';
import { integrationRoutes } from './integrations.ts';
import { syncRoutes } from './syncs.ts';

/** Calls a minute and user. */
const CALLS_PER_MINUTE = 600;

/**
 * The JSON API, to be mounted behind what finds out who asks and checks CSRF, and the descriptions of its calls. Everything it refuses is thrown
 * as an AppError, which the application's error handler answers as problem+json.
 */
export function createApi(
  context: Context,
  options: { callsPerMinute?: number } = {},
): { router: Router; calls: Call[] } {
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
  router.use(rateLimit(options.callsPerMinute ?? CALLS_PER_MINUTE));
  router.use(express.json({ limit: '1mb' }));
  router.use(refuseNul);
  const parts = [
    integrationRoutes(context),
    importRoutes(context),
    syncRoutes(context),
    documentRoutes(context),
    askRoutes(context),
    accountRoutes(context),
    auditRoutes(context),
  ];
  for (const part of parts) router.use(part.router);
  router.use((req, _res, next) => {
    next(new NotFoundError(`The call ${req.method} ${req.baseUrl}${req.path}`));
  });
  return { router, calls: parts.flatMap(({ calls }) => calls) };
}
