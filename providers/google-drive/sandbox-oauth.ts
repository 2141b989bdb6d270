import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { consentPage, KNOWN_SCOPES, refusalPage } from './sandbox-page.ts';
import type { Grant, TokenMint } from './sandbox-tokens.ts';

const CODE_LIFETIME_MS = 600_000;
const ACCESS_LIFETIME_S = 3599;

type Code = {
  accountId: string;
  scopes: string[];
  redirectUri: string;
  challenge: string;
  offline: boolean;
  expiresAt: number;
};

export type SandboxOauth = {
  router: Router;
  /** The live grant of a request's bearer token; undefined when there is none. */
  grantOf(req: Request): Grant | undefined;
  /** Tokens as after a consent, for tests that are not about consenting. */
  issue(accountId: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only newly issued access tokens are accepted. */
  expireAccessTokens(): void;
};

/** Google's OAuth endpoints: consent page, token, revoke, userinfo; as strict as Google is. */
export function createSandboxOauth(deps: {
  accounts: SandboxAccount[];
  clientId: string;
  clientSecret: string;
  mint: TokenMint;
  /** E-mail addresses whose grants were ended, in order. */
  revoked: string[];
}): SandboxOauth {
  const { accounts, mint } = deps;
  const codes = new Map<string, Code>();
  const deadGrants = new Set<string>();
  /** Access tokens with a smaller serial number are expired. */
  let expiredBefore = 0;
  let serial = 0;

  const live = (kind: 'access' | 'refresh', token: string): Grant | undefined => {
    const grant = mint.verify(kind, token);
    if (!grant || deadGrants.has(grant.grantId)) return undefined;
    if (!accounts.some((account) => account.id === grant.accountId)) return undefined;
    if (kind === 'access' && Number(grant.data?.serial ?? 0) < expiredBefore) return undefined;
    return grant;
  };
  const accessToken = (grant: Pick<Grant, 'grantId' | 'accountId' | 'scopes'>): string =>
    mint.sign({
      kind: 'access',
      grantId: grant.grantId,
      accountId: grant.accountId,
      scopes: grant.scopes,
      expiresAt: Date.now() + ACCESS_LIFETIME_S * 1000,
      data: { serial: String((serial += 1)) },
    });

  const showConsent = (req: Request, res: Response): void => {
    const asked = stringsOf(req.query);
    const fault = faultOf(asked, deps.clientId);
    if (fault) {
      res
        .status(400)
        .type('html')
        .send(refusalPage(...fault));
      return;
    }
    const scopes = (asked.scope ?? '').split(' ').filter(Boolean);
    const request = mint.sign({
      kind: 'consent',
      grantId: randomUUID(),
      accountId: '',
      scopes,
      expiresAt: Date.now() + CODE_LIFETIME_MS,
      data: asked,
    });
    const view = { appName: 'Tributary', accounts, scopes, loginHint: asked.login_hint, request };
    res.type('html').send(consentPage(view));
  };

  const decide = (req: Request, res: Response): void => {
    const form = (req.body ?? {}) as Record<string, string | string[] | undefined>;
    const consent = mint.verify('consent', String(form.request ?? ''));
    const asked = consent?.data;
    if (!consent || !asked) {
      res
        .status(400)
        .type('html')
        .send(refusalPage('invalid_request', 'This page is out of date. Start again in the app.'));
      return;
    }
    const back = new URL(asked.redirect_uri ?? '');
    if (asked.state !== undefined) back.searchParams.set('state', asked.state);
    const account = accounts.find(({ id }) => id === form.account);
    if (form.decision !== 'allow' || !account) {
      back.searchParams.set('error', 'access_denied');
      res.redirect(302, back.href);
      return;
    }
    // The person may untick what is more than a look at the profile.
    const ticked = new Set([form.scope ?? []].flat());
    const scopes = consent.scopes.filter((scope) => !scope.startsWith('https://') || ticked.has(scope));
    const code = `4/0A${randomBytes(32).toString('base64url')}`;
    codes.set(code, {
      accountId: account.id,
      scopes,
      redirectUri: asked.redirect_uri ?? '',
      challenge: asked.code_challenge ?? '',
      offline: asked.access_type === 'offline',
      expiresAt: Date.now() + CODE_LIFETIME_MS,
    });
    back.searchParams.set('code', code);
    back.searchParams.set('scope', scopes.join(' '));
    res.redirect(302, back.href);
  };

  const token = (req: Request, res: Response): void => {
    const form = stringsOf((req.body ?? {}) as Record<string, unknown>);
    const refuse = (status: number, error: string, description: string): void =>
      void res.status(status).json({ error, error_description: description });
    res.set('cache-control', 'no-store');
    if (form.client_id !== deps.clientId) return refuse(401, 'invalid_client', 'The OAuth client was not found.');
    if (!sameText(form.client_secret ?? '', deps.clientSecret)) return refuse(401, 'invalid_client', 'Unauthorized');
    if (form.grant_type === 'refresh_token') {
      const grant = live('refresh', form.refresh_token ?? '');
      if (!grant) return refuse(400, 'invalid_grant', 'Token has been expired or revoked.');
      return void res.json(tokenAnswer(accessToken(grant), grant.scopes));
    }
    if (form.grant_type !== 'authorization_code')
      return refuse(400, 'unsupported_grant_type', `Invalid grant_type: ${form.grant_type ?? ''}`);
    const code = codes.get(form.code ?? '');
    codes.delete(form.code ?? '');
    if (!code || code.expiresAt <= Date.now()) return refuse(400, 'invalid_grant', 'Bad Request');
    if (form.redirect_uri !== code.redirectUri) return refuse(400, 'redirect_uri_mismatch', 'Bad Request');
    if (!form.code_verifier) return refuse(400, 'invalid_grant', 'Missing code verifier.');
    const challenge = createHash('sha256').update(form.code_verifier).digest('base64url');
    if (!/^[\w.~-]{43,128}$/.test(form.code_verifier) || !sameText(challenge, code.challenge))
      return refuse(400, 'invalid_grant', 'Invalid code verifier.');
    const grant = { grantId: randomUUID(), accountId: code.accountId, scopes: code.scopes };
    res.json({
      ...tokenAnswer(accessToken(grant), code.scopes),
      ...(code.offline ? { refresh_token: mint.sign({ kind: 'refresh', ...grant }) } : {}),
    });
  };

  const revoke = (req: Request, res: Response): void => {
    const form = stringsOf({ ...req.query, ...((req.body ?? {}) as Record<string, unknown>) });
    const grant = live('refresh', form.token ?? '') ?? live('access', form.token ?? '');
    if (!grant) {
      res.status(400).json({ error: 'invalid_token', error_description: 'Token expired or revoked' });
      return;
    }
    deadGrants.add(grant.grantId);
    deps.revoked.push(accounts.find(({ id }) => id === grant.accountId)?.email ?? '');
    res.json({});
  };

  const grantOf = (req: Request): Grant | undefined =>
    live('access', /^Bearer (.+)$/.exec(req.get('authorization') ?? '')?.[1] ?? '');

  const userinfo = (req: Request, res: Response): void => {
    const grant = grantOf(req);
    const account = accounts.find(({ id }) => id === grant?.accountId);
    if (!grant || !account) {
      res.status(401).json({ error: 'invalid_request', error_description: 'Invalid Credentials' });
      return;
    }
    const has = (scope: string): boolean => grant.scopes.includes(scope);
    const [given_name = '', ...rest] = account.name.split(' ');
    res.json({
      sub: account.id,
      ...(has('profile') ? { name: account.name, given_name, family_name: rest.join(' ') } : {}),
      ...(has('email') ? { email: account.email, email_verified: true } : {}),
    });
  };

  const form = express.urlencoded({ extended: false });
  const router = express.Router();
  router.use(['/o/oauth2/v2/auth', '/token', '/revoke'], (_req, res, next) => {
    res.set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    res.set('referrer-policy', 'no-referrer');
    next();
  });
  router.route('/o/oauth2/v2/auth').get(showConsent).post(form, decide);
  router.post('/token', form, token);
  router.post('/revoke', form, revoke);
  router.get('/oauth2/v3/userinfo', userinfo);

  return {
    router,
    grantOf,
    issue(accountId, scopes = [...KNOWN_SCOPES]) {
      const grant = { grantId: randomUUID(), accountId, scopes };
      return { accessToken: accessToken(grant), refreshToken: mint.sign({ kind: 'refresh', ...grant }) };
    },
    expireAccessTokens() {
      expiredBefore = serial + 1;
    },
  };
}

/** Why a request is not answered with the consent page: Google's word and a sentence. */
function faultOf(asked: Record<string, string>, clientId: string): [string, string] | undefined {
  if (asked.client_id !== clientId) return ['invalid_client', 'The OAuth client was not found.'];
  const redirect = URL.canParse(asked.redirect_uri ?? '') ? new URL(asked.redirect_uri ?? '') : undefined;
  if (!redirect || !/^https?:$/.test(redirect.protocol) || redirect.hash)
    return ['redirect_uri_mismatch', 'The redirect URI in the request must be an http or https address.'];
  if (asked.response_type !== 'code') return ['unsupported_response_type', 'The response type must be "code".'];
  const scopes = (asked.scope ?? '').split(' ').filter(Boolean);
  if (scopes.length === 0) return ['invalid_request', 'Missing required parameter: scope'];
  const unknown = scopes.filter((scope) => !KNOWN_SCOPES.has(scope));
  if (unknown.length > 0) return ['invalid_scope', `Some requested scopes were invalid: ${unknown.join(', ')}`];
  if (asked.code_challenge_method !== 'S256' || !/^[\w-]{43}$/.test(asked.code_challenge ?? ''))
    return ['invalid_request', 'A PKCE code challenge with the method S256 is needed.'];
  return undefined;
}

function tokenAnswer(access_token: string, scopes: string[]): Record<string, unknown> {
  return { access_token, expires_in: ACCESS_LIFETIME_S, scope: scopes.join(' '), token_type: 'Bearer' };
}

/** Parameters given once; repeated ones are left out, as if they were missing. */
function stringsOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
