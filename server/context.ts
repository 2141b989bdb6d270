import type { Logger } from 'pino';
import { createIdentityProviders } from '../providers/identity-providers.ts';
import { createProviders } from '../providers/registry.ts';
import type { Platform, Provider, ProviderDefinition } from '../providers/provider.ts';
import { createChatModel } from './ask/chat.ts';
import type { Config } from './config.ts';
import type { Database } from './database/database.ts';
import { openDatabase } from './database/open.ts';
import { createEgress, hostsOf, type Egress } from './egress/egress.ts';
import type { IndexKeeper } from './index/azure-keeper.ts';
import { createIndex } from './index/configured.ts';
import type { SearchIndex } from './index/index.ts';
import { modelHosts } from './model-config.ts';
import { createEmbeddingBatcher, type EmbeddingBatcher } from './pipeline/embed/batcher.ts';
import { createEmbedder, createEmbedderOf } from './pipeline/embed/configured.ts';
import type { Embedder } from './pipeline/embed/embedder.ts';
import { createOriginalStorages } from './originals/originals.ts';
import type { ParsePool } from './pipeline/parse-pool.ts';
import { createPipeline, type Pipeline } from './pipeline/pipeline.ts';
import { createQueue, type Queue } from './queue/queue.ts';
import { createConnectionService, type ConnectionService } from './services/connection-service.ts';
import { createAuditService, type AuditService } from './services/audit-service.ts';
import { createBrowseService, type BrowseService } from './services/browse-service.ts';
import { createCredentialService, type CredentialService } from './services/credential-service.ts';
import { createDocumentBulkService, type DocumentBulkService } from './services/document-bulk-service.ts';
import { createDocumentService, type DocumentService } from './services/document-service.ts';
import { createEmbedderService, type EmbedderService } from './services/embedder-service.ts';
import { createEstimateService, type EstimateService } from './services/estimate-service.ts';
import { createGrantService, type GrantService } from './services/grant-service.ts';
import { createIdempotencyService, type IdempotencyService } from './services/idempotency-service.ts';
import { createIdentityService, type IdentityService } from './services/identity-service.ts';
import { createImportService, type ImportService } from './services/import-service.ts';
import { createIntegrationService, type IntegrationService } from './services/integration-service.ts';
import { createInvitationService, type InvitationService } from './services/invitation-service.ts';
import { createNotificationService, type NotificationService } from './services/notification-service.ts';
import { createOverviewService, type OverviewService } from './services/overview-service.ts';
import { createOriginalService, type OriginalService } from './services/original-service.ts';
import { createReadinessService, type ReadinessService } from './services/readiness-service.ts';
import { createPreviewService, type PreviewService } from './services/preview-service.ts';
import { createRateGovernor, type RateGovernor } from './services/rate-governor.ts';
import { createRequestCountService, type RequestCountService } from './services/request-count-service.ts';
import { createAskService, type AskService } from './services/ask-service.ts';
import { createSearchService, type SearchService } from './services/search-service.ts';
import { createSettingsAccountService, type SettingsAccountService } from './services/settings-account-service.ts';
import { createSignInService, type SignInService } from './services/sign-in-service.ts';
import { createSetupService, type SetupService } from './services/setup-service.ts';
import { createSsoService, type SsoService } from './services/sso-service.ts';
import { createSyncService, type SyncService } from './services/sync-service.ts';
import { createTokenService, type TokenService } from './services/token-service.ts';
import { createUsageService, type UsageService } from './services/usage-service.ts';
import { createUserService, type UserService } from './services/user-service.ts';
import { createWatchKeeper, type WatchKeeper } from './services/watch-keeper.ts';
import { createWebhookService, type WebhookService } from './services/webhook-service.ts';
import { watchLedgerBalance } from './services/ledger-balance.ts';
import { createProgressReader } from './services/import-progress.ts';
import { openSessionStore, type SessionStore } from './session.ts';
import { createSignals, type Signals } from './signals/signals.ts';
import {
  countGrants,
  countRefreshes,
  observeQueue,
  traceAsk,
  traceEgress,
  traceSearch,
} from './telemetry/instrument.ts';
import { watchModels } from './telemetry/models.ts';
import { createScrape, type Scrape } from './telemetry/scrape.ts';
import { openTelemetry, type Telemetry } from './telemetry/telemetry.ts';
import { createVault, type Vault } from './vault/vault.ts';

/** Everything the hub is made of. Built once; tests hand in the parts they replace. */
export type Context = {
  config: Config;
  logger: Logger;
  /** What the hub tells of its work. */
  telemetry: Telemetry;
  scrape: Scrape;
  database: Database;
  /** What changed, said in every process. */
  signals: Signals;
  vault: Vault;
  egress: Egress;
  /** All services the hub knows, also those that are not configured. */
  definitions: ProviderDefinition[];
  providers: Map<Platform, Provider>;
  queue: Queue;
  pipeline: Pipeline;
  /** The configured one, which texts of documents are embedded by. */
  embedder: Embedder;
  embeddings: EmbeddingBatcher;
  /** The one that searches use, and the change to another. */
  embedders: EmbedderService;
  index: SearchIndex;
  /** Where the index is outside the database. */
  indexKeeper?: IndexKeeper;
  sessions: SessionStore;
  users: UserService;
  signIns: SignInService;
  invitations: InvitationService;
  /** Accounts of other services that users sign in with. */
  identities: IdentityService;
  sso: SsoService;
  audit: AuditService;
  tokens: TokenService;
  credentials: CredentialService;
  governor: RateGovernor;
  /** What vendors were asked for. */
  requestCounts: RequestCountService;
  connections: ConnectionService;
  integrations: IntegrationService;
  grants: GrantService;
  settingsAccount: SettingsAccountService;
  browse: BrowseService;
  previews: PreviewService;
  imports: ImportService;
  /** Imports that are begun once, however often they are asked for. */
  idempotency: IdempotencyService;
  estimates: EstimateService;
  syncs: SyncService;
  watches: WatchKeeper;
  webhooks: WebhookService;
  documents: DocumentService;
  documentBulk: DocumentBulkService;
  setup: SetupService;
  /** Whether this process can do its work. */
  readiness: ReadinessService;
  originals: OriginalService;
  search: SearchService;
  ask: AskService;
  overview: OverviewService;
  /** What models were asked for. */
  usage: UsageService;
  notifications: NotificationService;
  /** Closes what was opened, in reverse order. The queue is stopped by whoever started it. */
  close(): Promise<void>;
};

/** Errors: DataDirInUseError; what the database or Redis says when it cannot be reached. */
export async function createContext(
  config: Config,
  parts: { logger: Logger; database?: Database; parsePool?: ParsePool },
): Promise<Context> {
  const { logger } = parts;
  const database = parts.database ?? (await openDatabase(config));
  const sessions = await openSessionStore({ config, database, logger });
  const telemetry = await openTelemetry(config, { logger });
  const vault = createVault(config.encryptionKeys);
  const { definitions: platforms, providers: talking } = createProviders(config);
  const providers = countRefreshes(talking, telemetry);
  const definitions = platforms.map(({ definition }) => definition);
  const vendorHosts = [...definitions.flatMap(({ hosts }) => hosts), ...modelHosts(config)];
  const egress = traceEgress(createEgress({ allowedHosts: hostsOf(config, vendorHosts), vendorHosts }), telemetry);
  const signals = createSignals({ database, logger });
  const balance = watchLedgerBalance({ database, logger });
  const queue = observeQueue(createQueue({ database, logger }), telemetry);
  const pipeline = createPipeline({ maxFileBytes: config.maxFileBytes, pool: parts.parsePool });
  const embedder = createEmbedder(config.embedding, { fetch: egress.fetch, logger });
  const { index, keeper: indexKeeper } = createIndex(config, { database, embedder, fetch: egress.fetch, logger });
  const embeddings = createEmbeddingBatcher({ embedder, index, logger });
  const embedderOf = (id: string) => createEmbedderOf(id, config.embedding, { fetch: egress.fetch, logger });
  const embedders = createEmbedderService({ database, embedder, embedderOf, logger });
  const users = createUserService({ database, logger });
  const signIns = createSignInService({ database });
  const invitations = createInvitationService({ config, database, users, logger });
  const identities = createIdentityService({ config, database, users, invitations });
  const audit = createAuditService({ config, database });
  const tokens = createTokenService({ database });
  const credentials = createCredentialService({ database, vault, providers, egress, logger });
  const governor = createRateGovernor({ database });
  const requestCounts = createRequestCountService({ database, logger });
  const connections = createConnectionService({
    database,
    credentials,
    governor,
    requestCounts,
    metrics: telemetry.metrics,
    egress,
    providers,
    logger,
  });
  const sso = createSsoService({
    config,
    database,
    vault,
    providers: createIdentityProviders(config.sso),
    identities,
    connections,
    egress,
    logger,
  });
  const watches = createWatchKeeper({ config, database, vault, providers, connections, queue, logger });
  const integrations = createIntegrationService({
    database,
    platforms,
    providers,
    credentials,
    governor,
    egress,
    watches,
    logger,
  });
  const granting = createGrantService({
    config,
    database,
    vault,
    platforms,
    providers,
    integrations,
    credentials,
    connections,
    egress,
    queue,
    logger,
  });
  const grants = countGrants(
    granting,
    telemetry,
    definitions.map(({ id }) => id),
  );
  const settingsAccount = createSettingsAccountService({ config, database, users, grants, logger });
  const imports = createImportService({
    database,
    queue,
    integrations,
    progressOf: createProgressReader({ database, integrations, definitions }),
  });
  const idempotency = createIdempotencyService({ database });
  const syncs = createSyncService({ database, queue, integrations });
  const estimates = createEstimateService({ config, database, integrations, providers, connections, logger });
  const webhooks = createWebhookService({ config, database, vault, providers, integrations, queue, logger });
  const browse = createBrowseService({ database, integrations, providers, connections, logger });
  const previews = createPreviewService({ config, database, integrations, providers, connections, pipeline });
  const documents = createDocumentService({ database, imports });
  const setup = createSetupService({ config, database, platforms, providers });
  const documentBulk = createDocumentBulkService({ database, imports });
  const storages = createOriginalStorages(config, { fetch: egress.fetch });
  const originals = createOriginalService({ database, storages, logger });
  const readiness = createReadinessService({
    database,
    sessions,
    queue,
    originals: storages.takes,
    indexKeeper,
    logger,
  });
  const search = traceSearch(createSearchService({ index, embedders, integrations, logger }), telemetry);
  const chat = config.chat && createChatModel(config.chat, { fetch: egress.fetch, logger });
  const ask = traceAsk(createAskService({ search, chat, logger }), telemetry);
  const overview = createOverviewService({ database });
  const usage = createUsageService({ database, prices: config.prices, logger });
  const scrape = createScrape({ metrics: telemetry.metrics, database, queue, readiness, logger });
  watchModels({ embedder, isBuiltIn: !config.embedding, chat }, { usage, scrape });
  const notifications = createNotificationService({ config, database, definitions, egress, queue, logger });
  return {
    config,
    logger,
    telemetry,
    scrape,
    database,
    signals,
    vault,
    egress,
    definitions,
    providers,
    queue,
    pipeline,
    embedder,
    embeddings,
    embedders,
    index,
    indexKeeper,
    sessions,
    users,
    signIns,
    invitations,
    identities,
    sso,
    audit,
    tokens,
    credentials,
    governor,
    requestCounts,
    connections,
    integrations,
    grants,
    settingsAccount,
    browse,
    previews,
    imports,
    idempotency,
    estimates,
    syncs,
    watches,
    webhooks,
    documents,
    documentBulk,
    setup,
    readiness,
    originals,
    search,
    ask,
    overview,
    usage,
    notifications,
    async close() {
      await embeddings.close();
      await usage.close();
      await requestCounts.close();
      await pipeline.close();
      await egress.close();
      await settingsAccount.settled();
      await balance.settled();
      await scrape.settled();
      await telemetry.tracing?.close();
      await signals.close();
      await sessions.close();
      if (!parts.database) await database.close();
    },
  };
}
