import { randomBytes } from 'node:crypto';
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
import type { TokenMint } from '../sandbox/token-mint.ts';
import { ACCESS_LIFETIME_S, type Grants, type Tokens } from './sandbox-grants.ts';
import { ATLASSIAN, KNOWN_SCOPES, MOST_SCOPES, OFFLINE, productOf } from './sandbox-scopes.ts';
import { accountIdOfName, AtlassianRefusal, type AtlassianSite } from './sandbox-world.ts';

type Refused = { status: number; error: string; description: string };

const deadGrant = (description: string): Refused => ({ status: 403, error: 'invalid_grant', description });

/** Atlassian's sign-in: consent page, tokens, sites and identity; as strict as Atlassian is. */
export function createSandboxOauth(deps: {
  accounts: SandboxAccount[];
  clouds: AtlassianSite[];
  clientId: string;
  clientSecret: string;
  mint: TokenMint;
  grants: Grants;
}): Router {
  const { accounts, clouds, mint, grants } = deps;

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

  const redeem = (form: Asked): Partial<Tokens> | Refused => {
    const consent = desk.redeem(form.code);
    const account = accounts.find(({ id }) => id === consent?.accountId);
    if (!consent || !account) return deadGrant('Invalid authorization code');
    if (form.redirect_uri !== consent.asked.redirect_uri)
      return deadGrant('The redirect URI is not the one of the authorization request.');
    if (!provesChallenge(form.code_verifier, consent)) return deadGrant('Failed to verify code verifier');
    const { refreshToken, ...tokens } = grants.begin(account, consent.scopes, consent.choices);
    return consent.scopes.includes(OFFLINE) ? { ...tokens, refreshToken } : tokens;
  };

  const answerTo = (form: Asked): Partial<Tokens> | Refused => {
    if (form.client_id !== deps.clientId || !sameText(form.client_secret ?? '', deps.clientSecret))
      return { status: 401, error: 'access_denied', description: 'Unauthorized' };
    if (form.grant_type === 'authorization_code') return redeem(form);
    if (form.grant_type === 'refresh_token')
      return grants.refresh(form.refresh_token ?? '') ?? deadGrant('Unknown or invalid refresh token.');
    const description = `Unsupported grant type: ${form.grant_type ?? ''}`;
    return { status: 403, error: 'unsupported_grant_type', description };
  };

  const token = (req: Request, res: Response): void => {
    const answer = answerTo(formOf(req));
    res.set('cache-control', 'no-store');
    if ('error' in answer)
      return void res.status(answer.status).json({ error: answer.error, error_description: answer.description });
    const { accessToken, refreshToken, scopes = [] } = answer;
    res.json({
      access_token: accessToken,
      expires_in: ACCESS_LIFETIME_S,
      token_type: 'Bearer',
      scope: scopes.join(' '),
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    });
  };

  const router = express.Router();
  router.use(['/authorize', '/oauth/token'], signInHeaders);
  router.route('/authorize').get(desk.page).post(desk.decision);
  router.post('/oauth/token', express.json(), express.urlencoded({ extended: false }), token);
  router.get('/oauth/token/accessible-resources', sitesCall(grants));
  router.get('/me', identityCall(grants));
  return router;
}

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

/** A site stands there once for each of its products that the scopes are of. */
const sitesCall =
  (grants: Grants): RequestHandler =>
  (req, res) => {
    const { grant } = grantOf(grants, req);
    res.json(
      grants.sitesOf(grant).flatMap((site) =>
        (['confluence', 'jira'] as const).flatMap((product) => {
          const scopes = grant.scopes.filter((scope) => productOf(scope) === product);
          if (!site[product] || scopes.length === 0) return [];
          const { cloudId: id, name, url } = site;
          return [{ id, name, url, scopes, avatarUrl: `${url}/avatar.png` }];
        }),
      ),
    );
  };

const identityCall =
  (grants: Grants): RequestHandler =>
  (req, res) => {
    const { account, grant } = grantOf(grants, req);
    if (!grant.scopes.includes('read:me')) throw new AtlassianRefusal(401, 'Unauthorized; scope does not match');
    res.json({
      account_id: accountIdOfName(account.name),
      account_type: 'atlassian',
      account_status: 'active',
      email: account.email,
      email_verified: account.emailVerified ?? true,
      name: account.name,
      nickname: account.name,
      picture: 'https://avatars.example/default.png',
      zoneinfo: 'Europe/London',
      locale: 'en-US',
    });
  };

/** Who a bearer token is of. Errors: AtlassianRefusal 401. */
export function grantOf(grants: Grants, req: Request): NonNullable<ReturnType<Grants['of']>> {
  const found = grants.of(bearerOf(req));
  if (!found) throw new AtlassianRefusal(401, 'Unauthorized');
  return found;
}
