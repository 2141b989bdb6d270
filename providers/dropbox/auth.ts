import type { DropboxConfig } from '../../server/config.ts';
import type { Secret } from '../../server/secret.ts';
import { ProviderError } from '../errors.ts';
import type { AuthorizationRequest, Fetch, ProviderAuth, TokenSet } from '../provider.ts';
import { challengeOf, clientForm, codeForm, createTokenEndpoint, refreshForm } from '../token-endpoint.ts';
import type { Client } from './client.ts';
import { dropboxFailures, failedAnswer, missingScope } from './failures.ts';
import { parseAccount } from './wire.ts';

/** What is asked for, with the reason the person reads. */
export const SCOPES: { scope: string; reason: string }[] = [
  { scope: 'account_info.read', reason: 'Shows which account was connected, with its name and e-mail address.' },
  { scope: 'files.metadata.read', reason: 'Lists your files and folders and those of your team.' },
  { scope: 'files.content.read', reason: 'Reads the files you import. Nothing is changed.' },
];

export const SETTINGS = { clientId: 'DROPBOX_APP_KEY', clientSecret: 'DROPBOX_APP_SECRET' };
export const MANUAL_REVOKE_URL = 'https://www.dropbox.com/account/connected_apps';

/** Dropbox's OAuth by the guarded fetch. Source: https://developers.dropbox.com/oauth-guide (2026). */
export function createDropboxAuth(config: DropboxConfig, client: Client): ProviderAuth {
  const app = () => clientForm('dropbox', SETTINGS, config);
  const endpoint = createTokenEndpoint({
    failures: dropboxFailures,
    refused: (response) => failedAnswer(response, { quoting: false }),
    usualLifetimeS: 14_400,
  });

  const token = async (form: Record<string, string>, fetch: Fetch): Promise<TokenSet> => {
    const { scopes, ...tokens } = await endpoint.tokens(fetch, config.tokenUrl, { ...form, ...app() });
    const missing = SCOPES.find(({ scope }) => scopes !== undefined && !scopes.includes(scope));
    if (missing) {
      const { kind, message } = missingScope(missing.scope);
      throw new ProviderError(kind, 'dropbox', message);
    }
    // RFC 6749 section 5.1: a scope left out is the one that was asked for. A refresh says none.
    return { ...tokens, scopes: scopes ?? SCOPES.map(({ scope }) => scope) };
  };

  const refresh = (refreshToken: Secret, fetch: Fetch): Promise<TokenSet> => token(refreshForm(refreshToken), fetch);

  /** False when the token is dead already. */
  const end = async (accessToken: Secret, fetch: Fetch): Promise<boolean> => {
    try {
      const headers = { authorization: `Bearer ${accessToken.reveal()}` };
      await endpoint.tell(fetch, `${config.apiUrl}/2/auth/token/revoke`, { headers }, 'the revocation');
      return true;
    } catch (error) {
      if (isDead(error)) return false;
      throw error;
    }
  };

  return {
    authorizationUrl: async (request) => authorizationUrl(config, app().client_id, request),

    async exchange(request, fetch) {
      const tokens = await token(codeForm(request), fetch);
      if (!tokens.refreshToken)
        throw new ProviderError(
          'reconnect',
          'dropbox',
          `Dropbox gave access for a few hours only. Remove the hub at ${MANUAL_REVOKE_URL} and connect again.`,
        );
      return tokens;
    },

    refresh,

    async identify(connection) {
      const what = 'who the account belongs to';
      const body = await client.call({ connection }, what, (sdk) => sdk.usersGetCurrentAccount());
      const { account_id: id, email, name } = parseAccount(body);
      return { id, email: email ?? undefined, name: name.display_name ?? undefined };
    },

    async revoke({ accessToken, refreshToken }, fetch) {
      if ((await end(accessToken, fetch)) || !refreshToken) return;
      // The grant ends with any live access token; the refresh token alone cannot do it.
      let fresh: TokenSet;
      try {
        fresh = await refresh(refreshToken, fetch);
      } catch (error) {
        if (isDead(error)) return;
        throw error;
      }
      await end(fresh.accessToken, fetch);
    },
  };
}

/** Source of the parameters: https://www.dropbox.com/developers/documentation/http/documentation#oauth2-authorize (2026). */
function authorizationUrl(config: DropboxConfig, clientId: string, request: AuthorizationRequest): string {
  const url = new URL(config.authUrl);
  const parameters = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: request.redirectUri,
    state: request.state,
    scope: SCOPES.map(({ scope }) => scope).join(' '),
    // Only an offline grant brings a refresh token.
    token_access_type: 'offline',
    code_challenge: challengeOf(request.codeVerifier),
    code_challenge_method: 'S256',
    // Without it a second account of the same person would be connected unseen: there is no parameter that names the account.
    force_reapprove: 'true',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

const isDead = (error: unknown): boolean => error instanceof ProviderError && error.kind === 'reconnect';
