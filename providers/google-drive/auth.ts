import { Strategy as GoogleStrategy } from 'passport-google-oauth20';
import { z } from 'zod';
import type { GoogleConfig } from '../../server/config.ts';
import { consentAddress } from '../consent-address.ts';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { AuthorizationRequest, Connection, Fetch, ProviderAuth, TokenSet } from '../provider.ts';
import { clientForm, codeForm, createTokenEndpoint, refreshForm } from '../token-endpoint.ts';
import {
  DRIVE_SCOPE,
  failedAnswer,
  googleFailures,
  notJson,
  parse,
  scopeMissing,
  toProviderError,
} from './failures.ts';

/** What is asked for, with the reason the person reads. */
export const SCOPES: { scope: string; reason: string }[] = [
  { scope: 'openid', reason: 'Tells the hub which account was connected.' },
  { scope: 'email', reason: 'Shows the account’s e-mail address beside it.' },
  { scope: 'profile', reason: 'Shows the account’s name beside it.' },
  {
    scope: DRIVE_SCOPE,
    reason: 'Lists your files and shared drives and reads the ones you import. Nothing is changed.',
  },
];

export const SETTINGS = { clientId: 'GOOGLE_CLIENT_ID', clientSecret: 'GOOGLE_CLIENT_SECRET' };

/** The full scope includes the read-only one. */
const SUFFICIENT = new Set([DRIVE_SCOPE, 'https://www.googleapis.com/auth/drive']);

const userinfo = z.object({
  sub: z.string().min(1),
  email: z.string().optional(),
  email_verified: z.boolean().optional().catch(undefined),
  name: z.string().optional(),
  /** Domain of the Workspace organisation that the account belongs to. */
  hd: z.string().optional().catch(undefined),
});
export type Userinfo = z.output<typeof userinfo>;

/**
 * Google's OAuth: the strategy of passport-google-oauth20 makes the consent page's address; codes and tokens are exchanged
 * through the guarded fetch, because the strategy's own client knows neither timeouts nor our egress rules.
 */
export function createGoogleAuth(config: GoogleConfig): ProviderAuth {
  const client = () => clientForm('google_drive', SETTINGS, config);
  const endpoint = createTokenEndpoint({ failures: googleFailures, refused: failedAnswer, usualLifetimeS: 3600 });

  const token = async (form: Record<string, string>, fetch: Fetch): Promise<TokenSet> => {
    const { scopes, ...tokens } = await endpoint.tokens(fetch, config.tokenUrl, { ...form, ...client() });
    if (scopes && !scopes.some((scope) => SUFFICIENT.has(scope))) throw scopeMissing();
    // RFC 6749 section 5.1: a scope left out is the one that was asked for.
    return { ...tokens, scopes: scopes ?? SCOPES.map(({ scope }) => scope) };
  };

  return {
    // A refresh token comes with offline access, and on a repeated consent only when consent is asked for again.
    authorizationUrl: async (request) =>
      consentPage(config, client(), request, {
        scopes: SCOPES.map(({ scope }) => scope),
        accessType: 'offline',
        prompt: 'consent',
      }),

    async exchange(request, fetch) {
      const tokens = await token(codeForm(request), fetch);
      if (!tokens.refreshToken)
        throw new ProviderError(
          'reconnect',
          'google_drive',
          'Google gave access for an hour only. Remove the hub at https://myaccount.google.com/connections and connect again.',
        );
      return tokens;
    },

    refresh: (refreshToken, fetch) => token(refreshForm(refreshToken), fetch),

    async identify(connection) {
      const { sub, email, name } = await readUserinfo(config, connection);
      return { id: sub, email, name };
    },

    async revoke({ accessToken, refreshToken }, fetch) {
      try {
        // The refresh token ends the whole grant, its access tokens included.
        const body = new URLSearchParams({ token: (refreshToken ?? accessToken).reveal() });
        await endpoint.tell(fetch, config.revokeUrl, { body }, 'the revocation');
      } catch (error) {
        const alreadyDead = error instanceof ProviderError && error.status === 400;
        if (!alreadyDead) throw error;
      }
    },
  };
}

/** Source of the parameters: https://developers.google.com/identity/protocols/oauth2/web-server (2026). */
export function consentPage(
  config: GoogleConfig,
  client: { client_id: string; client_secret: string },
  request: AuthorizationRequest,
  { scopes, ...wanted }: { scopes: string[]; accessType?: 'offline'; prompt: 'consent' | 'select_account' },
): Promise<string> {
  const strategy = new GoogleStrategy(
    {
      clientID: client.client_id,
      clientSecret: client.client_secret,
      authorizationURL: config.authUrl,
      tokenURL: config.tokenUrl,
      userProfileURL: config.userinfoUrl,
      callbackURL: request.redirectUri,
      scope: scopes,
    },
    (_access, _refresh, _profile, done) => done(new Error('The strategy is used for the authorization leg only.')),
  );
  const options = { ...wanted, state: request.state, loginHint: request.loginHint };
  return consentAddress(strategy, request.codeVerifier, options);
}

/** Errors: ProviderError. */
export async function readUserinfo(config: GoogleConfig, connection: Connection): Promise<Userinfo> {
  const what = 'who the account belongs to';
  let text: string;
  try {
    const response = await connection.fetch(config.userinfoUrl, { headers: { accept: 'application/json' } });
    if (!response.ok) throw await failedAnswer(response);
    text = await response.text();
  } catch (error) {
    throw toProviderError(error);
  }
  const body = parseJson(text);
  if (body === undefined) throw notJson(what);
  return parse(userinfo, body, what);
}
