import { createHash } from 'node:crypto';
import { Strategy as GoogleStrategy } from 'passport-google-oauth20';
import { z } from 'zod';
import type { GoogleConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { ProviderError } from '../errors.ts';
import type { Account, AuthorizationRequest, Connection, Fetch, ProviderAuth, TokenSet } from '../provider.ts';
import { badResponse, DRIVE_SCOPE, failedAnswer, notJson, scopeMissing, toProviderError } from './failures.ts';

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

/** The full scope includes the read-only one. */
const SUFFICIENT = new Set([DRIVE_SCOPE, 'https://www.googleapis.com/auth/drive']);

const TOKEN_TIMEOUT_MS = 20_000;

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().default(3600),
  refresh_token: z.string().min(1).optional(),
  scope: z.string().optional(),
});
const userinfo = z.object({ sub: z.string().min(1), email: z.string().optional(), name: z.string().optional() });

/**
 * Google's OAuth: the strategy of passport-google-oauth20 makes the consent page's address; codes and tokens are exchanged
 * through the guarded fetch, because the strategy's own client knows neither timeouts nor our egress rules.
 */
export function createGoogleAuth(config: GoogleConfig): ProviderAuth {
  const client = (): { client_id: string; client_secret: string } => {
    if (!config.clientId || !config.clientSecret)
      throw new ProviderError(
        'misconfigured',
        'google_drive',
        'GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are not set.',
      );
    return { client_id: config.clientId, client_secret: config.clientSecret.reveal() };
  };

  const token = async (form: Record<string, string>, fetch: Fetch): Promise<TokenSet> => {
    const sentAt = Date.now();
    const response = await post(fetch, config.tokenUrl, { ...form, ...client() });
    const answer = parse(tokenAnswer, await json(response, 'the token request'), 'the token request');
    const scopes = answer.scope?.split(' ').filter(Boolean);
    if (scopes && !scopes.some((scope) => SUFFICIENT.has(scope))) throw scopeMissing();
    return {
      accessToken: new Secret(answer.access_token),
      refreshToken: answer.refresh_token === undefined ? undefined : new Secret(answer.refresh_token),
      expiresAt: new Date(sentAt + answer.expires_in * 1000),
      // RFC 6749 section 5.1: a scope left out is the one that was asked for.
      scopes: scopes ?? SCOPES.map(({ scope }) => scope),
    };
  };

  return {
    authorizationUrl: async (request) => authorizationUrl(config, client(), request),

    async exchange({ code, codeVerifier, redirectUri }, fetch) {
      const tokens = await token(
        { grant_type: 'authorization_code', code, code_verifier: codeVerifier, redirect_uri: redirectUri },
        fetch,
      );
      if (!tokens.refreshToken)
        throw new ProviderError(
          'reconnect',
          'google_drive',
          'Google gave access for an hour only. Remove the hub at https://myaccount.google.com/connections and connect again.',
        );
      return tokens;
    },

    async refresh(refreshToken, fetch) {
      return token({ grant_type: 'refresh_token', refresh_token: refreshToken.reveal() }, fetch);
    },

    identify: (connection) => identify(config, connection),

    async revoke({ accessToken, refreshToken }, fetch) {
      try {
        // The refresh token ends the whole grant, its access tokens included.
        await post(fetch, config.revokeUrl, { token: (refreshToken ?? accessToken).reveal() });
      } catch (error) {
        const alreadyDead = error instanceof ProviderError && error.status === 400;
        if (!alreadyDead) throw error;
      }
    },
  };
}

type StrategyInternals = {
  authorizationParams(options: object): object;
  redirect(url: string): void;
  error(error: unknown): void;
  fail(challenge: unknown): void;
  authenticate(request: { query: object }, options: object): void;
};

/** Source of the parameters: https://developers.google.com/identity/protocols/oauth2/web-server (2026). */
function authorizationUrl(
  config: GoogleConfig,
  client: { client_id: string; client_secret: string },
  request: AuthorizationRequest,
): Promise<string> {
  const strategy = new GoogleStrategy(
    {
      clientID: client.client_id,
      clientSecret: client.client_secret,
      authorizationURL: config.authUrl,
      tokenURL: config.tokenUrl,
      userProfileURL: config.userinfoUrl,
      callbackURL: request.redirectUri,
      scope: SCOPES.map(({ scope }) => scope),
    },
    (_access, _refresh, _profile, done) => done(new Error('The strategy is used for the authorization leg only.')),
  ) as unknown as StrategyInternals;
  const googleParams = strategy.authorizationParams.bind(strategy);
  // The strategy would make up a verifier of its own and keep it in a session; ours lies with the state.
  strategy.authorizationParams = (options) => ({
    ...googleParams(options),
    code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return new Promise((resolve, reject) => {
    strategy.redirect = resolve;
    strategy.error = reject;
    strategy.fail = reject;
    strategy.authenticate(
      { query: {} },
      // A refresh token comes with offline access, and on a repeated consent only when consent is asked for again.
      { accessType: 'offline', prompt: 'consent', state: request.state, loginHint: request.loginHint },
    );
  });
}

async function identify(config: GoogleConfig, connection: Connection): Promise<Account> {
  const what = 'who the account belongs to';
  let response: Response;
  try {
    response = await connection.fetch(config.userinfoUrl, { headers: { accept: 'application/json' } });
  } catch (error) {
    throw toProviderError(error);
  }
  if (!response.ok) throw await failedAnswer(response);
  const { sub, email, name } = parse(userinfo, await json(response, what), what);
  return { id: sub, email, name };
}

/** Errors: ProviderError; never with the form's content. */
async function post(fetch: Fetch, url: string, form: Record<string, string>): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(form),
      redirect: 'error',
      signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
    });
  } catch (error) {
    throw toProviderError(error);
  }
  if (!response.ok) throw await failedAnswer(response);
  return response;
}

async function json(response: Response, what: string): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw toProviderError(error);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(what);
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badResponse(what, parsed.error.issues[0]?.path.join('.') || 'body');
  return parsed.data;
}
