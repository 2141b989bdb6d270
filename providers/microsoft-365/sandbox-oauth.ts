import { createHash, randomBytes, randomUUID } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import {
  bearerOf,
  commonFault,
  createConsentDesk,
  formOf,
  provesChallenge,
  sameText,
  scopesOf,
  signInHeaders,
  type Asked,
  type Fault,
} from '../sandbox/consent-desk.ts';
import type { ConsentVendor } from '../sandbox/consent-page.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { SCOPES } from './auth.ts';
import { objectIdOf, tenantIdOf } from './sandbox-ids.ts';

const ACCESS_LIFETIME_S = 3899;
const REFRESH_LIFETIME_MS = 90 * 86_400_000;
const KNOWN_SCOPES = new Set(SCOPES.map(({ scope }) => scope));

const MICROSOFT: ConsentVendor = {
  name: 'Microsoft',
  account: 'Microsoft account',
  allows: {
    openid: 'Sign you in',
    profile: 'View your basic profile',
    email: 'View your e-mail address',
    offline_access: 'Maintain access to data you have given it access to',
    'User.Read': 'Sign you in and read your profile',
    'Files.Read.All': 'Read all files that you have access to',
    'Sites.Read.All': 'Read items in all site collections',
    'Team.ReadBasic.All': 'Read the names and descriptions of teams',
    'Channel.ReadBasic.All': 'Read the names and descriptions of channels',
  },
};

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

  const desk = createConsentDesk({
    accounts,
    mint,
    vendor: MICROSOFT,
    faultOf: (asked, req) =>
      isTenant(String(req.params.tenant))
        ? faultOf(asked, deps.clientId)
        : { code: 'AADSTS90002', text: 'The tenant was not found.' },
    staleCode: 'AADSTS165000',
    newCode: () => `1.A${randomBytes(48).toString('base64url')}`,
    more: {
      granted: () => ({
        client_info: Buffer.from('{}').toString('base64url'),
        session_state: randomUUID(),
      }),
      denied: { error_description: 'AADSTS65004: User declined to consent to access the app.' },
    },
  });

  const token = (req: Request, res: Response): void => {
    const form = formOf(req);
    const refuse = (number: number, error: string, text: string): void =>
      refuseToken(res, { number, error, text: `AADSTS${number}: ${text}` });
    res.set('cache-control', 'no-store, no-cache');
    if (!isTenant(String(req.params.tenant))) return refuse(90002, 'invalid_request', 'The tenant was not found.');
    if (form.client_id !== deps.clientId)
      return refuse(700016, 'unauthorized_client', 'The application was not found in the directory.');
    if (!form.client_secret) return refuse(7000218, 'invalid_client', 'The request body must contain client_secret.');
    if (!sameText(form.client_secret, deps.clientSecret))
      return refuse(7000215, 'invalid_client', 'Invalid client secret provided.');
    const scopes = scopesOf(form);
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
    if (spent.has(form.code ?? '')) return refuse(54005, 'invalid_grant', 'The code was already redeemed.');
    const consent = desk.redeem(form.code);
    if (!consent) return refuse(70008, 'invalid_grant', 'The code has expired.');
    spent.add(form.code ?? '');
    if (form.redirect_uri !== consent.asked.redirect_uri)
      return refuse(500112, 'invalid_client', 'The reply address does not match the one of the code.');
    if (!provesChallenge(form.code_verifier, consent))
      return refuse(50148, 'invalid_grant', 'The code_verifier does not match the code_challenge.');
    res.json(answer({ grantId: randomUUID(), accountId: consent.accountId, scopes: consent.scopes }));
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
  router.use('/:tenant/oauth2/v2.0', signInHeaders);
  router.route('/:tenant/oauth2/v2.0/authorize').get(desk.page).post(desk.decision);
  router.post('/:tenant/oauth2/v2.0/token', form, token);
  router.get('/:tenant/v2.0/.well-known/openid-configuration', configuration);

  return {
    router,
    grantOf: (req) => live('access', bearerOf(req)),
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
function faultOf(asked: Asked, clientId: string): Fault | undefined {
  if (asked.response_mode !== undefined && asked.response_mode !== 'query')
    return { code: 'AADSTS70007', text: 'The response mode is not supported here.' };
  return commonFault(
    asked,
    { id: clientId, knownScopes: KNOWN_SCOPES, needsScope: true },
    {
      client: 'AADSTS700016',
      redirect: 'AADSTS50011',
      responseType: 'AADSTS900144',
      noScope: 'AADSTS900144',
      scope: 'AADSTS70011',
      challenge: 'AADSTS501491',
    },
  );
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
