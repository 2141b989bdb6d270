import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { ProviderError } from '../../providers/errors.ts';
import { PLATFORMS, type Platform, type Provider, type ProviderDefinition } from '../../providers/provider.ts';
import type { KnownPlatform } from '../../providers/registry.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { BadRequestError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { deleteOrphanEmbeddings } from '../index/postgres.ts';
import { paths } from '../paths.ts';
import { adoptDocuments, countIntegrationDocuments, deleteIntegrationDocuments } from '../stores/document-store.ts';
import { closeImportFolders } from '../stores/import-folder-store.ts';
import { importsWithOpenItems, skipOpenItems } from '../stores/import-item-store.ts';
import { finishImportIfDone, lockImport } from '../stores/import-store.ts';
import {
  deleteIntegration,
  findIntegration,
  listIntegrations,
  markDisconnecting,
  upsertIntegration,
} from '../stores/integration-store.ts';
import { consumeOAuthState, insertOAuthState } from '../stores/oauth-state-store.ts';
import { clearPlatformProblem, listPlatformProblems, notePlatformProblem } from '../stores/platform-problem-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { ConnectionService } from './connection-service.ts';
import type { CredentialService } from './credential-service.ts';
import { bounded, toAppError } from './provider-failures.ts';
import type { RateGovernor } from './rate-governor.ts';
import type { User } from './user-service.ts';

export type IntegrationStatus = 'active' | 'needs_reconnect' | 'missing_scope' | 'disconnecting';

/** One connected account of a user. */
export type Integration = {
  id: string;
  userId: string;
  platform: Platform;
  accountId: string;
  accountEmail?: string;
  accountName?: string;
  status: IntegrationStatus;
  /** A sentence: why it is not active and what to do. */
  statusDetail?: string;
  scopes: string[];
  connectedAt: Date;
  lastSyncAt?: Date;
  /** Present while the vendor asks for a pause: work goes on by itself then. */
  throttledUntil?: Date;
};

/** One platform as the integrations page and API show it. */
export type PlatformOverview = {
  definition: ProviderDefinition;
  configured: boolean;
  /** Which settings the operator has not given. */
  missing: { clientId: boolean; clientSecret: boolean };
  /** A mistake of the operator's that breaks every account of this platform: a sentence that says what to do. */
  problem?: string;
  integrations: Integration[];
};

export type DisconnectOutcome = {
  revoked: boolean;
  manualRevokeUrl?: string;
  documents: { kept: number; deleted: number };
};

export type IntegrationService = {
  overview(user: User): Promise<PlatformOverview[]>;
  list(user: User): Promise<Integration[]>;
  /** Errors: NotFoundError, also for other users' rows. */
  get(user: User, id: string): Promise<Integration>;
  /** `{P or id}` of the API: an id, or a platform with exactly one account. Errors: NotFoundError; BadRequestError `ambiguous`. */
  resolve(user: User, platformOrId: string): Promise<Integration>;
  /** Begins a grant and gives the consent page's URL. Errors: BadRequestError `not_configured` with `missing`. */
  start(
    user: User,
    platform: Platform,
    options: { sessionId: string; integrationId?: string },
  ): Promise<{ url: string }>;
  /**
   * Ends a grant with what the vendor sent back.
   * Errors: BadRequestError `invalid_state` (forged, replayed, expired, other session), `access_denied`, `missing_code`,
   * `account_mismatch`; AppError 502 `vendor_error`. No row is left behind by any of them.
   */
  finish(
    user: User,
    platform: Platform,
    options: {
      sessionId: string;
      query: {
        state?: string;
        code?: string;
        error?: string;
        errorDescription?: string;
      };
    },
  ): Promise<Integration>;
  documentCount(user: User, id: string): Promise<number>;
  disconnect(user: User, id: string, options: { documents: 'keep' | 'delete' }): Promise<DisconnectOutcome>;
};

/** RFC 9700 asks for short-lived states; a consent page is rarely open for longer. */
const STATE_SECONDS = 600;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function createIntegrationService(deps: {
  config: Config;
  database: Database;
  vault: Vault;
  platforms: KnownPlatform[];
  providers: Map<Platform, Provider>;
  credentials: CredentialService;
  governor: RateGovernor;
  connections: ConnectionService;
  egress: Egress;
  logger: Logger;
}): IntegrationService {
  const { config, database, vault, platforms, providers, credentials, governor, connections, egress, logger } = deps;

  /** Errors: NotFoundError for a platform the hub does not know; BadRequestError `not_configured`. */
  function configured(platform: Platform): Provider {
    const known = platforms.find(({ definition }) => definition.id === platform);
    if (!known) throw new NotFoundError('The service');
    const provider = providers.get(platform);
    if (provider) return provider;
    const { clientId, clientSecret } = known.definition.settings;
    const names = [
      ...(known.missing.clientId ? [clientId] : []),
      ...(known.missing.clientSecret ? [clientSecret] : []),
    ];
    throw new BadRequestError(
      'not_configured',
      `${known.definition.label} is not set up on this server: ${names.join(' and ')} must be set.`,
      { missing: known.missing },
    );
  }

  async function find(user: User, id: string): Promise<Integration> {
    const integration = isUuid(id) ? await findIntegration(database.current(), user.id, id) : undefined;
    if (!integration) throw new NotFoundError('The integration');
    return integration;
  }

  /** With the pauses that vendors asked for. */
  async function withThrottle(integrations: Integration[]): Promise<Integration[]> {
    const until = await governor.throttledUntil(integrations);
    return integrations.map((integration) => ({ ...integration, throttledUntil: until.get(integration.id) }));
  }

  /** Stops what still runs for the integration: its open ledger rows are final, and worker transactions find it gone. */
  async function haltImports(integration: Integration): Promise<void> {
    await database.transaction(async (trx) => {
      await markDisconnecting(trx, integration.id);
      const importIds = await importsWithOpenItems(trx, integration.id);
      for (const importId of importIds) await lockImport(trx, importId);
      await skipOpenItems(
        trx,
        { integrationId: integration.id },
        { reason: 'The account was disconnected before this item was imported.', code: 'disconnected' },
      );
      await closeImportFolders(trx, { integrationId: integration.id });
      for (const importId of importIds) await finishImportIfDone(trx, importId);
    });
  }

  /** Ends the grant at the vendor. False when the vendor could not be told: a person can do it by hand. */
  async function revoke(integration: Integration): Promise<boolean> {
    const provider = providers.get(integration.platform);
    if (!provider?.auth.revoke) return false;
    const work = async () => {
      // Some vendors take a valid access token only; where no new one is to be had, the old one may still do.
      await credentials.accessToken(integration).catch(() => undefined);
      const tokens = await credentials.read(integration.id);
      if (!tokens) throw new Error('the stored grant cannot be read');
      await provider.auth.revoke?.(tokens, egress.fetch);
    };
    try {
      await bounded(work(), provider.definition.label);
      return true;
    } catch (error) {
      logger.warn({ err: error, integrationId: integration.id }, 'the vendor could not be told that a grant ended');
      return false;
    }
  }

  return {
    async overview(user) {
      const integrations = await withThrottle(await listIntegrations(database.current(), user.id));
      const problems = await listPlatformProblems(database.current());
      return platforms.map(({ definition, missing }) => ({
        definition,
        missing,
        configured: providers.has(definition.id),
        problem: problems.get(definition.id)?.detail,
        integrations: integrations.filter(({ platform }) => platform === definition.id),
      }));
    },

    list: async (user) => withThrottle(await listIntegrations(database.current(), user.id)),

    async get(user, id) {
      const [integration] = await withThrottle([await find(user, id)]);
      return integration as Integration;
    },

    async resolve(user, platformOrId) {
      if (!(PLATFORMS as readonly string[]).includes(platformOrId)) return find(user, platformOrId);
      const all = await listIntegrations(database.current(), user.id);
      const [first, second] = all.filter(({ platform }) => platform === platformOrId);
      if (!first) throw new NotFoundError('The integration');
      if (second)
        throw new BadRequestError(
          'ambiguous',
          'Several accounts of this service are connected. Name the one you mean by its id.',
        );
      return first;
    },

    async start(user, platform, { sessionId, integrationId }) {
      const provider = configured(platform);
      const reconnected = integrationId === undefined ? undefined : await find(user, integrationId);
      const state = randomBytes(32).toString('base64url');
      const codeVerifier = randomBytes(48).toString('base64url');
      const redirectUri = config.baseUrl + paths.callback(platform);
      const stateHash = sha256(state);
      await insertOAuthState(
        database.current(),
        {
          stateHash,
          userId: user.id,
          sessionHash: sha256(sessionId),
          platform,
          integrationId: reconnected?.id,
          sealedVerifier: vault.seal(codeVerifier, `oauth_states:${stateHash}`),
          redirectUri,
        },
        STATE_SECONDS,
      );
      const url = await provider.auth.authorizationUrl({
        state,
        codeVerifier,
        redirectUri,
        loginHint: reconnected?.accountEmail,
      });
      return { url };
    },

    async finish(user, platform, { sessionId, query }) {
      const provider = configured(platform);
      const { label } = provider.definition;
      const stateHash = sha256(query.state ?? '');
      const state = await consumeOAuthState(database.current(), {
        stateHash,
        userId: user.id,
        sessionHash: sha256(sessionId),
        platform,
      });
      if (!state)
        throw new BadRequestError(
          'invalid_state',
          'This sign-in to the service was not begun here, was finished already, or took over ten minutes. Start again from the integrations page.',
        );
      if (query.error) throw consentRefused(label, query.error);
      if (!query.code)
        throw new BadRequestError('missing_code', `${label} sent no code. Start again from the integrations page.`);
      const { code } = query;

      try {
        const tokens = await bounded(
          provider.auth.exchange(
            {
              code,
              codeVerifier: vault.open(state.sealedVerifier, `oauth_states:${stateHash}`),
              redirectUri: state.redirectUri,
            },
            egress.fetch,
          ),
          label,
        );
        const account = await bounded(provider.auth.identify(connections.openWith(tokens)), label);
        return await database.transaction(async (trx) => {
          if (state.integrationId) {
            const reconnected = await findIntegration(trx, user.id, state.integrationId);
            if (reconnected && reconnected.accountId !== account.id)
              throw new BadRequestError(
                'account_mismatch',
                `You chose ${account.email ?? 'another account'}, but this integration belongs to ${reconnected.accountEmail ?? 'another account'}. Reconnect with that one, or connect the other as a new integration.`,
              );
          }
          const integration = await upsertIntegration(trx, {
            userId: user.id,
            platform,
            account,
            scopes: tokens.scopes,
          });
          await credentials.save(trx, integration.id, tokens);
          await adoptDocuments(trx, integration);
          await clearPlatformProblem(trx, platform);
          logger.info({ integrationId: integration.id, platform }, 'an account was connected');
          return integration;
        });
      } catch (error) {
        if (error instanceof ProviderError && error.kind === 'misconfigured')
          await notePlatformProblem(database.current(), platform, error.message);
        if (error instanceof ProviderError && error.kind === 'reconnect')
          throw new BadRequestError(
            'code_refused',
            `${label} did not accept the sign-in. Start again from the integrations page.`,
          );
        throw toAppError(error);
      }
    },

    async documentCount(user, id) {
      const integration = await find(user, id);
      return countIntegrationDocuments(database.current(), integration.id);
    },

    async disconnect(user, id, { documents }) {
      const integration = await find(user, id);
      if (integration.status === 'disconnecting')
        logger.info({ integrationId: id }, 'a disconnect that did not end before is tried again');
      await haltImports(integration);
      const revoked = await revoke(integration);
      const outcome = await database.transaction(async (trx) => {
        const count = await countIntegrationDocuments(trx, integration.id);
        if (documents === 'delete') await deleteIntegrationDocuments(trx, integration.id);
        await deleteIntegration(trx, integration.id);
        await governor.forget(trx, integration.id);
        return documents === 'delete' ? { kept: 0, deleted: count } : { kept: count, deleted: 0 };
      });
      if (outcome.deleted > 0) await database.transaction(deleteOrphanEmbeddings);
      logger.info({ integrationId: id, revoked, ...outcome }, 'an account was disconnected');
      const manualRevokeUrl = revoked
        ? undefined
        : platforms.find(({ definition }) => definition.id === integration.platform)?.definition.manualRevokeUrl;
      return { revoked, manualRevokeUrl, documents: outcome };
    },
  };
}

/**
 * What the vendor's `error` means for the person who came back with it.
 * Source: RFC 6749 §4.1.2.1, and https://learn.microsoft.com/entra/identity-platform/reference-error-codes (2026)
 */
function consentRefused(label: string, error: string): BadRequestError {
  switch (error) {
    case 'access_denied':
      return new BadRequestError(
        'access_denied',
        `${label} was not connected, because access was denied. Connect again and choose “Allow” if that was a mistake.`,
      );
    case 'consent_required':
    case 'interaction_required':
    case 'admin_policy_enforced':
    case 'org_internal':
      return new BadRequestError(
        'admin_consent_required',
        `Your organisation has to approve this app before ${label} can be connected. Ask its administrator to approve it, then connect again.`,
      );
    case 'login_required':
      return new BadRequestError(
        'login_required',
        `${label} asks you to sign in there first. Sign in, then connect again.`,
      );
    case 'server_error':
    case 'temporarily_unavailable':
      return new BadRequestError('vendor_unavailable', `${label} has a fault just now. Try again in a few minutes.`);
    default:
      // The code is a word of the vendor's; anything else that stands there is not repeated.
      return new BadRequestError(
        'vendor_refused',
        `${label} did not allow the connection (${error.replaceAll(/[^\w .-]/g, '').slice(0, 60)}). The settings of this hub at ${label} need a look: the client id, the redirect URI and the permissions.`,
      );
  }
}
