import type { Logger } from 'pino';
import {
  PLATFORMS,
  type Platform,
  type Provider,
  type ProviderDefinition,
  type Site,
} from '../../providers/provider.ts';
import type { KnownPlatform } from '../../providers/registry.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { BadRequestError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { deleteOrphanEmbeddings } from '../index/postgres.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { countIntegrationDocuments, deleteIntegrationDocuments } from '../stores/document-store.ts';
import { closeImportFolders } from '../stores/import-folder-store.ts';
import { importsWithOpenItems, skipOpenItems } from '../stores/import-item-store.ts';
import { findRunningSync, finishImportIfDone, lockImport } from '../stores/import-store.ts';
import {
  deleteIntegration,
  findIntegration,
  listIntegrations,
  markDisconnecting,
} from '../stores/integration-store.ts';
import { listPlatformProblems } from '../stores/platform-problem-store.ts';
import type { CredentialService } from './credential-service.ts';
import { bounded } from './provider-failures.ts';
import type { RateGovernor } from './rate-governor.ts';
import { endSync } from './sync-end.ts';
import type { User } from './user-service.ts';
import type { WatchKeeper } from './watch-keeper.ts';

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
  /** How it was connected: `oauth`, or the id of one of the provider's token forms. */
  method: string;
  /** Present where it was connected by a token: the one site it belongs to. */
  site?: Site;
  /** True while the operator's settings are what connects it. */
  fromSettings: boolean;
  scopes: string[];
  connectedAt: Date;
  lastSyncAt?: Date;
  /** Present while the vendor asks for a pause: work goes on by itself then. */
  throttledUntil?: Date;
};

/** One platform as the integrations page and API show it. */
export type PlatformOverview = {
  definition: ProviderDefinition;
  /** Whether accounts can be connected by consent. */
  configured: boolean;
  /** Which settings the operator has not given. */
  missing: { clientId: boolean; clientSecret: boolean };
  /** A mistake of the operator's that breaks every account of this platform: a sentence that says what to do. */
  problem?: string;
  integrations: Integration[];
};

export type DisconnectOutcome = {
  /** False where the vendor could not be told: a person can end the grant at `manualRevokeUrl`, or delete the token there. */
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
  documentCount(user: User, id: string): Promise<number>;
  disconnect(user: User, id: string, options: { documents: 'keep' | 'delete' }): Promise<DisconnectOutcome>;
};

export function createIntegrationService(deps: {
  database: Database;
  platforms: KnownPlatform[];
  providers: Map<Platform, Provider>;
  credentials: CredentialService;
  governor: RateGovernor;
  egress: Egress;
  watches: WatchKeeper;
  logger: Logger;
}): IntegrationService {
  const { database, platforms, providers, credentials, governor, egress, watches, logger } = deps;

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
      const syncId = await findRunningSync(trx, integration.id);
      if (syncId && (await lockImport(trx, syncId)) === 'running')
        await endSync(trx, syncId, integration.id, { status: 'cancelled' });
    });
  }

  /** Ends the grant at the vendor. False when the vendor could not be told, and for tokens, which only those who made them can delete. */
  async function revoke(integration: Integration): Promise<boolean> {
    const provider = providers.get(integration.platform);
    if (!provider?.auth.revoke || integration.method !== 'oauth') return false;
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

  /** The vendor's page where a person ends this access. */
  function manualRevokeUrl({ platform, method }: Integration): string | undefined {
    const definition = platforms.find((known) => known.definition.id === platform)?.definition;
    return definition?.tokenForms?.find(({ id }) => id === method)?.helpUrl ?? definition?.manualRevokeUrl;
  }

  return {
    async overview(user) {
      const integrations = await withThrottle(await listIntegrations(database.current(), user.id));
      const problems = await listPlatformProblems(database.current());
      return platforms.map(({ definition, missing }) => ({
        definition,
        missing,
        configured: !missing.clientId && !missing.clientSecret,
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

    async documentCount(user, id) {
      const integration = await find(user, id);
      return countIntegrationDocuments(database.current(), integration.id);
    },

    async disconnect(user, id, { documents }) {
      const integration = await find(user, id);
      if (integration.status === 'disconnecting')
        logger.info({ integrationId: id }, 'a disconnect that did not end before is tried again');
      await haltImports(integration);
      // While there still is a grant to say it with.
      await watches.endAll(integration);
      const revoked = await revoke(integration);
      const subject = { kind: 'integration', id: integration.id, name: integration.platform } as const;
      const outcome = await database.transaction(async (trx) => {
        const count = await countIntegrationDocuments(trx, integration.id);
        if (documents === 'delete') await deleteIntegrationDocuments(trx, integration.id);
        await deleteIntegration(trx, integration.id);
        await governor.forget(trx, integration.id);
        const details = documents === 'delete' ? { kept: 0, deleted: count } : { kept: count, deleted: 0 };
        if (revoked) await recordAudit(trx, { action: 'grant_revoked', actor: user, subject });
        await recordAudit(trx, { action: 'grant_disconnected', actor: user, subject, details });
        return details;
      });
      if (outcome.deleted > 0) await database.transaction(deleteOrphanEmbeddings);
      logger.info({ integrationId: id, revoked, ...outcome }, 'an account was disconnected');
      return { revoked, manualRevokeUrl: revoked ? undefined : manualRevokeUrl(integration), documents: outcome };
    },
  };
}
