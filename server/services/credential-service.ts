import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Fetch, Platform, Provider, TokenSet } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { Secret } from '../secret.ts';
import { findCredentials, replaceCredentials, saveCredentials } from '../stores/credential-store.ts';
import { markNeedsReconnect } from '../stores/integration-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { Integration } from './integration-service.ts';

/** A token is refreshed when it has less than this left, so that no request starts with one that ends on its way. */
const FRESH_MS = 2 * 60 * 1000;

export type StoredTokens = { accessToken: Secret; refreshToken?: Secret; expiresAt: Date; version: number };

/** The only holder of stored grants: opens, refreshes and seals them, and hands out connections that carry them. */
export type CredentialService = {
  /** Seals a grant for its integration. Where the vendor sent no refresh token, the stored one stays. */
  save(db: Knex, integrationId: string, tokens: TokenSet): Promise<void>;
  /** The stored grant as it is, for revoking it. Undefined when there is none, or no key opens it. */
  read(integrationId: string): Promise<StoredTokens | undefined>;
  /** A connection whose `fetch` carries a fresh token. Errors of it: ProviderError `reconnect` when the grant is dead. */
  connect(integration: Integration): Connection;
  /** A connection on tokens that belong to no integration yet. */
  connectWith(tokens: TokenSet): Connection;
};

export function createCredentialService(deps: {
  database: Database;
  vault: Vault;
  providers: Map<Platform, Provider>;
  egress: Egress;
  logger: Logger;
}): CredentialService {
  const { database, vault, providers, egress, logger } = deps;
  const refreshing = new Map<string, Promise<Secret>>();

  const sealingContext = (integrationId: string) => `integration_credentials:${integrationId}`;
  const seal = (integrationId: string, accessToken: Secret, refreshToken: Secret | undefined): string =>
    vault.seal(
      JSON.stringify({ accessToken: accessToken.reveal(), refreshToken: refreshToken?.reveal() }),
      sealingContext(integrationId),
    );

  async function readFrom(db: Knex, integrationId: string): Promise<StoredTokens | undefined> {
    const row = await findCredentials(db, integrationId);
    if (!row) return undefined;
    const opened = JSON.parse(vault.open(row.sealed, sealingContext(integrationId))) as {
      accessToken: string;
      refreshToken?: string;
    };
    return {
      accessToken: new Secret(opened.accessToken),
      refreshToken: opened.refreshToken === undefined ? undefined : new Secret(opened.refreshToken),
      expiresAt: row.expiresAt,
      version: row.version,
    };
  }

  async function read(integrationId: string): Promise<StoredTokens | undefined> {
    try {
      return await readFrom(database.current(), integrationId);
    } catch (error) {
      logger.error(
        { err: error, integrationId },
        'a stored grant cannot be opened: its key is missing from INTEGRATION_ENCRYPTION_KEY, or the row was changed',
      );
      return undefined;
    }
  }

  async function needReconnect(integration: Integration, message: string): Promise<never> {
    await markNeedsReconnect(database.current(), integration.id, message);
    logger.info({ integrationId: integration.id }, 'an integration needs to be reconnected');
    throw new ProviderError('reconnect', integration.platform, message);
  }

  const label = (integration: Integration) =>
    providers.get(integration.platform)?.definition.label ?? integration.platform;

  /** Asks the vendor for a new access token, unless somebody stored one that differs from `stale` meanwhile. */
  async function refresh(integration: Integration, stale: StoredTokens): Promise<Secret> {
    const provider = providers.get(integration.platform);
    if (!provider)
      throw new ProviderError(
        'misconfigured',
        integration.platform,
        'This service is switched off: its client id and secret are not set on the server.',
      );
    if (!stale.refreshToken)
      return needReconnect(integration, `${label(integration)} gave no lasting access. Reconnect the account.`);
    let tokens: TokenSet;
    try {
      tokens = await provider.auth.refresh(stale.refreshToken, egress.fetch);
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'reconnect') {
        const now = await read(integration.id);
        if (now && now.version !== stale.version) return now.accessToken;
        return needReconnect(integration, error.message);
      }
      throw error;
    }
    const saved = await replaceCredentials(database.current(), integration.id, {
      sealed: seal(integration.id, tokens.accessToken, tokens.refreshToken ?? stale.refreshToken),
      expiresAt: tokens.expiresAt,
      version: stale.version,
    });
    if (!saved) logger.info({ integrationId: integration.id }, 'another process refreshed the same grant');
    return tokens.accessToken;
  }

  /** A token to send now. `refused` is one that the vendor answered with 401. */
  async function freshToken(integration: Integration, refused?: Secret): Promise<Secret> {
    const running = refreshing.get(integration.id);
    if (running) return running;
    const stored = await read(integration.id);
    if (!stored)
      return needReconnect(
        integration,
        `The stored access to ${label(integration)} cannot be read. Reconnect the account.`,
      );
    const isRefused = refused !== undefined && stored.accessToken.reveal() === refused.reveal();
    if (!isRefused && stored.expiresAt.getTime() - Date.now() > FRESH_MS) return stored.accessToken;
    const again = refreshing.get(integration.id);
    if (again) return again;
    const work = refresh(integration, stored).finally(() => refreshing.delete(integration.id));
    refreshing.set(integration.id, work);
    return work;
  }

  const withBearer = (token: Secret): Fetch => {
    return (input, init = {}) => {
      const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
      headers.set('authorization', `Bearer ${token.reveal()}`);
      return egress.fetch(input, { ...init, headers });
    };
  };

  return {
    async save(db, integrationId, tokens) {
      const refreshToken =
        tokens.refreshToken ?? (await readFrom(db, integrationId).catch(() => undefined))?.refreshToken;
      await saveCredentials(db, integrationId, {
        sealed: seal(integrationId, tokens.accessToken, refreshToken),
        expiresAt: tokens.expiresAt,
      });
    },

    read,

    connect: (integration) => ({
      integrationId: integration.id,
      accountId: integration.accountId,
      async fetch(input, init) {
        const token = await freshToken(integration);
        const response = await withBearer(token)(input, init);
        if (response.status !== 401 || init?.body instanceof ReadableStream) return response;
        await response.body?.cancel();
        const answer = await withBearer(await freshToken(integration, token))(input, init);
        if (answer.status === 401) {
          await answer.body?.cancel();
          return needReconnect(
            integration,
            `${label(integration)} no longer accepts the access it gave. Reconnect the account.`,
          );
        }
        return answer;
      },
    }),

    connectWith: (tokens) => ({ integrationId: '', accountId: '', fetch: withBearer(tokens.accessToken) }),
  };
}
