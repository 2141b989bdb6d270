import type { AzureSearchConfig } from '../azure-search-config.ts';
import type { Config } from '../config.ts';
import { createEgress, hostsOf } from '../egress/egress.ts';
import { createAzureSearchClient } from '../index/azure-client.ts';
import { checkAzureIndex } from '../index/azure-keeper.ts';
import { createLogger } from '../logger.ts';
import { createEmbedder } from '../pipeline/embed/configured.ts';
import { fail, ok, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

const ABOUT = 'Azure AI Search';
const TIMEOUT_MS = 20_000;

/** Looks at the index: that shows whether the service can be reached, takes the key, and has an index that fits the embedder. Nothing is made. */
export async function checkAzureSearch(config: Config, azure: AzureSearchConfig): Promise<Finding> {
  const egress = createEgress({ allowedHosts: hostsOf(config, []), vendorHosts: [] });
  const deps = { fetch: egress.fetch, logger: createLogger({ logLevel: 'silent' }) };
  try {
    const client = createAzureSearchClient(azure, deps);
    const embedder = createEmbedder(config.embedding, deps);
    return (await checkAzureIndex(client, azure, embedder, AbortSignal.timeout(TIMEOUT_MS)))
      ? ok(ABOUT, `has the index ${client.name}, which fits ${embedder.id}`)
      : ok(ABOUT, `answers; the index ${client.name} is made at the first start`);
  } catch (error) {
    return fail(ABOUT, `cannot be used: ${reasonOf(error)}`);
  } finally {
    await egress.close();
  }
}
