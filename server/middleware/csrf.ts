import { csrfSync } from 'csrf-sync';
import type { RequestHandler } from 'express';
import { isApi } from './request.ts';

/**
 * Synchronizer tokens (OWASP CSRF cheat sheet): the session keeps the token, every form and `X-CSRF-Token` carry it. API tokens need none:
 * no page of another site has one.
 */
export const csrf = csrfSync({
  getTokenFromRequest: (req) => {
    const sent = (req.body as Record<string, unknown> | undefined)?._csrf;
    return typeof sent === 'string' ? sent : req.get('x-csrf-token');
  },
  // Without a session there is nothing to protect: the API says itself that nobody is signed in.
  skipCsrfProtection: (req) => req.byToken === true || (isApi(req) && !req.account),
});

export const csrfProtection: RequestHandler = csrf.csrfSynchronisedProtection;
export const csrfToken = (req: Parameters<typeof csrf.generateToken>[0]): string => csrf.generateToken(req);
