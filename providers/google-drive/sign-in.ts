import type { GoogleConfig } from '../../server/config.ts';
import type { IdentityProvider, VendorIdentity } from '../identity-provider.ts';
import { clientForm, codeForm, createTokenEndpoint } from '../token-endpoint.ts';
import { consentPage, readUserinfo, type Userinfo } from './auth.ts';
import { failedAnswer, googleFailures } from './failures.ts';

const SETTINGS = { clientId: 'SSO_GOOGLE_CLIENT_ID', clientSecret: 'SSO_GOOGLE_CLIENT_SECRET' };
/** What tells who the person is, and nothing of their files. */
const SCOPES = ['openid', 'email', 'profile'];
const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/**
 * Sign-in with Google, by the same endpoints that Google Drive is connected by. The identity is read from the userinfo endpoint with the
 * token that the code was just exchanged for, so there is no ID token to be checked.
 */
export function createGoogleIdentities(config: GoogleConfig): IdentityProvider {
  const client = () => clientForm('google_drive', SETTINGS, config);
  const endpoint = createTokenEndpoint({ failures: googleFailures, refused: failedAnswer, usualLifetimeS: 3600 });
  return {
    id: 'google',
    // A choice of account even where the browser is signed in to one, and no lasting grant.
    authorizationUrl: (request) => consentPage(config, client(), request, { scopes: SCOPES, prompt: 'select_account' }),
    exchange: (request, fetch) => endpoint.tokens(fetch, config.tokenUrl, { ...codeForm(request), ...client() }),
    identify: async (connection) => identityOf(await readUserinfo(config, connection)),
  };
}

/**
 * Google is authoritative for addresses of Gmail, and of the domain of a Workspace organisation that the account belongs to. Any other
 * verified address was the person's when they made their account, and may be somebody else's now.
 * Source: https://developers.google.com/identity/gsi/web/guides/verify-google-id-token (2026).
 */
function identityOf({ sub, email, email_verified, hd, name }: Userinfo): VendorIdentity {
  const domain = email?.split('@').at(-1)?.toLowerCase() ?? '';
  const emailVerified = email_verified === true;
  const emailAuthoritative = emailVerified && domain !== '' && (GMAIL.has(domain) || domain === hd?.toLowerCase());
  return { subject: sub, email, emailVerified, emailAuthoritative, name };
}
