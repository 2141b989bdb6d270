import type { NextFunction, Request, RequestHandler, Response } from 'express';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import { AppError } from '../errors.ts';
import { paths } from '../paths.ts';
import type { TokenService } from '../services/token-service.ts';
import type { SignInService } from '../services/sign-in-service.ts';
import type { User, UserService } from '../services/user-service.ts';
import { csrfToken } from './csrf.ts';
import { isApi } from './request.ts';

export type Authenticator = {
  /** Reads who is signed in from the session or the bearer token into `req.account`. */
  middleware: RequestHandler[];
  /** Checks address and password. Undefined when they do not fit. */
  verify(req: Request): Promise<User | undefined>;
  /** Signs a user in under a new session id, so that an id known before is worth nothing. What was in the session is left behind. */
  signIn(req: Request, user: User, by?: IdentityProviderId): Promise<void>;
  /** Ends the session altogether. */
  signOut(req: Request): Promise<void>;
};

/** Local accounts by passport; API tokens by the `Authorization` header (RFC 6750). */
export function createAuthenticator(deps: {
  users: UserService;
  tokens: TokenService;
  signIns: SignInService;
}): Authenticator {
  const { users, tokens, signIns } = deps;
  const local = new passport.Passport();
  local.use(
    new LocalStrategy({ usernameField: 'email' }, (email, password, done) => {
      users.authenticate(email, password).then(
        (user) => done(null, user ?? false),
        (error: unknown) => done(error),
      );
    }),
  );
  local.serializeUser((user, done) => done(null, (user as User).id));
  local.deserializeUser((req: Request, id: string, done: (error: unknown, user?: User | false) => void) => {
    signIns.find(req.session.signInId, id).then(
      // Whose session was ended, or who was disabled meanwhile, is signed out.
      (user) => done(null, user ?? false),
      (error: unknown) => done(error),
    );
  });

  const byToken: RequestHandler = async (req, _res, next) => {
    req.account = req.user as User | undefined;
    const { account } = req;
    if (account) req.isStillIn = async () => (await signIns.find(req.session.signInId, account.id)) !== undefined;
    const bearer = bearerOf(req);
    if (bearer !== undefined && isApi(req)) {
      // A token is asked for by itself: a session that came along does not lend its user.
      req.account = await tokens.authenticate(bearer);
      req.byToken = req.account !== undefined;
      req.isStillIn = async () => (await tokens.authenticate(bearer)) !== undefined;
      if (!req.account)
        throw new AppError(401, 'unauthenticated', 'The API token is not known, has expired, or its user is disabled.');
    }
    next();
  };

  return {
    middleware: [local.initialize() as RequestHandler, local.session() as RequestHandler, byToken],
    verify: (req) =>
      new Promise((resolve, reject) => {
        const check = local.authenticate('local', (error: unknown, user?: User | false) => {
          if (error) reject(error instanceof Error ? error : new Error('sign-in failed'));
          else resolve(user || undefined);
        }) as (req: Request, res: unknown, next: (error?: unknown) => void) => void;
        check(req, undefined, (error) => reject(error instanceof Error ? error : new Error('sign-in failed')));
      }),

    async signIn(req, user, by) {
      await new Promise<void>((resolve, reject) => {
        req.logIn(user, { keepSessionInfo: false } as never, (error?: unknown) =>
          error ? reject(error instanceof Error ? error : new Error('sign-in failed')) : resolve(),
        );
      });
      req.session.signInId = await signIns.start(user, by);
      // Made by the first page instead, two pages that are opened at once would each make their own, and one form would be refused.
      csrfToken(req);
    },

    async signOut(req) {
      const { account } = req;
      const { signInId } = req.session;
      if (account && signInId !== undefined) await signIns.leave(account, signInId);
      await new Promise<void>((resolve, reject) => {
        req.session.destroy((error: unknown) => (error ? reject(error as Error) : resolve()));
      });
    },
  };
}

/** The token of `Authorization: Bearer`. Source: https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
export const bearerOf = (req: Request): string | undefined =>
  /^Bearer (\S+)$/i.exec(req.get('authorization') ?? '')?.[1];

/** Lets signed-in users through; others are sent to sign in and come back after it. */
export function requireSignIn(req: Request, res: Response, next: NextFunction): void {
  if (req.account) {
    res.set('Cache-Control', 'no-store');
    next();
    return;
  }
  const back = req.method === 'GET' ? `?next=${encodeURIComponent(req.originalUrl)}` : '';
  res.redirect(303, paths.signIn + back);
}

/** A path of this hub to go to after sign-in; anything else (other sites, `//host`, control characters) is the start page. */
export function safeNext(next: unknown): string {
  if (typeof next !== 'string' || !/^\/[\w.~!$&'()*+,;=:@%/?-]*$/.test(next) || next.startsWith('//'))
    return paths.home;
  return next;
}
