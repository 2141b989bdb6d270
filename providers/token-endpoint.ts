import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Secret } from '../server/secret.ts';
import { isBearerToken } from './bearer-token.ts';
import { ProviderError } from './errors.ts';
import { parseJson } from './json.ts';
import type { Fetch, Platform, TokenSet } from './provider.ts';
import { isPage } from './streams.ts';
import type { VendorFailures } from './vendor-failures.ts';

const TIMEOUT_MS = 20_000;
const WHAT = 'the token request';

/** The S256 challenge of a PKCE verifier. Source: https://www.rfc-editor.org/rfc/rfc7636#section-4.2 */
export const challengeOf = (codeVerifier: string): string =>
  createHash('sha256').update(codeVerifier).digest('base64url');

/** What an exchange sends: the code with all that proves who may redeem it. Source: https://www.rfc-editor.org/rfc/rfc7636#section-4.5 */
export const codeForm = (request: { code: string; codeVerifier: string; redirectUri: string }) => ({
  grant_type: 'authorization_code',
  code: request.code,
  code_verifier: request.codeVerifier,
  redirect_uri: request.redirectUri,
});

export const refreshForm = (refreshToken: Secret) => ({
  grant_type: 'refresh_token',
  refresh_token: refreshToken.reveal(),
});

/** The hub's client at a vendor, as forms carry it. Errors: ProviderError `misconfigured` that names the settings. */
export function clientForm(
  provider: Platform,
  settings: { clientId: string; clientSecret: string },
  { clientId, clientSecret }: { clientId?: string; clientSecret?: Secret },
): { client_id: string; client_secret: string } {
  if (!clientId || !clientSecret)
    throw new ProviderError(
      'misconfigured',
      provider,
      `${settings.clientId} and ${settings.clientSecret} are not set.`,
    );
  return { client_id: clientId, client_secret: clientSecret.reveal() };
}

type Sent = { headers?: Record<string, string>; body?: URLSearchParams };

export type TokenEndpoint = {
  /** The tokens that a form brings; `scopes` only where the answer names them. Errors: ProviderError, never with what was sent. */
  tokens(
    fetch: Fetch,
    url: string,
    form: Record<string, string>,
  ): Promise<Omit<TokenSet, 'scopes'> & { scopes?: string[] }>;
  /** Sends what has no answer worth reading. `what` completes "Google answered …". Errors: the same. */
  tell(fetch: Fetch, url: string, sent: Sent, what: string): Promise<void>;
};

/** Requests that carry secrets of the app or of the person: sent once, to where they are meant for only, and never quoted. */
export function createTokenEndpoint(deps: {
  failures: Pick<VendorFailures, 'toProviderError' | 'notJson' | 'parse'>;
  /** The error of a refused answer. Must not repeat the answer's words. */
  refused(response: Response): Promise<ProviderError>;
  /** How long an access token lives where the answer does not say. */
  usualLifetimeS: number;
}): TokenEndpoint {
  const { toProviderError, notJson, parse } = deps.failures;
  const answer = z.object({
    access_token: z.string().refine(isBearerToken),
    expires_in: z.coerce.number().positive().default(deps.usualLifetimeS),
    refresh_token: z.string().min(1).optional(),
    scope: z.string().optional(),
  });

  const post = async (fetch: Fetch, url: string, sent: Sent): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        ...sent,
        headers: { accept: 'application/json', ...sent.headers },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw toProviderError(error);
    }
    if (!response.ok) throw await deps.refused(response);
    return response;
  };

  return {
    async tokens(fetch, url, form) {
      const sentAt = Date.now();
      const response = await post(fetch, url, { body: new URLSearchParams(form) });
      const text = await response.text().catch((error: unknown) => {
        throw toProviderError(error);
      });
      const body = parseJson(text);
      if (body === undefined) throw notJson(WHAT);
      const { access_token, refresh_token, expires_in, scope } = parse(answer, body, WHAT);
      return {
        accessToken: new Secret(access_token),
        refreshToken: refresh_token === undefined ? undefined : new Secret(refresh_token),
        expiresAt: new Date(sentAt + expires_in * 1000),
        scopes: scope?.split(' ').filter(Boolean),
      };
    },

    async tell(fetch, url, sent, what) {
      const response = await post(fetch, url, sent);
      await response.body?.cancel();
      // Such a page says nothing of what the vendor has done.
      if (isPage(response)) throw notJson(what);
    },
  };
}
