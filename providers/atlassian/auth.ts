import AtlassianStrategy from 'passport-atlassian-oauth2';
import { z } from 'zod';
import type { AtlassianConfig } from '../../server/config.ts';
import { consentAddress } from '../consent-address.ts';
import { ProviderError } from '../errors.ts';
import type { AuthorizationRequest, Connection, Fetch, ProviderAuth, TokenSet } from '../provider.ts';
import { clientForm, codeForm, createTokenEndpoint, refreshForm } from '../token-endpoint.ts';
import type { AtlassianClient } from './client.ts';
import { MANUAL_REVOKE_URL, type Product } from './product.ts';

const OFFLINE = 'offline_access';

const me = z.object({
  account_id: z.string().min(1),
  email: z.string().nullish(),
  email_verified: z.boolean().optional().catch(undefined),
  name: z.string().nullish(),
});

/**
 * Atlassian's OAuth, the same for its products: the strategy of passport-atlassian-oauth2 makes the consent page's address; codes and tokens
 * are exchanged through the guarded fetch, because the strategy's own client knows neither timeouts nor our egress rules. Nothing revokes a
 * grant: Atlassian documents no such call.
 * Source: https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/ (2026).
 */
export function createAtlassianAuth(config: AtlassianConfig, product: Product, client: AtlassianClient): ProviderAuth {
  const { platform, settings, scopes } = product;
  const { failures } = client;
  const asked = scopes.map(({ scope }) => scope);
  const needed = scopes.filter(({ scope, optional }) => scope !== OFFLINE && !optional).map(({ scope }) => scope);

  const app = () => clientForm(platform, settings, config);
  const endpoint = createTokenEndpoint({ failures, refused: failures.refusedToken, usualLifetimeS: 3600 });

  const token = async (form: Record<string, string>, fetch: Fetch): Promise<TokenSet> => {
    const tokens = await endpoint.tokens(fetch, `${config.authUrl}/oauth/token`, { ...form, ...app() });
    // RFC 6749 section 5.1: a scope left out is the one that was asked for.
    return { ...tokens, scopes: tokens.scopes ?? asked };
  };

  return {
    authorizationUrl: async (request) => consentPage(config, app(), asked, request),

    async exchange(request, fetch) {
      const tokens = await token(codeForm(request), fetch);
      const missing = needed.find((scope) => !tokens.scopes.includes(scope));
      if (missing) throw failures.scopeMissing(missing);
      if (!tokens.refreshToken)
        throw new ProviderError(
          'reconnect',
          platform,
          `Atlassian gave access for an hour only. Remove the hub at ${MANUAL_REVOKE_URL} and connect again.`,
        );
      return tokens;
    },

    // Never refused for a scope that is missing: the refresh token sent is used up, and the new one would be lost.
    refresh: (refreshToken, fetch) => token(refreshForm(refreshToken), fetch),

    async identify(connection) {
      const { account_id, email, name } = await readMe(config, client, connection);
      return { id: account_id, email: email ?? undefined, name: name ?? undefined };
    },
  };
}

/** Whose a token is. Errors: ProviderError. */
export const readMe = (
  config: AtlassianConfig,
  client: AtlassianClient,
  connection: Connection,
): Promise<z.output<typeof me>> =>
  client.read(connection, `${config.apiUrl}/me`, {
    what: 'who the account belongs to',
    schema: me,
    scope: 'read:me',
  });

export function consentPage(
  config: AtlassianConfig,
  app: { client_id: string; client_secret: string },
  scope: string[],
  request: AuthorizationRequest,
): Promise<string> {
  const strategy = new AtlassianStrategy(
    {
      clientID: app.client_id,
      clientSecret: app.client_secret,
      authorizationURL: `${config.authUrl}/authorize`,
      tokenURL: `${config.authUrl}/oauth/token`,
      callbackURL: request.redirectUri,
      scope,
    },
    (_access: string, _refresh: string, _profile: unknown, done: (error: Error) => void) =>
      done(new Error('The strategy is used for the authorization leg only.')),
  );
  return consentAddress(strategy, request.codeVerifier, { state: request.state });
}
