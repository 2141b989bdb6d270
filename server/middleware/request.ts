import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { User as HubUser } from '../services/user-service.ts';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Request {
      /** Answered as X-Request-ID, shown on error pages, logged with every line of the request. */
      requestId: string;
      /** Who asks: by session or by API token. Read it with `currentUser`. */
      account?: HubUser;
      /** True when the request was authenticated by an API token, which no page of another site has. */
      byToken?: boolean;
      /** Whether who asked may still: for answers that take long. False once the session was ended, the token deleted or the user disabled. */
      isStillIn?: () => Promise<boolean>;
    }
  }
}

/** Names the request: the caller's `X-Request-ID` where it is sane, else a new one. */
export const requestId: RequestHandler = (req, res, next) => {
  const sent = req.get('x-request-id');
  req.requestId = sent && /^[\w.-]{8,64}$/.test(sent) ? sent : randomUUID();
  res.set('X-Request-ID', req.requestId);
  next();
};

/** The signed-in user. Errors: when the route is not behind a sign-in check, which is a mistake in the site map. */
export function currentUser(req: Request): HubUser {
  if (!req.account) throw new Error(`${req.method} ${req.baseUrl}${req.path} is not behind a sign-in check`);
  return req.account;
}

/** One value of the query string; repeated or nested parameters count as absent. */
export function queryValue(req: Request, name: string): string | undefined {
  const value = req.query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** One value of the path. */
export function param(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === 'string' ? value : '';
}

/** Whether a program asks, at the JSON API (by its older names too) or the MCP server: tokens count, and errors are problem+json. */
export const isApi = (req: Request): boolean => /^\/(api|auth|integrations|mcp)(\/|$)/.test(req.baseUrl + req.path);
