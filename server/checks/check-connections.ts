import type { Config } from '../config.ts';
import { checkAzureSearch } from './check-azure-search.ts';
import { checkChat } from './check-chat.ts';
import { checkEmbedder } from './check-embedder.ts';
import { checkMail, checkWebhook } from './check-notifications.ts';
import { checkOriginals } from './check-originals.ts';
import type { Finding } from './finding.ts';

/** Asks every server that the hub uses beside its database, all at the same time: each takes half a minute at most. */
export async function checkConnections(config: Config): Promise<Finding[]> {
  const found = await Promise.all([
    checkEmbedder(config),
    checkChat(config),
    checkOriginals(config),
    ...(config.azureSearch ? [checkAzureSearch(config, config.azureSearch)] : []),
    checkMail(config),
  ]);
  return [...found, checkWebhook(config)];
}
