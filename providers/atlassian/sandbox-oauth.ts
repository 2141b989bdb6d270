import { randomBytes, randomUUID } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import {
  bearerOf,
  commonFault,
  createConsentDesk,
  formOf,
  provesChallenge,
  sameText,
  signInHeaders,
  type Asked,
  type Fault,
} from '../sandbox/consent-desk.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { ATLASSIAN, KNOWN_SCOPES, MOST_SCOPES, OFFLINE, productOf } from './sandbox-scopes.ts';
import { accountIdOfName, AtlassianRefusal, type AtlassianSite } from './sandbox-world.ts';

const ACCESS_LIFETIME_S = 3600;
const DAY_MS = 86_400_000;
/** Atlassian's tokens are longer than a kilobyte; those who keep them in short columns should notice. */
const TOKEN_PADDING = 'tributary'.repeat(100);

/** How refresh tokens behave; tests change it. */
export type Rotation = {
  /** Off: the answer comes without a new refresh token, and the one sent stays good. */
  rotates: boolean;
  /** Milliseconds for which a refresh token that was used already is taken once more; 0: never. */
  reuseMs: number;
  /** Milliseconds after which a new refresh token ends that nobody uses. */
  idleMs: number;
};

export const usualRotation = (): Rotation => ({ rotates: true, reuseMs: 600_000, idleMs: 90 * DAY_MS });

export type SandboxOauth = {
  router: Router;
  /** The live grant of a bearer token. Errors: AtlassianRefusal 401. */
  grantOf(req: Request): Grant;
  /** The sites that a grant reaches: those chosen in any consent of its person, as long as the person may use them. */
  sitesOf(grant: Grant): AtlassianSite[];
  /** Tokens as after a consent to all sites, for tests that are not about consenting. */
  issue(account: SandboxAccount, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only newly issued access tokens are accepted. */
  expireTokens(): void;
  /** Ends all grants of an account, as its administrator can. */
  endGrants(account: SandboxAccount): void;
};

/** Atlassian's sign-in: consent page, tokens, sites and identity; as strict as Atlassian is. */
export function createSandboxOauth(deps: {
  accounts: SandboxAccount[];
  sites: AtlassianSite[];
  clientId: string;
  clientSecret: string;
  mint: TokenMint;
  rotation: Rotation;
}): SandboxOauth {
  const { accounts, mint, rotation } = deps;
  const clouds = deps.sites.filter(({ kind }) => kind === 'cloud');
  /** Sites chosen in earlier consents, by account. */
  const chosen = new Map<string, Set<string>>();
  /** When a refresh token was first used, by its id. */
  const used = new Map<string, number>();
  /** Grants of an account with a lower number are dead. */
  const generations = new Map<string, number>();
  let serial = 0;
  /** Access tokens with a lower serial number count as expired. */
  let expiredBefore = 0;

  const generationOf = (accountId: string): number => generations.get(accountId) ?? 0;
  const accountOf = (grant: Grant): SandboxAccount | undefined => accounts.find(({ id }) => id === grant.accountId);
  const live = (kind: 'access' | 'refresh', token: string): Grant | undefined => {
    const grant = mint.verify(kind, token);
    const isAlive = grant && Number(grant.data?.generation) === generationOf(grant.accountId) && accountOf(grant);
    return isAlive ? grant : undefined;
  };

  type Granted = Pick<Grant, 'grantId' | 'accountId' | 'scopes'> & { sites: string };
  const sign = (kind: 'access' | 'refresh', { sites, ...grant }: Granted): string => {
    serial += 1;
    const lifetimeMs = kind === 'access' ? ACCESS_LIFETIME_S * 1000 : rotation.idleMs;
    const data = {
      id: randomUUID(),
      serial: String(serial),
      generation: String(generationOf(grant.accountId)),
      sites,
      padding: TOKEN_PADDING,
    };
    return mint.sign({ kind, ...grant, expiresAt: Date.now() + lifetimeMs, data });
  };
  const tokensFor = (granted: Granted, withRefresh: boolean): Record<string, unknown> => ({
    access_token: sign('access', granted),
    expires_in: ACCESS_LIFETIME_S,
    token_type: 'Bearer',
    scope: granted.scopes.join(' '),
    ...(withRefresh ? { refresh_token: sign('refresh', granted) } : {}),
  });

  const mayUse = (account: SandboxAccount, { members }: AtlassianSite): boolean =>
    members.has(accountIdOfName(account.name));
  const remember = (account: SandboxAccount, cloudIds: string[]): string => {
    const known = chosen.get(account.id) ?? new Set();
    for (const { cloudId } of clouds.filter((site) => mayUse(account, site)))
      if (cloudIds.includes(cloudId)) known.add(cloudId);
    chosen.set(account.id, known);
    return [...known].join(' ');
  };

  const desk = createConsentDesk({
    accounts,
    mint,
    vendor: ATLASSIAN,
    faultOf: (asked) => faultOf(asked, deps.clientId),
    staleCode: 'unauthorized_client',
    newCode: () => `eyJ${randomBytes(48).toString('base64url')}`,
    choice: () => ({
      legend: 'Use app on',
      options: clouds.map(({ cloudId, name, url }) => ({ value: cloudId, label: name, note: url })),
    }),
    more: { denied: { error_description: 'User did not authorize the request' } },
  });

  const redeem = (form: Asked, refuse: Refuse): Record<string, unknown> | void => {
    const consent = desk.redeem(form.code);
    const account = accounts.find(({ id }) => id === consent?.accountId);
    if (!consent || !account) return refuse(403, 'invalid_grant', 'Invalid authorization code');
    if (form.redirect_uri !== consent.asked.redirect_uri)
      return refuse(403, 'invalid_grant', 'The redirect URI is not the one of the authorization request.');
    if (!provesChallenge(form.code_verifier, consent))
      return refuse(403, 'invalid_grant', 'Failed to verify code verifier');
    const sites = remember(account, consent.choices);
    const { accountId, scopes } = consent;
    return tokensFor({ grantId: randomUUID(), accountId, scopes, sites }, scopes.includes(OFFLINE));
  };

  const refresh = (form: Asked, refuse: Refuse): Record<string, unknown> | void => {
    const grant = live('refresh', form.refresh_token ?? '');
    const id = grant?.data?.id ?? '';
    const usedAt = used.get(id);
    if (!grant || (usedAt !== undefined && Date.now() - usedAt >= rotation.reuseMs))
      return refuse(403, 'invalid_grant', 'Unknown or invalid refresh token.');
    if (rotation.rotates) used.set(id, usedAt ?? Date.now());
    const { grantId, accountId, scopes } = grant;
    return tokensFor({ grantId, accountId, scopes, sites: grant.data?.sites ?? '' }, rotation.rotates);
  };

  const token = (req: Request, res: Response): void => {
    const form = formOf(req);
    const refuse: Refuse = (status, error, error_description) =>
      void res.status(status).json({ error, error_description });
    res.set('cache-control', 'no-store');
    if (form.client_id !== deps.clientId || !sameText(form.client_secret ?? '', deps.clientSecret))
      return refuse(401, 'access_denied', 'Unauthorized');
    const grants: Record<string, typeof redeem> = { authorization_code: redeem, refresh_token: refresh };
    const answer = Object.hasOwn(grants, form.grant_type ?? '') ? grants[form.grant_type ?? ''] : undefined;
    if (!answer) return refuse(403, 'unsupported_grant_type', `Unsupported grant type: ${form.grant_type ?? ''}`);
    const tokens = answer(form, refuse);
    if (tokens) res.json(tokens);
  };

  const grantOf = (req: Request): Grant => {
    const grant = live('access', bearerOf(req));
    if (!grant || Number(grant.data?.serial ?? 0) < expiredBefore) throw new AtlassianRefusal(401, 'Unauthorized');
    return grant;
  };

  const sitesOf = (grant: Grant): AtlassianSite[] => {
    const account = accountOf(grant);
    const reached = new Set([...(grant.data?.sites ?? '').split(' '), ...(chosen.get(grant.accountId) ?? [])]);
    return clouds.filter((site) => account && reached.has(site.cloudId) && mayUse(account, site));
  };

  /** A site stands there once for each of its products that the scopes are of. */
  const resources: RequestHandler = (req, res) => {
    const grant = grantOf(req);
    const products = ['confluence', 'jira'] as const;
    res.json(
      sitesOf(grant).flatMap((site) =>
        products.flatMap((product) => {
          const scopes = grant.scopes.filter((scope) => productOf(scope) === product);
          if (!site[product] || scopes.length === 0) return [];
          const { cloudId: id, name, url } = site;
          return [{ id, name, url, scopes, avatarUrl: `${url}/avatar.png` }];
        }),
      ),
    );
  };

  const me: RequestHandler = (req, res) => {
    const grant = grantOf(req);
    const account = accountOf(grant);
    if (!account || !grant.scopes.includes('read:me'))
      throw new AtlassianRefusal(401, 'Unauthorized; scope does not match');
    res.json({
      account_id: accountIdOfName(account.name),
      account_type: 'atlassian',
      account_status: 'active',
      email: account.email,
      email_verified: true,
      name: account.name,
      nickname: account.name,
      picture: 'https://avatars.example/default.png',
      zoneinfo: 'Europe/London',
      locale: 'en-US',
    });
  };

  const router = express.Router();
  router.use(['/authorize', '/oauth/token'], signInHeaders);
  router.route('/authorize').get(desk.page).post(desk.decision);
  router.post('/oauth/token', express.json(), express.urlencoded({ extended: false }), token);
  router.get('/oauth/token/accessible-resources', resources);
  router.get('/me', me);

  return {
    router,
    grantOf,
    sitesOf,
    issue(account, scopes = [...KNOWN_SCOPES]) {
      const sites = remember(
        account,
        clouds.map(({ cloudId }) => cloudId),
      );
      const granted = { grantId: randomUUID(), accountId: account.id, scopes, sites };
      return { accessToken: sign('access', granted), refreshToken: sign('refresh', granted) };
    },
    expireTokens() {
      expiredBefore = serial + 1;
    },
    endGrants({ id }) {
      generations.set(id, generationOf(id) + 1);
      chosen.delete(id);
    },
  };
}

type Refuse = (status: number, error: string, description: string) => void;

/** Why a request is not answered with the consent page. */
function faultOf(asked: Asked, clientId: string): Fault | undefined {
  const fault = commonFault(
    asked,
    { id: clientId, knownScopes: KNOWN_SCOPES, needsScope: true },
    {
      client: 'invalid_client',
      redirect: 'invalid_redirect_uri',
      responseType: 'unsupported_response_type',
      noScope: 'invalid_scope',
      scope: 'invalid_scope',
      challenge: 'invalid_request',
    },
  );
  if (fault) return fault;
  if (asked.audience !== 'api.atlassian.com')
    return { code: 'invalid_audience', text: 'The audience must be api.atlassian.com.' };
  if ((asked.scope ?? '').split(' ').length > MOST_SCOPES)
    return { code: 'invalid_scope', text: `An app may ask for ${MOST_SCOPES} scopes.` };
  return undefined;
}
