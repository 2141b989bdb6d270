import { randomBytes, randomUUID } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import {
  bearerOf,
  commonFault,
  createConsentDesk,
  formOf,
  provesChallenge,
  sameText,
  signInHeaders,
  stringsOf,
} from '../sandbox/consent-desk.ts';
import type { ConsentVendor } from '../sandbox/consent-page.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { SCOPES } from './auth.ts';
import { DRIVE_SCOPE } from './failures.ts';

const ACCESS_LIFETIME_S = 3599;

const GOOGLE: ConsentVendor = {
  name: 'Google',
  account: 'Google Account',
  allows: {
    openid: 'Know who you are on Google',
    email: 'See your e-mail address',
    profile: 'See your name',
    [DRIVE_SCOPE]: 'See and download all your Google Drive files',
  },
  // The person may untick what is more than a look at the profile.
  optional: new Set([DRIVE_SCOPE]),
};
/** Scopes the stand-in can grant. */
const KNOWN_SCOPES = new Set(SCOPES.map(({ scope }) => scope));

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
  const accessToken = ({ grantId, accountId, scopes }: Pick<Grant, 'grantId' | 'accountId' | 'scopes'>): string => {
    const expiresAt = Date.now() + ACCESS_LIFETIME_S * 1000;
    return mint.sign({ kind: 'access', grantId, accountId, scopes, expiresAt, data: { serial: String(++serial) } });
  };

  const desk = createConsentDesk({
    accounts,
    mint,
    vendor: GOOGLE,
    faultOf: (asked) =>
      commonFault(
        asked,
        { id: deps.clientId, knownScopes: KNOWN_SCOPES, needsScope: true },
        {
          client: 'invalid_client',
          redirect: 'redirect_uri_mismatch',
          responseType: 'unsupported_response_type',
          noScope: 'invalid_request',
          scope: 'invalid_scope',
          challenge: 'invalid_request',
        },
      ),
    staleCode: 'invalid_request',
    newCode: () => `4/0A${randomBytes(32).toString('base64url')}`,
    more: { granted: ({ scopes }) => ({ scope: scopes.join(' ') }) },
  });

  const token = (req: Request, res: Response): void => {
    const form = formOf(req);
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
    const consent = desk.redeem(form.code);
    if (!consent) return refuse(400, 'invalid_grant', 'Bad Request');
    const { accountId, scopes, asked } = consent;
    if (form.redirect_uri !== asked.redirect_uri) return refuse(400, 'redirect_uri_mismatch', 'Bad Request');
    if (!provesChallenge(form.code_verifier, consent)) return refuse(400, 'invalid_grant', 'Invalid code verifier.');
    const grant = { grantId: randomUUID(), accountId, scopes };
    res.json({
      ...tokenAnswer(accessToken(grant), scopes),
      ...(asked.access_type === 'offline' ? { refresh_token: mint.sign({ kind: 'refresh', ...grant }) } : {}),
    });
  };

  const revoke = (req: Request, res: Response): void => {
    const form = { ...stringsOf(req.query), ...formOf(req) };
    const grant = live('refresh', form.token ?? '') ?? live('access', form.token ?? '');
    if (!grant) {
      res.status(400).json({ error: 'invalid_token', error_description: 'Token expired or revoked' });
      return;
    }
    deadGrants.add(grant.grantId);
    deps.revoked.push(accounts.find(({ id }) => id === grant.accountId)?.email ?? '');
    res.json({});
  };

  const grantOf = (req: Request): Grant | undefined => live('access', bearerOf(req));

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
      ...(has('email') ? { email: account.email, email_verified: account.emailVerified ?? true } : {}),
      ...(has('email') && account.organisation !== undefined ? { hd: account.organisation } : {}),
    });
  };

  const form = express.urlencoded({ extended: false });
  const router = express.Router();
  router.use(['/o/oauth2/v2/auth', '/token', '/revoke'], signInHeaders);
  router.route('/o/oauth2/v2/auth').get(desk.page).post(desk.decision);
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

function tokenAnswer(access_token: string, scopes: string[]): Record<string, unknown> {
  return { access_token, expires_in: ACCESS_LIFETIME_S, scope: scopes.join(' '), token_type: 'Bearer' };
}
