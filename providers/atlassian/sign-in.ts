import type { AtlassianConfig } from '../../server/config.ts';
import type { IdentityProvider } from '../identity-provider.ts';
import { clientForm, codeForm, createTokenEndpoint } from '../token-endpoint.ts';
import { consentPage, readMe } from './auth.ts';
import { createAtlassianClient } from './client.ts';
import type { Product } from './product.ts';

const SCOPE = { scope: 'read:me', reason: 'Tells the hub who is signing in.' };

/** Not a product, but refused and answered like one. */
const SIGN_IN: Product = {
  platform: 'jira',
  label: 'Atlassian',
  settings: { clientId: 'SSO_ATLASSIAN_CLIENT_ID', clientSecret: 'SSO_ATLASSIAN_CLIENT_SECRET' },
  scopes: [SCOPE],
};

/**
 * Sign-in with Atlassian: an app for OAuth 2.0 (3LO) that asks for the User identity API alone. Atlassian says whether an address was
 * verified, and nowhere that it is the account's alone, so it counts as authoritative for none.
 * Source: https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/ (2026).
 */
export function createAtlassianIdentities(config: AtlassianConfig): IdentityProvider {
  const client = createAtlassianClient(SIGN_IN);
  const { failures } = client;
  const app = () => clientForm(SIGN_IN.platform, SIGN_IN.settings, config);
  const endpoint = createTokenEndpoint({ failures, refused: failures.refusedToken, usualLifetimeS: 3600 });
  return {
    id: 'atlassian',
    authorizationUrl: async (request) => consentPage(config, app(), [SCOPE.scope], request),
    exchange: (request, fetch) =>
      endpoint.tokens(fetch, `${config.authUrl}/oauth/token`, { ...codeForm(request), ...app() }),
    async identify(connection) {
      const { account_id, email, email_verified, name } = await readMe(config, client, connection);
      return {
        subject: account_id,
        email: email ?? undefined,
        emailVerified: email_verified === true,
        emailAuthoritative: false,
        name: name ?? undefined,
      };
    },
  };
}
