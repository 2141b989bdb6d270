import { createProviders } from '../../providers/registry.ts';
import type { Config } from '../config.ts';
import { createEgress, hostsOf } from '../egress/egress.ts';
import { createLogger } from '../logger.ts';
import { modelHosts } from '../model-config.ts';
import { createEmbedder } from '../pipeline/embed/configured.ts';
import { fail, ok, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

/** One word is embedded: that shows whether the model's server can be reached, takes the key, and gives vectors of the expected length. */
export async function checkEmbedder(config: Config): Promise<Finding> {
  const { definitions } = createProviders(config);
  const vendorHosts = [...definitions.flatMap(({ definition }) => definition.hosts), ...modelHosts(config)];
  const egress = createEgress({ allowedHosts: hostsOf(config, vendorHosts), vendorHosts });
  try {
    const embedder = createEmbedder(config.embedding, {
      fetch: egress.fetch,
      logger: createLogger({ logLevel: 'silent' }),
    });
    const [vector] = await embedder.embed(['check'], { signal: AbortSignal.timeout(20_000), purpose: 'query' });
    if (vector?.length !== embedder.dimensions) throw new Error('it gave a vector of another length');
    const place = config.embedding ? 'which answers' : 'built in';
    return ok('embedder', `${embedder.id}, ${place}, ${embedder.dimensions} dimensions`);
  } catch (error) {
    return fail('embedder', `cannot be used: ${reasonOf(error)}`);
  } finally {
    await egress.close();
  }
}
