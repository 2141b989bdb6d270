import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import type { Grant, TokenMint } from '../google-drive/sandbox-tokens.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { misunderstood, Refusal, tags } from './sandbox-args.ts';
import { consentPage, KNOWN_SCOPES, refusalPage } from './sandbox-page.ts';
import { accountIdOf } from './sandbox-tree.ts';

const CODE_LIFETIME_MS = 600_000;
const ACCESS_LIFETIME_S = 14_400;

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
  /** The live grant of a request's bearer token. Errors: Refusal 400 without a token, 401 for a dead or expired one. */
  grantOf(req: Request): Grant;
  /** Ends a grant with all its tokens. */
  endGrant(grant: Grant): void;
  /** Tokens as after a consent, for tests that are not about consenting. */
  issue(accountId: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only newly issued access tokens are accepted. */
  expireTokens(): void;
};

/** Dropbox's OAuth endpoints: consent page and token; as strict as Dropbox is. */
export function createSandboxOauth(deps: {
  accounts: SandboxAccount[];
  appKey: string;
  appSecret: string;
  mint: TokenMint;
  /** E-mail addresses whose grants were ended, in order. */
  revoked: string[];
}): SandboxOauth {
  const { accounts, mint } = deps;
  const codes = new Map<string, Code>();
  const deadGrants = new Set<string>();
  let serial = 0;
  /** Access tokens with a lower serial number count as expired. */
  let expiredBefore = 0;

  const accountOf = (grant: Grant): SandboxAccount | undefined => accounts.find(({ id }) => id === grant.accountId);
  const live = (kind: 'access' | 'refresh', token: string): Grant | undefined => {
    const grant = mint.verify(kind, token);
    return grant && !deadGrants.has(grant.grantId) && accountOf(grant) ? grant : undefined;
  };
  const accessToken = ({ grantId, accountId, scopes }: Pick<Grant, 'grantId' | 'accountId' | 'scopes'>): string => {
    serial += 1;
    // The end stands in the data: an expired token is told from an unknown one.
    const data = { serial: String(serial), until: String(Date.now() + ACCESS_LIFETIME_S * 1000) };
    return mint.sign({ kind: 'access', grantId, accountId, scopes, data });
  };

  const showConsent = (req: Request, res: Response): void => {
    const asked = stringsOf(req.query);
    const fault = faultOf(asked, deps.appKey);
    if (fault) {
      res.status(400).type('html').send(refusalPage(fault));
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
    res.type('html').send(consentPage({ appName: 'Tributary', accounts, scopes, request }));
  };

  const decide = (req: Request, res: Response): void => {
    const form = stringsOf((req.body ?? {}) as Record<string, unknown>);
    const consent = mint.verify('consent', form.request ?? '');
    const asked = consent?.data;
    if (!consent || !asked) {
      res.status(400).type('html').send(refusalPage('This page is out of date. Start again in the app.'));
      return;
    }
    const back = new URL(asked.redirect_uri ?? '');
    if (asked.state !== undefined) back.searchParams.set('state', asked.state);
    const account = accounts.find(({ id }) => id === form.account);
    if (form.decision !== 'allow' || !account) {
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set(
        'error_description',
        'The user chose not to give your app access to their Dropbox account.',
      );
      res.redirect(302, back.href);
      return;
    }
    const code = randomBytes(32).toString('base64url');
    codes.set(code, {
      accountId: account.id,
      scopes: consent.scopes,
      redirectUri: asked.redirect_uri ?? '',
      challenge: asked.code_challenge ?? '',
      offline: asked.token_access_type === 'offline',
      expiresAt: Date.now() + CODE_LIFETIME_MS,
    });
    back.searchParams.set('code', code);
    res.redirect(302, back.href);
  };

  const token = (req: Request, res: Response): void => {
    const form = stringsOf({ ...((req.body ?? {}) as Record<string, unknown>), ...basicOf(req) });
    const refuse = (error: string, description: string, status = 400): void =>
      void res.status(status).json({ error, error_description: description });
    res.set('cache-control', 'no-store');
    if (Object.keys(req.query).length > 0) return refuse('invalid_request', 'Parameters belong into the body.');
    if (form.client_id !== deps.appKey || !sameText(form.client_secret ?? '', deps.appSecret))
      return refuse('invalid_client: Invalid client_id or client_secret', 'Invalid client_id or client_secret');
    if (form.grant_type === 'refresh_token') {
      const grant = live('refresh', form.refresh_token ?? '');
      if (!grant) return refuse('invalid_grant', 'refresh token is invalid or revoked');
      // No scope and no new refresh token: the old one stays.
      return void res.json({
        access_token: accessToken(grant),
        token_type: 'bearer',
        expires_in: ACCESS_LIFETIME_S,
      });
    }
    if (form.grant_type !== 'authorization_code')
      return refuse('unsupported_grant_type', 'grant_type is not supported');
    const code = codes.get(form.code ?? '');
    codes.delete(form.code ?? '');
    if (!code || code.expiresAt <= Date.now()) return refuse('invalid_grant', "code doesn't exist or has expired");
    if (form.redirect_uri !== code.redirectUri) return refuse('invalid_grant', 'redirect_uri mismatch');
    const challenge = createHash('sha256')
      .update(form.code_verifier ?? '')
      .digest('base64url');
    if (!/^[\w.~-]{43,128}$/.test(form.code_verifier ?? '') || !sameText(challenge, code.challenge))
      return refuse('invalid_grant', 'invalid code verifier');
    const account = accounts.find(({ id }) => id === code.accountId);
    const grant = { grantId: randomUUID(), accountId: code.accountId, scopes: code.scopes };
    res.json({
      access_token: accessToken(grant),
      token_type: 'bearer',
      expires_in: ACCESS_LIFETIME_S,
      scope: code.scopes.join(' '),
      uid: String(parseInt(createHash('sha256').update(code.accountId).digest('hex').slice(0, 8), 16)),
      account_id: account ? accountIdOf(account) : '',
      ...(code.offline ? { refresh_token: mint.sign({ kind: 'refresh', ...grant }) } : {}),
    });
  };

  const grantOf = (req: Request): Grant => {
    const header = req.get('authorization');
    if (header === undefined) throw misunderstood(req, 'Must provide HTTP header "Authorization".');
    const text = /^Bearer ([\x21-\x7e]+)$/.exec(header)?.[1];
    if (text === undefined) throw misunderstood(req, 'Invalid authorization value in HTTP header "Authorization".');
    const grant = live('access', text);
    if (!grant) throw new Refusal(401, tags('invalid_access_token'));
    const isOld = Number(grant.data?.serial ?? 0) < expiredBefore || Number(grant.data?.until ?? 0) <= Date.now();
    if (isOld) throw new Refusal(401, tags('expired_access_token'));
    return grant;
  };

  const form = express.urlencoded({ extended: false });
  const router = express.Router();
  router.use('/oauth2', (_req, res, next) => {
    res.set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    res.set('referrer-policy', 'no-referrer');
    next();
  });
  router.route('/oauth2/authorize').get(showConsent).post(form, decide);
  router.post('/oauth2/token', form, token);

  return {
    router,
    grantOf,
    endGrant(grant) {
      deadGrants.add(grant.grantId);
      deps.revoked.push(accountOf(grant)?.email ?? '');
    },
    issue(accountId, scopes = [...KNOWN_SCOPES]) {
      const grant = { grantId: randomUUID(), accountId, scopes };
      return { accessToken: accessToken(grant), refreshToken: mint.sign({ kind: 'refresh', ...grant }) };
    },
    expireTokens() {
      expiredBefore = serial + 1;
    },
  };
}

/** Why a request is not answered with the consent page. */
function faultOf(asked: Record<string, string>, appKey: string): string | undefined {
  if (asked.client_id !== appKey) return `Invalid client_id: no app with this key exists.`;
  const redirect = URL.canParse(asked.redirect_uri ?? '') ? new URL(asked.redirect_uri ?? '') : undefined;
  if (!redirect || !/^https?:$/.test(redirect.protocol) || redirect.hash)
    return 'Invalid redirect_uri: it must be an http or https address that is registered for the app.';
  if (asked.response_type !== 'code') return 'Invalid response_type: it must be "code".';
  if (!['offline', 'online', undefined].includes(asked.token_access_type))
    return 'Invalid token_access_type: it must be "offline" or "online".';
  const unknown = (asked.scope ?? '').split(' ').filter((scope) => scope !== '' && !KNOWN_SCOPES.has(scope));
  if (unknown.length > 0) return `This app is not permitted to ask for: ${unknown.join(', ')}.`;
  if (asked.code_challenge_method !== 'S256' || !/^[\w-]{43}$/.test(asked.code_challenge ?? ''))
    return 'A PKCE code challenge with the method S256 is needed.';
  return undefined;
}

/** The app's key and secret may come as HTTP Basic instead. */
function basicOf(req: Request): Record<string, string> {
  const encoded = /^Basic (.+)$/.exec(req.get('authorization') ?? '')?.[1];
  if (encoded === undefined) return {};
  const [client_id = '', client_secret = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  return { client_id, client_secret };
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
