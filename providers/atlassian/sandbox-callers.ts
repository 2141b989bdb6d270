import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { bearerOf, sameText } from '../sandbox/consent-desk.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grants } from './sandbox-grants.ts';
import { grantOf } from './sandbox-oauth.ts';
import { accountIdOfName, AtlassianRefusal, type AtlassianSite, type Caller } from './sandbox-world.ts';

/** How sites let people in; tests change it. */
export type SignIn = {
  /** On: wrong credentials are answered as if nobody had signed in, not with a 401. */
  asAnonymous: boolean;
  /** Wrong attempts with an e-mail address, after which a site asks for a CAPTCHA. */
  mostAttempts: number;
};

export const usualSignIn = (): SignIn => ({ asAnonymous: false, mostAttempts: 10 });

const code = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);

/** Tokens of an account, the same at every start, so that people can copy them and tests need not. */
export const apiTokenOf = ({ email }: SandboxAccount): string => `ATATT3sandbox-${code(`api ${email}`)}=0A1B2C3D`;
export const personalTokenOf = ({ email }: SandboxAccount): string => code(`personal ${email}`);
/** One with chosen permissions: it works on the gateway alone. */
export const scopedTokenOf = ({ email }: SandboxAccount, scopes: string[]): string =>
  `ATATT3scoped-${Buffer.from(scopes.join(' ')).toString('base64url')}.${code(`scoped ${email} ${scopes.join(' ')}`)}=4E5F6071`;

export type Callers = {
  /** Who was found by one of the handlers below. */
  callerOf: (req: Request) => Caller;
  /** Each refuses what the place does not take, and finds out who asks. */
  atGateway(siteOf: (req: Request) => AtlassianSite | undefined): RequestHandler;
  atSite(site: AtlassianSite): RequestHandler;
  atServer(site: AtlassianSite): RequestHandler;
};

/** Who makes a request: bearer tokens are for the gateway, API tokens for the sites, personal access tokens for servers. */
export function createCallers(deps: { accounts: SandboxAccount[]; grants: Grants; signIn: SignIn }): Callers {
  const { accounts, grants, signIn } = deps;
  const callers = new WeakMap<Request, Caller>();
  const attempts = new Map<string, number>();

  const enter = (
    req: Request,
    site: AtlassianSite,
    account?: SandboxAccount,
    { scopes, isApp }: { scopes?: string[]; isApp?: boolean } = {},
  ): void => {
    const person = account && peopleOf(site).find(({ accountId }) => accountId === accountIdOfName(account.name));
    if (account && (!person || !site.members.has(person.accountId)))
      throw new AtlassianRefusal(403, 'The user is not permitted to use this site.');
    callers.set(req, {
      site,
      person,
      isApp,
      requireScope(...anyOf) {
        if (scopes && !anyOf.some((scope) => scopes.includes(scope)))
          throw new AtlassianRefusal(401, 'Unauthorized; scope does not match');
      },
    });
  };

  /** Counts wrong attempts; from some number on not even right ones help. */
  const signInBy = (req: Request): SandboxAccount | 'wrong' | 'locked' => {
    const [email = '', token = ''] = basicOf(req);
    const tries = attempts.get(email) ?? 0;
    if (tries >= signIn.mostAttempts) return 'locked';
    const account = accounts.find((candidate) => candidate.email === email);
    if (account && sameText(token, apiTokenOf(account))) {
      attempts.delete(email);
      return account;
    }
    attempts.set(email, tries + 1);
    return 'wrong';
  };

  return {
    callerOf(req) {
      const caller = callers.get(req);
      if (!caller) throw new Error('The stand-in did not find out who asks.');
      return caller;
    },

    atGateway: (siteOf) => (req, _res, next) => {
      const scoped = scopedTokenIn(req, accounts);
      const found = scoped ? undefined : grantOf(grants, req);
      const site = siteOf(req);
      if (!site) throw new AtlassianRefusal(404, 'No message available');
      if (found && !grants.sitesOf(found.grant).includes(site))
        throw new AtlassianRefusal(403, 'The app is not allowed to use this site.');
      enter(req, site, scoped?.account ?? found?.account, {
        scopes: scoped?.scopes ?? found?.grant.scopes,
        isApp: found !== undefined,
      });
      next();
    },

    atSite: (site) => (req, res, next) => {
      const header = req.get('authorization');
      if (header === undefined) enter(req, site);
      else if (!header.startsWith('Basic ')) throw unauthorised(res, 'OUT');
      else {
        const found = signInBy(req);
        if (found === 'locked')
          throw new AtlassianRefusal(403, 'CAPTCHA challenge required', {
            headers: { 'x-seraph-loginreason': 'AUTHENTICATION_DENIED' },
          });
        if (found === 'wrong' && !signIn.asAnonymous) throw unauthorised(res, 'AUTHENTICATED_FAILED');
        if (found === 'wrong') res.set('x-seraph-loginreason', 'AUTHENTICATED_FAILED');
        enter(req, site, found === 'wrong' ? undefined : found);
      }
      next();
    },

    atServer: (site) => (req, res, next) => {
      const token = bearerOf(req);
      const account = accounts.find((candidate) => sameText(token, personalTokenOf(candidate)));
      if (!account && req.get('authorization') !== undefined) throw unauthorised(res, 'AUTHENTICATED_FAILED');
      enter(req, site, account);
      next();
    },
  };
}

const unauthorised = (res: Response, reason: string): AtlassianRefusal => {
  res.set('www-authenticate', 'OAuth realm="sandbox"');
  const body = { message: 'Client must be authenticated to access this resource.', 'status-code': 401 };
  return new AtlassianRefusal(401, body.message, { body, headers: { 'x-seraph-loginreason': reason } });
};

const peopleOf = ({ confluence, jira }: AtlassianSite) => [...(confluence?.people ?? []), ...(jira?.people ?? [])];

/** User and password of a Basic header; the password may hold any sign. */
function basicOf(req: Request): string[] {
  const encoded = /^Basic (.+)$/.exec(req.get('authorization') ?? '')?.[1] ?? '';
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function scopedTokenIn(
  req: Request,
  accounts: SandboxAccount[],
): { account: SandboxAccount; scopes: string[] } | undefined {
  const [email, token = ''] = basicOf(req);
  const account = accounts.find((candidate) => candidate.email === email);
  const encoded = /^ATATT3scoped-([\w-]*)\./.exec(token)?.[1];
  if (!account || encoded === undefined) return undefined;
  const scopes = Buffer.from(encoded, 'base64url').toString().split(' ');
  return sameText(token, scopedTokenOf(account, scopes)) ? { account, scopes } : undefined;
}
