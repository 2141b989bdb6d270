import type { Logger } from 'pino';
import type { Platform, Provider } from '../providers/provider.ts';
import type { Config } from './config.ts';
import type { Database } from './database/database.ts';
import type { BrowseService } from './services/browse-service.ts';
import type { DocumentService } from './services/document-service.ts';
import type { ImportService } from './services/import-service.ts';
import type { IntegrationService } from './services/integration-service.ts';
import type { SearchService } from './services/search-service.ts';
import type { TokenService } from './services/token-service.ts';
import type { UserService } from './services/user-service.ts';

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
