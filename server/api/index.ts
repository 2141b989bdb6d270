import express, { Router, type RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import { refuseNul } from '../middleware/refuse-nul.ts';
import { paths } from '../paths.ts';
import { accountRoutes } from './accounts.ts';
import { aliasRoutes } from './aliases.ts';
import { askRoutes } from './ask.ts';
import { auditRoutes } from './audit.ts';
import { prefersPage, rateLimit, requireAccount } from './authentication.ts';
import type { Call } from './call.ts';
import { documentRoutes } from './documents.ts';
import { importRoutes } from './imports.ts';
import { integrationRoutes } from './integrations.ts';
import { syncRoutes } from './syncs.ts';

/** Calls a minute and user. */
export const CALLS_PER_MINUTE = 600;

const notStored: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store');
  next();
};

/** A person whose session ended while they were at the vendor's can only begin again. */
const toSignIn: RequestHandler = (req, res, next) => {
  if (!req.account && prefersPage(req)) res.redirect(303, paths.signIn);
  else next();
};

/**
 * The JSON API, to be mounted behind what finds out who asks and checks CSRF, and the descriptions of its calls; some of them have older names,
 * `aliases`, which are mounted at the root. Everything it refuses is thrown as an AppError, which the application's error handler answers as problem+json.
 */
export function createApi(
  context: Context,
  options: { callsPerMinute?: number } = {},
): { router: Router; aliases: Router; calls: Call[] } {
  const guards = [
    notStored,
    requireAccount,
    rateLimit(options.callsPerMinute ?? CALLS_PER_MINUTE),
    express.json({ limit: '1mb' }),
    refuseNul,
  ];
  const router = Router();
  router.get('/integrations/:platform/callback', notStored, toSignIn);
  router.use(guards);
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
  return { router, aliases: aliasRoutes(context, toSignIn, guards), calls: parts.flatMap(({ calls }) => calls) };
}
