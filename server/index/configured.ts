import type { Logger } from 'pino';
import type { Fetch } from '../../providers/provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Embedder } from '../pipeline/embed/embedder.ts';
import { createAzureIndex } from './azure-ai-search.ts';
import { createAzureSearchClient } from './azure-client.ts';
import { createIndexKeeper, type IndexKeeper } from './azure-keeper.ts';
import type { SearchIndex } from './index.ts';
import { createPostgresIndex } from './postgres.ts';

/** The index that the configuration names, and what looks after it where it is outside the database. `fetch` must be the guarded one. */
export function createIndex(
  { azureSearch: config }: Pick<Config, 'azureSearch'>,
  deps: { database: Database; embedder: Embedder; fetch: Fetch; logger: Logger; firstBackoffMs?: number },
): { index: SearchIndex; keeper?: IndexKeeper } {
  const { database, embedder, logger } = deps;
  const postgres = createPostgresIndex(database);
  if (!config) return { index: postgres };
  const client = createAzureSearchClient(config, deps);
  return {
    index: createAzureIndex({ config, client, database, embedder, postgres, logger }),
    keeper: createIndexKeeper({ config, client, database, embedder, logger }),
  };
}
