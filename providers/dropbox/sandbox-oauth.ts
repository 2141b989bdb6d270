import { randomBytes, randomUUID } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import {
  commonFault,
  createConsentDesk,
  formOf,
  provesChallenge,
  sameText,
  signInHeaders,
  type Asked,
  type Fault,
} from '../sandbox/consent-desk.ts';
import type { ConsentVendor } from '../sandbox/consent-page.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { SCOPES } from './auth.ts';
import { misunderstood, Refusal, tags } from './sandbox-args.ts';
import { accountIdOf, userIdOf } from './sandbox-tree.ts';

const ACCESS_LIFETIME_S = 14_400;

export const DROPBOX: ConsentVendor = {
  name: 'Dropbox',
  account: 'Dropbox account',
  allows: {
    'account_info.read': 'View basic information about your Dropbox account such as your name and e-mail address',
    'files.metadata.read': 'View information about your Dropbox files and folders',
    'files.content.read': 'View content of your Dropbox files and folders',
  },
};
/** Scopes that are switched on for the stand-in's app. */
const KNOWN_SCOPES = new Set(SCOPES.map(({ scope }) => scope));

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

  const desk = createConsentDesk({
    accounts,
    mint,
    vendor: DROPBOX,
    faultOf: (asked) => faultOf(asked, deps.appKey),
    staleCode: 'stale_page',
    newCode: () => randomBytes(32).toString('base64url'),
    more: {
      denied: { error_description: 'The user chose not to give your app access to their Dropbox account.' },
    },
  });

  const token = (req: Request, res: Response): void => {
    const form = { ...formOf(req), ...basicOf(req) };
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
    const consent = desk.redeem(form.code);
    if (!consent) return refuse('invalid_grant', "code doesn't exist or has expired");
    const { accountId, scopes, asked } = consent;
    if (form.redirect_uri !== asked.redirect_uri) return refuse('invalid_grant', 'redirect_uri mismatch');
    if (!provesChallenge(form.code_verifier, consent)) return refuse('invalid_grant', 'invalid code verifier');
    const account = accounts.find(({ id }) => id === accountId);
    const grant = { grantId: randomUUID(), accountId, scopes };
    res.json({
      access_token: accessToken(grant),
      token_type: 'bearer',
      expires_in: ACCESS_LIFETIME_S,
      scope: scopes.join(' '),
      uid: String(userIdOf(accountId)),
      account_id: account ? accountIdOf(account) : '',
      ...(asked.token_access_type === 'offline' ? { refresh_token: mint.sign({ kind: 'refresh', ...grant }) } : {}),
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

  const router = express.Router();
  router.use('/oauth2', signInHeaders);
  router.route('/oauth2/authorize').get(desk.page).post(desk.decision);
  router.post('/oauth2/token', express.urlencoded({ extended: false }), token);

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
function faultOf(asked: Asked, appKey: string): Fault | undefined {
  if (!['offline', 'online', undefined].includes(asked.token_access_type))
    return { code: 'token_access_type', text: 'It must be "offline" or "online".' };
  return commonFault(
    asked,
    { id: appKey, knownScopes: KNOWN_SCOPES, needsScope: false },
    {
      client: 'client_id',
      redirect: 'redirect_uri',
      responseType: 'response_type',
      noScope: 'scope',
      scope: 'scope',
      challenge: 'code_challenge',
    },
  );
}

/** The app's key and secret may come as HTTP Basic instead. */
function basicOf(req: Request): Record<string, string> {
  const encoded = /^Basic (.+)$/.exec(req.get('authorization') ?? '')?.[1];
  if (encoded === undefined) return {};
  const [client_id = '', client_secret = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  return { client_id, client_secret };
}
