import type { Request, RequestHandler } from 'express';
import rateLimitMiddleware from 'express-rate-limit';
import { AppError, ForbiddenError } from '../errors.ts';
import { currentUser } from '../middleware/request.ts';
import type { User } from '../services/user-service.ts';

/** Whether a person's browser asks: it prefers a page to JSON. A client that takes anything counts as one too. */
export const prefersPage = (req: Request): boolean => req.accepts(['html', 'json']) === 'html';

/** Lets signed-in callers pass. Errors: AppError 401 `unauthenticated`, with the challenge that RFC 9110 asks for. */
export const requireAccount: RequestHandler = (req, res, next) => {
  if (req.account) return next();
  res.set('WWW-Authenticate', 'Bearer');
  next(
    new AppError(
      401,
      'unauthenticated',
      'Sign in, or send an API token of yours as "Authorization: Bearer <token>". A token is made on the page "API tokens".',
    ),
  );
};

/** The caller, who must be an admin. Errors: ForbiddenError. */
export function currentAdmin(req: Request): User {
  const user = currentUser(req);
  if (user.role !== 'admin') throw new ForbiddenError('Only an admin may do this. Ask one of yours.');
  return user;
}

/**
 * At most `perMinute` calls (or what `calls` names) a minute and user, counted in this process. Refused calls say in `Retry-After` how many seconds to wait.
 * Errors: AppError 429 `rate_limited`.
 */
export function rateLimit(perMinute: number, calls = 'calls'): RequestHandler {
  return rateLimitMiddleware({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (req) => currentUser(req).id,
    handler: (_req, _res, next) =>
      next(
        new AppError(
          429,
          'rate_limited',
          `More than ${perMinute} ${calls} in a minute. Wait as many seconds as Retry-After says, then go on.`,
        ),
      ),
  });
}
