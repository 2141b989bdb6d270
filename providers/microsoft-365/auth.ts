import {
  ClientAuthError,
  ClientConfigurationError,
  ConfidentialClientApplication,
  type INetworkModule,
} from '@azure/msal-node';
import { z } from 'zod';
import type { MicrosoftConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { isBearerToken } from '../bearer-token.ts';
import { ProviderError } from '../errors.ts';
import type { Account, Connection, Fetch, ProviderAuth, TokenSet } from '../provider.ts';
import { challengeOf, clientForm } from '../token-endpoint.ts';
import { badResponse, notJson, refusedToken, toProviderError } from './failures.ts';
import type { Graph } from './graph.ts';
import { parseOrganizations, parseUser } from './wire.ts';

/** What is asked for, with the reason the person reads. */
export const SCOPES: { scope: string; reason: string }[] = [
  { scope: 'openid', reason: 'Tells the hub which account was connected.' },
  { scope: 'profile', reason: 'Shows the account’s name beside it.' },
  { scope: 'email', reason: 'Shows the account’s e-mail address beside it.' },
  { scope: 'offline_access', reason: 'Lets imports go on while you are away.' },
  { scope: 'User.Read', reason: 'Reads your name and address, nothing else of the directory.' },
  {
    scope: 'Files.Read.All',
    reason: 'Lists the files you can open and reads the ones you import. Nothing is changed.',
  },
  { scope: 'Sites.Read.All', reason: 'Lists the SharePoint sites you can open, with their libraries.' },
  { scope: 'Team.ReadBasic.All', reason: 'Lists the teams you are in.' },
  { scope: 'Channel.ReadBasic.All', reason: 'Lists the channels of those teams, to find their files.' },
];

export const SETTINGS = { clientId: 'MICROSOFT_CLIENT_ID', clientSecret: 'MICROSOFT_CLIENT_SECRET' };

/** Without this one nothing can be read; without the others a place is missing. */
const NEEDED = 'Files.Read.All';
/** Permissions that personal accounts do not have. */
const WORK_ONLY = new Set(['Sites.Read.All', 'Team.ReadBasic.All', 'Channel.ReadBasic.All']);
/** MSAL asks for these by itself. */
const OWN_OF_MSAL = new Set(['openid', 'profile', 'offline_access']);

/** Directory of all personal accounts. Source: https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference (2026). */
export const PERSONAL_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';

const TOKEN_TIMEOUT_MS = 20_000;
const MOST_REMEMBERED = 1000;

const sealed = z.object({
  AccessToken: z.record(z.string(), z.object({ target: z.string() })).default({}),
  RefreshToken: z.record(z.string(), z.unknown()),
});

/**
 * Microsoft's sign-in through MSAL, whose requests all go out by the guarded fetch.
 *
 * MSAL hands out no refresh token. What stands as one in a TokenSet is MSAL's serialised cache of this one grant, which holds the
 * refresh token, the account and the scopes granted; `refresh` opens it, and gives back the new cache.
 */
export function createMicrosoftAuth(config: MicrosoftConfig, graph: Graph): ProviderAuth {
  /** What the next sign-in of an account must satisfy, by its addresses. Lost at a restart; Microsoft then asks again by itself. */
  const claimsWanted = new Map<string, string>();

  const wanted = SCOPES.map(({ scope }) => scope).filter(
    (scope) => config.tenantId !== 'consumers' || !WORK_ONLY.has(scope),
  );
  const forMsal = (scopes: string[]): string[] => scopes.filter((scope) => !OWN_OF_MSAL.has(scope));

  const toTokens = (
    app: ConfidentialClientApplication,
    result: { accessToken: string; expiresOn: Date | null; scopes: string[] },
  ): TokenSet => {
    if (!isBearerToken(result.accessToken)) throw badResponse('the token request', 'access_token');
    const scopes = result.scopes.map((scope) => scope.replace(/^https:\/\/graph\.microsoft\.(com|us)\//, ''));
    if (!scopes.some((scope) => scope.toLowerCase() === NEEDED.toLowerCase()))
      throw new ProviderError(
        'scope',
        'microsoft',
        `The permission ${NEEDED} was not granted. Connect again and accept it.`,
      );
    const cache = app.getTokenCache().serialize();
    const isLasting = Object.keys(sealed.parse(JSON.parse(cache)).RefreshToken).length > 0;
    return {
      accessToken: new Secret(result.accessToken),
      refreshToken: isLasting ? new Secret(cache) : undefined,
      expiresAt: result.expiresOn ?? new Date(Date.now() + 3_600_000),
      // The vendor never lists this one: it is granted when a refresh token comes.
      scopes: [...new Set([...scopes, ...(isLasting ? ['offline_access'] : [])])],
    };
  };

  return {
    async authorizationUrl({ state, codeVerifier, redirectUri, loginHint }) {
      const { app, run } = client(config);
      return run(() =>
        app.getAuthCodeUrl({
          scopes: forMsal(wanted),
          redirectUri,
          state,
          codeChallenge: challengeOf(codeVerifier),
          codeChallengeMethod: 'S256',
          responseMode: 'query',
          // With an address at hand the person need not choose; without one the browser's last account must not be taken.
          ...(loginHint
            ? { loginHint, claims: claimsWanted.get(loginHint.toLowerCase()) }
            : { prompt: 'select_account' }),
        }),
      );
    },

    async exchange({ code, codeVerifier, redirectUri }, fetch) {
      const { app, run } = client(config, fetch);
      const result = await run(() =>
        app.acquireTokenByCode({ code, codeVerifier, redirectUri, scopes: forMsal(wanted) }),
      );
      const tokens = toTokens(app, result);
      if (!tokens.refreshToken)
        throw new ProviderError(
          'reconnect',
          'microsoft',
          'Microsoft gave access for an hour only. Connect the account again.',
        );
      const { account } = result;
      for (const address of account ? addressesOf(account) : []) claimsWanted.delete(address);
      // Only the id token names the directory, which belongs to the account's id.
      return { ...tokens, accountId: account ? accountIdOf(account.localAccountId, account.tenantId) : undefined };
    },

    async refresh(refreshToken, fetch) {
      const { app, run } = client(config, fetch);
      const cache = openCache(refreshToken);
      if (!cache)
        throw new ProviderError(
          'reconnect',
          'microsoft',
          'The stored access to Microsoft 365 cannot be read. Connect again.',
        );
      app.getTokenCache().deserialize(cache.text);
      const [account] = await app.getTokenCache().getAllAccounts();
      if (!account)
        throw new ProviderError(
          'reconnect',
          'microsoft',
          'The stored access to Microsoft 365 names no account. Connect again.',
        );
      const result = await run(
        // Only what was granted: an account without Teams would be refused for asking.
        () => app.acquireTokenSilent({ account, scopes: forMsal(cache.scopes ?? wanted), forceRefresh: true }),
        (claims) => addressesOf(account).forEach((address) => remember(claimsWanted, address, claims)),
      );
      return toTokens(app, result);
    },

    identify: (connection) => identify(graph, connection),
  };
}

/**
 * A new MSAL client for one call: MSAL remembers failures and would answer with them for a minute without asking anybody.
 * `run` gives what the call gives. Errors of it: ProviderError, by what was seen on the wire rather than by MSAL's words.
 */
function client(config: MicrosoftConfig, fetch?: Fetch) {
  const { tenantId, authorityUrl } = config;
  const { client_id: clientId, client_secret: clientSecret } = clientForm('microsoft', SETTINGS, config);
  const endpoint = `${authorityUrl}/${tenantId}`;
  let failure: { error: ProviderError; claims?: string } | undefined;

  /** One request to the token endpoint. What fails is judged here, before MSAL makes something of it. */
  const send = async (url: string, init: RequestInit) => {
    if (!fetch) throw new Error('The address of the sign-in page is made without asking anybody.');
    try {
      const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS) });
      const headers = Object.fromEntries(response.headers);
      const text = await response.text();
      const body: unknown = isJson(text) ? JSON.parse(text) : undefined;
      if (!response.ok) failure = refusedToken({ status: response.status, body, headers });
      else if (body === undefined) failure = { error: notJson('the token request') };
      if (failure) throw failure.error;
      return { status: response.status, headers, body };
    } catch (error) {
      failure ??= { error: toProviderError(error) };
      throw error;
    }
  };
  const networkClient = {
    sendGetRequestAsync: (url: string, options?: { headers?: Record<string, string> }) =>
      send(url, { headers: options?.headers }),
    sendPostRequestAsync: (url: string, options?: { headers?: Record<string, string>; body?: string }) =>
      send(url, { method: 'POST', headers: options?.headers, body: options?.body }),
  } as INetworkModule;

  const app = new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret,
      // Only a name: MSAL insists on https here. What is asked is said below, so that nothing is discovered.
      authority: `https://login.microsoftonline.com/${tenantId}`,
      knownAuthorities: ['login.microsoftonline.com'],
      authorityMetadata: JSON.stringify({
        authorization_endpoint: `${endpoint}/oauth2/v2.0/authorize`,
        token_endpoint: `${endpoint}/oauth2/v2.0/token`,
        end_session_endpoint: `${endpoint}/oauth2/v2.0/logout`,
        jwks_uri: `${endpoint}/discovery/v2.0/keys`,
        issuer: `${authorityUrl}/{tenantid}/v2.0`,
      }),
    },
    system: { networkClient, disableInternalRetries: true },
  });

  const run = async <T>(call: () => Promise<T>, onClaims: (claims: string) => void = () => undefined): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (failure?.claims) onClaims(failure.claims);
      if (failure) throw failure.error;
      if (error instanceof ProviderError) throw error;
      // MSAL's error is not kept as the cause: it may carry the whole request. Its codes are words of MSAL's own in these two only.
      const isOwn = error instanceof ClientAuthError || error instanceof ClientConfigurationError;
      const code = isOwn ? error.errorCode : 'unknown';
      throw new ProviderError(
        'bad_response',
        'microsoft',
        `Microsoft’s answer to the sign-in could not be used (${code}).`,
      );
    }
  };
  return { app, run };
}

const accountIdOf = (objectId: string, tenantId: string): string => `${objectId}.${tenantId}`.toLowerCase();

async function identify(graph: Graph, connection: Connection): Promise<Account> {
  const url = graph.url`/me?$select=id,displayName,mail,userPrincipalName`;
  const { id, displayName, mail, userPrincipalName } = parseUser(
    await graph.read(connection, url, 'who the account belongs to'),
  );
  return {
    id: connection.accountId || (await accountIdByGraph(graph, connection, id)),
    email: mail || userPrincipalName || undefined,
    name: displayName ?? undefined,
  };
}

/** The same id where no id token is at hand. */
async function accountIdByGraph(graph: Graph, connection: Connection, id: string): Promise<string> {
  // Graph knows personal accounts by 16 digits, id tokens by the same digits with noughts before them.
  if (/^[0-9a-f]{16}$/i.test(id))
    return accountIdOf(`00000000-0000-0000-${id.slice(0, 4)}-${id.slice(4)}`, PERSONAL_TENANT);
  return accountIdOf(id, await organizationOf(graph, connection));
}

/** The directory of whoever the token belongs to, where no id token is at hand. */
async function organizationOf(graph: Graph, connection: Connection): Promise<string> {
  const what = 'the organisation of the account';
  const [first] = parseOrganizations(await graph.read(connection, graph.url`/organization?$select=id`, what)).value;
  if (!first)
    throw new ProviderError(
      'bad_response',
      'microsoft',
      'Microsoft does not say which organisation the account is in.',
    );
  return first.id;
}

function openCache(secret: Secret): { text: string; scopes?: string[] } | undefined {
  const text = secret.reveal();
  const parsed = isJson(text) ? sealed.safeParse(JSON.parse(text)) : undefined;
  if (!parsed?.success) return undefined;
  const [token] = Object.values(parsed.data.AccessToken);
  return { text, scopes: token?.target.split(' ').filter(Boolean) };
}

function addressesOf(account: { username: string; idTokenClaims?: object }): string[] {
  const email = account.idTokenClaims && 'email' in account.idTokenClaims ? account.idTokenClaims.email : undefined;
  return [account.username, email].filter((text) => typeof text === 'string').map((text) => text.toLowerCase());
}

function remember(map: Map<string, string>, key: string, value: string): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > MOST_REMEMBERED && oldest !== undefined) map.delete(oldest);
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
