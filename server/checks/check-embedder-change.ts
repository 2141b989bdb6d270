import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { formatCount } from '../format.ts';
import { countEmbedded } from '../index/missing-embeddings.ts';
import { findSearchEmbedder } from '../index/search-embedder.ts';
import { idOfEmbedder } from '../pipeline/embed/configured.ts';
import { nameEmbedder } from '../pipeline/embed/embedder-id.ts';
import { warn, type Finding } from './finding.ts';

const ABOUT = 'embedder change';

/** Whether searches compare with vectors of another embedder than the configured one, and how far the change is. Nothing where all is as configured. */
export async function checkEmbedderChange(
  { knex }: Database,
  { embedding }: Pick<Config, 'embedding'>,
): Promise<Finding[]> {
  const state = (await knex.schema.hasTable('search_embedder')) ? await findSearchEmbedder(knex) : undefined;
  if (!state) return [];
  const configured = idOfEmbedder(embedding);
  const { active, target, done, total, problem } = state;
  if (target === configured) {
    const progress = `search is moving from ${nameEmbedder(active)} to ${nameEmbedder(target)}: ${formatCount(done)} of ${formatCount(total)} passages`;
    return [warn(ABOUT, problem === undefined ? progress : `${progress}. It does not go on: ${problem}`)];
  }
  if (active === configured) return [];
  const { total: stored } = await countEmbedded(knex, configured);
  return [
    warn(
      ABOUT,
      `search uses ${nameEmbedder(active)}; the next start embeds ${formatCount(stored)} stored passages anew by ${nameEmbedder(configured)}, in the background`,
    ),
  ];
}
