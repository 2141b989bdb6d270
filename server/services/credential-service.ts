import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { ProviderError } from '../../providers/errors.ts';
import type { Fetch, Platform, Provider } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { Secret } from '../secret.ts';
import { recordAudit } from '../stores/audit-store.ts';
import {
  findCredentials,
  lockCredentials,
  replaceCredentials,
  saveCredentials,
  type CredentialRow,
} from '../stores/credential-store.ts';
import { findIntegrationById, listIdleIntegrations, markNeedsReconnect } from '../stores/integration-store.ts';
import { clearPlatformProblem, notePlatformProblem } from '../stores/platform-problem-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { Integration } from './integration-service.ts';

/** A token is refreshed when it has less than this left, so that no request starts with one that ends on its way. */
const FRESH_MS = 2 * 60 * 1000;
/** The vendor's answer is awaited for less time than other processes wait for the row, so that they never give up first. */
const REFRESH_TIMEOUT_MS = 8000;
const LOCK_TIMEOUT_MS = 15_000;
/** Grants are kept alive when they have been idle for this share of what the vendor allows. */
const IDLE_SHARE = 0.3;
const KEEP_ALIVE_BATCH = 20;

/** What is sealed. The end of a token that a person made is not known, and nothing refreshes it. */
export type Grant = { accessToken: Secret; refreshToken?: Secret; expiresAt?: Date };

export type StoredGrant = Grant & { version: number };

/** The only holder of stored grants: opens, refreshes and seals them. */
export type CredentialService = {
  /** Seals a grant for its integration. Where one by consent came without a refresh token, the stored one stays. */
  save(db: Knex, integrationId: string, grant: Grant): Promise<void>;
  /** The stored grant as it is. Undefined when there is none, or no key opens it. */
  read(integrationId: string): Promise<StoredGrant | undefined>;
  /**
   * An access token to send now; `refused` is one that the vendor did not take. However many callers and processes ask at once, the vendor
   * is asked once. Errors: ProviderError `reconnect` (the grant is dead, and the integration says so), `misconfigured`, `rate_limited`, `transient`.
   */
  accessToken(integration: Integration, refused?: Secret): Promise<Secret>;
  /** Marks the grant as dead. Errors: always, ProviderError `reconnect` with this message. */
  giveUp(integration: Integration, message: string): Promise<never>;
  /** Refreshes grants that the vendor would let lapse for want of use. Gives how many were due. */
  keepAlive(): Promise<number>;
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

  const seal = (integrationId: string, accessToken: Secret, refreshToken: Secret | undefined): string =>
    vault.seal(
      JSON.stringify({ accessToken: accessToken.reveal(), refreshToken: refreshToken?.reveal() }),
      credentialContext(integrationId),
    );

  function open(integrationId: string, row: CredentialRow): StoredGrant {
    const opened = JSON.parse(vault.open(row.sealed, credentialContext(integrationId))) as {
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

  function tryOpen(integrationId: string, row: CredentialRow | undefined): StoredGrant | undefined {
    if (!row) return undefined;
    try {
      return open(integrationId, row);
    } catch (error) {
      logger.error(
        { err: error, integrationId },
        'a stored grant cannot be opened: its key is missing from INTEGRATION_ENCRYPTION_KEY, or the row was changed',
      );
      return undefined;
    }
  }

  const read = async (integrationId: string) =>
    tryOpen(integrationId, await findCredentials(database.current(), integrationId));

  const label = (integration: Integration) =>
    providers.get(integration.platform)?.definition.label ?? integration.platform;

  async function giveUp(integration: Integration, message: string): Promise<never> {
    await database.transaction(async (trx) => {
      await markNeedsReconnect(trx, integration.id, message);
      await recordAudit(trx, {
        action: 'grant_refresh_failed',
        actor: 'hub',
        subject: { kind: 'integration', id: integration.id, name: integration.platform },
      });
    });
    logger.warn({ integrationId: integration.id }, 'a grant is dead: the account must be connected again');
    throw new ProviderError('reconnect', integration.platform, message);
  }

  /** A dead grant stays dead until the person connects again: asking the vendor once more tells nothing new. */
  const deadGrant = (integration: Integration, detail?: string): ProviderError =>
    new ProviderError('reconnect', integration.platform, detail || `Reconnect the account of ${label(integration)}.`);

  const isFresh = (stored: StoredGrant, refused?: Secret): boolean =>
    stored.accessToken.reveal() !== refused?.reveal() &&
    (stored.expiresAt === undefined || stored.expiresAt.getTime() - Date.now() > FRESH_MS);

  const patientFetch: Fetch = (input, init) =>
    egress.fetch(input, { ...init, signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS) });

  /** Asks the vendor and saves its answer over the version that was read. */
  async function refresh(db: Knex, integration: Integration, stored: StoredGrant): Promise<Secret> {
    const provider = providers.get(integration.platform);
    if (!provider)
      throw new ProviderError(
        'misconfigured',
        integration.platform,
        'This service is switched off: its client id and secret are not set on the server.',
      );
    if (!stored.refreshToken)
      throw new ProviderError(
        'reconnect',
        integration.platform,
        integration.method === 'oauth'
          ? `${label(integration)} gave no lasting access. Reconnect the account.`
          : `${label(integration)} no longer accepts the token of this account. Make a new token there and reconnect the account with it.`,
      );
    const tokens = await provider.auth.refresh(stored.refreshToken, patientFetch);
    const saved = await replaceCredentials(db, integration.id, {
      sealed: seal(integration.id, tokens.accessToken, tokens.refreshToken ?? stored.refreshToken),
      expiresAt: tokens.expiresAt,
      version: stored.version,
    });
    if (!saved) logger.info({ integrationId: integration.id }, 'the grant was replaced while it was refreshed');
    return tokens.accessToken;
  }

  /**
   * Holds the grant's row while the vendor is asked, so that one process asks and the others find its answer. The embedded database has one
   * process and one connection: there the single flight of this process is enough, and holding the connection would stop everything else.
   */
  async function refreshOnce(integration: Integration, refused?: Secret): Promise<Secret> {
    const work = (db: Knex, row: CredentialRow | undefined) => {
      const stored = openForUse(integration, row);
      return isFresh(stored, refused) ? stored.accessToken : refresh(db, integration, stored);
    };
    if (database.kind === 'embedded')
      return work(database.current(), await findCredentials(database.current(), integration.id));
    return database.knex.transaction(async (trx) =>
      work(trx, await lockCredentials(trx, integration.id, LOCK_TIMEOUT_MS)),
    );
  }

  /** A grant whose key this process lacks is not dead: that is the operator's to mend, and costs nobody a reconnect. */
  function openForUse(integration: Integration, row: CredentialRow | undefined): StoredGrant {
    if (!row)
      throw new ProviderError(
        'reconnect',
        integration.platform,
        `There is no stored access to ${label(integration)}. Reconnect the account.`,
      );
    if (row.dead !== undefined) throw deadGrant(integration, row.dead);
    const stored = tryOpen(integration.id, row);
    if (stored) return stored;
    throw new ProviderError(
      'misconfigured',
      integration.platform,
      'A stored grant cannot be opened with INTEGRATION_ENCRYPTION_KEY. Add the key it was sealed with to every process of the hub.',
    );
  }

  /** What a failed refresh means for the integration: only the vendor's word that the grant is dead kills it. */
  async function refreshAndNote(integration: Integration, refused?: Secret): Promise<Secret> {
    try {
      const token = await refreshOnce(integration, refused);
      await clearPlatformProblem(database.current(), integration.platform);
      return token;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.kind === 'reconnect') return giveUp(integration, error.message);
      if (error.kind === 'misconfigured')
        await notePlatformProblem(database.current(), integration.platform, error.message);
      throw error;
    }
  }

  async function accessToken(integration: Integration, refused?: Secret): Promise<Secret> {
    if (integration.status === 'needs_reconnect') throw deadGrant(integration, integration.statusDetail);
    const running = refreshing.get(integration.id);
    if (running) return running;
    if (!refused) {
      const row = await findCredentials(database.current(), integration.id);
      // The caller's copy may be older: another request of its was refused meanwhile. Repeated wrong logins would lock the account.
      if (row?.dead !== undefined) throw deadGrant(integration, row.dead);
      const stored = tryOpen(integration.id, row);
      if (stored && isFresh(stored)) return stored.accessToken;
    }
    // Somebody else may have begun while the row was read.
    const begun = refreshing.get(integration.id);
    if (begun) return begun;
    const work = refreshAndNote(integration, refused).finally(() => refreshing.delete(integration.id));
    refreshing.set(integration.id, work);
    return work;
  }

  return {
    async save(db, integrationId, { accessToken, refreshToken, expiresAt }) {
      const stored = expiresAt && tryOpen(integrationId, await findCredentials(db, integrationId));
      await saveCredentials(db, integrationId, {
        sealed: seal(integrationId, accessToken, refreshToken ?? stored?.refreshToken),
        expiresAt,
      });
    },

    read,
    accessToken,
    giveUp,

    async keepAlive() {
      let due = 0;
      for (const { definition } of providers.values()) {
        if (definition.idleDays === undefined) continue;
        const ids = await listIdleIntegrations(
          database.knex,
          definition.id,
          definition.idleDays * IDLE_SHARE,
          KEEP_ALIVE_BATCH,
        );
        due += ids.length;
        for (const id of ids) {
          const integration = await findIntegrationById(database.knex, id);
          const stored = await read(id);
          // Refused on purpose: the point is the refresh, not the token.
          if (integration && stored)
            await accessToken(integration, stored.accessToken).catch((error: unknown) =>
              logger.warn({ err: error, integrationId: id }, 'an idle grant could not be kept alive'),
            );
        }
      }
      return due;
    },
  };
}

/** What the sealed column of a grant is bound to. */
export const credentialContext = (integrationId: string): string => `integration_credentials:${integrationId}`;
