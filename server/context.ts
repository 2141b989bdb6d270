import type { Logger } from 'pino';
import type { Platform, Provider } from '../providers/provider.ts';
import { createProviders } from '../providers/registry.ts';
import type { Config } from './config.ts';
import type { Database } from './database/database.ts';
import { createEgress, hostsOf } from './egress/egress.ts';
import { createPostgresIndex } from './index/postgres.ts';
import { registerImportJobs } from './jobs/import-jobs.ts';
import { createLexicalEmbedder } from './pipeline/embed/lexical.ts';
import { createPipeline } from './pipeline/pipeline.ts';
import { createQueue } from './queue/queue.ts';
import { createBrowseService, type BrowseService } from './services/browse-service.ts';
import { createCredentialService } from './services/credential-service.ts';
import { createDocumentService, type DocumentService } from './services/document-service.ts';
import { createImportService, type ImportService } from './services/import-service.ts';
import { createIntegrationService, type IntegrationService } from './services/integration-service.ts';
import { createSearchService, type SearchService } from './services/search-service.ts';
import { createTokenService, type TokenService } from './services/token-service.ts';
import { createUserService, type UserService } from './services/user-service.ts';
import { createVault } from './vault/vault.ts';

/** Everything the hub is made of, built once from the configuration. Routes and API get exactly this. */
export type Context = {
  config: Config;
  logger: Logger;
  database: Database;
  providers: Map<Platform, Provider>;
  users: UserService;
  tokens: TokenService;
  integrations: IntegrationService;
  browse: BrowseService;
  imports: ImportService;
  documents: DocumentService;
  search: SearchService;
};

/** Builds the context on an open, migrated database. `work` starts taking jobs; `close` hands back what is in flight. */
export async function buildContext(
  config: Config,
  { database, logger }: { database: Database; logger: Logger },
): Promise<Context & { work(): Promise<void>; close(): Promise<void> }> {
  const vault = createVault(config.encryptionKeys);
  const egress = createEgress({ allowedHosts: hostsOf(config) });
  const { definitions, providers } = createProviders(config);
  const credentials = createCredentialService({ database, vault, providers, egress, logger });
  const queue = createQueue({ database, logger });
  await queue.start();
  const pipeline = createPipeline({ maxFileBytes: config.maxFileBytes });
  const embedder = createLexicalEmbedder();
  const index = createPostgresIndex(database);

  const integrations = createIntegrationService({
    config,
    database,
    vault,
    providers,
    definitions,
    credentials,
    egress,
    logger,
  });
  const imports = createImportService({ database, queue, integrations });
  return {
    config,
    logger,
    database,
    providers,
    users: createUserService({ database, logger }),
    tokens: createTokenService({ database }),
    integrations,
    browse: createBrowseService({ database, integrations, providers, credentials, logger }),
    imports,
    documents: createDocumentService({ database, imports }),
    search: createSearchService({ index, embedder }),
    work: () =>
      registerImportJobs({
        queue,
        database,
        providers,
        credentials,
        pipeline,
        embedder,
        index,
        logger,
        concurrency: config.importConcurrency,
      }),
    async close() {
      await queue.stop({ timeoutMs: 8_000 });
      await pipeline.close();
      await egress.close();
    },
  };
}
