import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import type { Grant, TokenMint } from '../google-drive/sandbox-tokens.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { SCOPES } from './auth.ts';
import { objectIdOf, tenantIdOf } from './sandbox-ids.ts';
import { microsoftConsentPage, microsoftRefusalPage } from './sandbox-page.ts';

const CODE_LIFETIME_MS = 600_000;
const ACCESS_LIFETIME_S = 3899;
const REFRESH_LIFETIME_MS = 90 * 86_400_000;
const KNOWN_SCOPES = new Set(SCOPES.map(({ scope }) => scope));

type Code = { accountId: string; scopes: string[]; redirectUri: string; challenge: string; expiresAt: number };

export type SandboxOauth = {
  router: Router;
  /** The live grant of a request's bearer token; undefined when there is none. */
  grantOf(req: Request): Grant | undefined;
  /** Tokens as after a consent, for tests that are not about consenting. */
  issue(accountId: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only newly issued access tokens are accepted. */
  expireTokens(): void;
  /** Ends all grants that the account has given so far. */
  endGrants(accountId: string): void;
};

/** The v2.0 endpoints of Microsoft's sign-in: consent page, token, configuration; as strict as Microsoft is. */
export function createSandboxOauth(deps: {
  accounts: SandboxAccount[];
  clientId: string;
  clientSecret: string;
  mint: TokenMint;
  baseUrl: () => string;
}): SandboxOauth {
  const { accounts, mint } = deps;
  const codes = new Map<string, Code>();
  const spent = new Set<string>();
  const endedAt = new Map<string, number>();
  let expiredBefore = 0;
  let serial = 0;

  const live = (kind: 'access' | 'refresh', token: string): Grant | undefined => {
    const grant = mint.verify(kind, token);
    if (!grant || !accounts.some(({ id }) => id === grant.accountId)) return undefined;
    if (Number(grant.data?.serial ?? 0) <= (endedAt.get(grant.accountId) ?? 0)) return undefined;
    if (kind === 'access' && Number(grant.data?.serial ?? 0) < expiredBefore) return undefined;
    return grant;
  };
  const sign = (kind: 'access' | 'refresh', grant: Pick<Grant, 'grantId' | 'accountId' | 'scopes'>): string =>
    mint.sign({
      kind,
      grantId: grant.grantId,
      accountId: grant.accountId,
      scopes: grant.scopes,
      expiresAt: Date.now() + (kind === 'access' ? ACCESS_LIFETIME_S * 1000 : REFRESH_LIFETIME_MS),
      data: { serial: String((serial += 1)) },
    });

  const idToken = (account: SandboxAccount): string => {
    const tid = tenantIdOf(account);
    const now = Math.floor(Date.now() / 1000);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      aud: deps.clientId,
      iss: `${deps.baseUrl()}/${tid}/v2.0`,
      iat: now,
      nbf: now,
      exp: now + ACCESS_LIFETIME_S,
      name: account.name,
      oid: objectIdOf(account),
      preferred_username: account.email,
      email: account.email,
      sub: createHash('sha256').update(`${deps.clientId} ${account.id}`).digest('base64url'),
      tid,
      ver: '2.0',
    };
    // Nobody checks the signature: the token comes straight from the token endpoint.
    return `${part({ typ: 'JWT', alg: 'RS256', kid: 'sandbox' })}.${part(claims)}.${randomBytes(32).toString('base64url')}`;
  };

  const answer = (grant: Pick<Grant, 'grantId' | 'accountId' | 'scopes'>): Record<string, unknown> => {
    const account = accounts.find(({ id }) => id === grant.accountId);
    if (!account) throw new Error('The account of a grant is gone.');
    const info = { uid: objectIdOf(account), utid: tenantIdOf(account) };
    const scope = grant.scopes.filter((name) => name !== 'offline_access').join(' ');
    return {
      token_type: 'Bearer',
      scope,
      expires_in: ACCESS_LIFETIME_S,
      ext_expires_in: ACCESS_LIFETIME_S,
      access_token: sign('access', grant),
      ...(grant.scopes.includes('offline_access') ? { refresh_token: sign('refresh', grant) } : {}),
      ...(grant.scopes.includes('openid') ? { id_token: idToken(account) } : {}),
      client_info: Buffer.from(JSON.stringify(info)).toString('base64url'),
    };
  };

  const isTenant = (tenant: string): boolean =>
    ['common', 'organizations'].includes(tenant) || accounts.some((account) => tenantIdOf(account) === tenant);

  const showConsent = (req: Request, res: Response): void => {
    const asked = stringsOf(req.query);
    const fault = isTenant(String(req.params.tenant))
      ? faultOf(asked, deps.clientId)
      : 'AADSTS90002: The tenant was not found.';
    if (fault) {
      res.status(400).type('html').send(microsoftRefusalPage(fault));
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
    res.type('html').send(microsoftConsentPage({ accounts, scopes, loginHint: asked.login_hint, request }));
  };

  const decide = (req: Request, res: Response): void => {
    const form = (req.body ?? {}) as Record<string, string | string[] | undefined>;
    const consent = mint.verify('consent', String(form.request ?? ''));
    const asked = consent?.data;
    if (!consent || !asked) {
      res.status(400).type('html').send(microsoftRefusalPage('AADSTS165000: This page is out of date.'));
      return;
    }
    const back = new URL(asked.redirect_uri ?? '');
    const account = accounts.find(({ id }) => id === form.account);
    if (form.decision !== 'allow' || !account) {
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set('error_description', 'AADSTS65004: User declined to consent to access the app.');
    } else {
      const code = `1.A${randomBytes(48).toString('base64url')}`;
      codes.set(code, {
        accountId: account.id,
        scopes: consent.scopes,
        redirectUri: asked.redirect_uri ?? '',
        challenge: asked.code_challenge ?? '',
        expiresAt: Date.now() + CODE_LIFETIME_MS,
      });
      back.searchParams.set('code', code);
      back.searchParams.set('client_info', Buffer.from('{}').toString('base64url'));
      back.searchParams.set('session_state', randomUUID());
    }
    if (asked.state !== undefined) back.searchParams.set('state', asked.state);
    res.redirect(302, back.href);
  };

  const token = (req: Request, res: Response): void => {
    const form = stringsOf((req.body ?? {}) as Record<string, unknown>);
    const refuse = (number: number, error: string, text: string): void =>
      refuseToken(res, { number, error, text: `AADSTS${number}: ${text}` });
    res.set('cache-control', 'no-store, no-cache');
    if (!isTenant(String(req.params.tenant))) return refuse(90002, 'invalid_request', 'The tenant was not found.');
    if (form.client_id !== deps.clientId)
      return refuse(700016, 'unauthorized_client', 'The application was not found in the directory.');
    if (!form.client_secret) return refuse(7000218, 'invalid_client', 'The request body must contain client_secret.');
    if (!sameText(form.client_secret, deps.clientSecret))
      return refuse(7000215, 'invalid_client', 'Invalid client secret provided.');
    const scopes = (form.scope ?? '').split(' ').filter(Boolean);
    const unknown = scopes.filter((scope) => !KNOWN_SCOPES.has(scope));
    if (unknown.length > 0)
      return refuse(70011, 'invalid_scope', `The provided value for 'scope' is not valid: ${unknown.join(' ')}`);
    if (form.grant_type === 'refresh_token') {
      const grant = live('refresh', form.refresh_token ?? '');
      if (!grant) return refuse(50173, 'invalid_grant', 'The provided grant has expired due to it being revoked.');
      if (scopes.some((scope) => !grant.scopes.includes(scope)))
        return refuse(65001, 'invalid_grant', 'The user or administrator has not consented to use the application.');
      return void res.json(answer(grant));
    }
    if (form.grant_type !== 'authorization_code')
      return refuse(70003, 'unsupported_grant_type', 'The app requested an unsupported grant type.');
    const code = codes.get(form.code ?? '');
    codes.delete(form.code ?? '');
    if (spent.has(form.code ?? '')) return refuse(54005, 'invalid_grant', 'The code was already redeemed.');
    if (!code || code.expiresAt <= Date.now()) return refuse(70008, 'invalid_grant', 'The code has expired.');
    spent.add(form.code ?? '');
    if (form.redirect_uri !== code.redirectUri)
      return refuse(500112, 'invalid_client', 'The reply address does not match the one of the code.');
    if (!form.code_verifier) return refuse(50148, 'invalid_grant', 'The code_verifier is missing.');
    const challenge = createHash('sha256').update(form.code_verifier).digest('base64url');
    if (!/^[\w.~-]{43,128}$/.test(form.code_verifier) || !sameText(challenge, code.challenge))
      return refuse(50148, 'invalid_grant', 'The code_verifier does not match the code_challenge.');
    res.json(answer({ grantId: randomUUID(), accountId: code.accountId, scopes: code.scopes }));
  };

  const configuration = (req: Request, res: Response): void => {
    const tenant = String(req.params.tenant);
    const at = `${deps.baseUrl()}/${tenant}`;
    res.json({
      issuer: `${deps.baseUrl()}/{tenantid}/v2.0`,
      authorization_endpoint: `${at}/oauth2/v2.0/authorize`,
      token_endpoint: `${at}/oauth2/v2.0/token`,
      jwks_uri: `${at}/discovery/v2.0/keys`,
      response_types_supported: ['code'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
    });
  };

  const form = express.urlencoded({ extended: false });
  const router = express.Router();
  router.use('/:tenant/oauth2/v2.0', (_req, res, next) => {
    res.set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    res.set('referrer-policy', 'no-referrer');
    next();
  });
  router.route('/:tenant/oauth2/v2.0/authorize').get(showConsent).post(form, decide);
  router.post('/:tenant/oauth2/v2.0/token', form, token);
  router.get('/:tenant/v2.0/.well-known/openid-configuration', configuration);

  return {
    router,
    grantOf: (req) => live('access', /^Bearer (.+)$/.exec(req.get('authorization') ?? '')?.[1] ?? ''),
    issue(accountId, scopes = [...KNOWN_SCOPES]) {
      const grant = { grantId: randomUUID(), accountId, scopes };
      return { accessToken: sign('access', grant), refreshToken: sign('refresh', grant) };
    },
    expireTokens() {
      expiredBefore = serial + 1;
    },
    endGrants(accountId) {
      endedAt.set(accountId, serial);
    },
  };
}

/** Why a request is not answered with the consent page. */
function faultOf(asked: Record<string, string>, clientId: string): string | undefined {
  if (asked.client_id !== clientId) return 'AADSTS700016: The application was not found in the directory.';
  const redirect = URL.canParse(asked.redirect_uri ?? '') ? new URL(asked.redirect_uri ?? '') : undefined;
  if (!redirect || !/^https?:$/.test(redirect.protocol) || redirect.hash)
    return 'AADSTS50011: The redirect URI in the request is not registered.';
  if (asked.response_type !== 'code') return 'AADSTS900144: The response type must be code.';
  if (asked.response_mode !== undefined && asked.response_mode !== 'query')
    return 'AADSTS70007: The response mode is not supported here.';
  const scopes = (asked.scope ?? '').split(' ').filter(Boolean);
  const unknown = scopes.filter((scope) => !KNOWN_SCOPES.has(scope));
  if (scopes.length === 0) return 'AADSTS900144: The request must contain scope.';
  if (unknown.length > 0) return `AADSTS70011: The provided value for scope is not valid: ${unknown.join(' ')}`;
  if (asked.code_challenge_method !== 'S256' || !/^[\w-]{43}$/.test(asked.code_challenge ?? ''))
    return 'AADSTS501491: A PKCE code challenge with the method S256 is needed.';
  return undefined;
}

function refuseToken(res: Response, { number, error, text }: { number: number; error: string; text: string }): void {
  const [trace_id, correlation_id] = [randomUUID(), randomUUID()];
  const timestamp = new Date().toISOString().replace('T', ' ').replace(/\.\d+/, '');
  res.status(error === 'invalid_client' ? 401 : 400).json({
    error,
    error_description: `${text} Trace ID: ${trace_id} Correlation ID: ${correlation_id} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id,
    correlation_id,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  });
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
