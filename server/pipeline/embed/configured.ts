import type { Logger } from 'pino';
import type { Fetch } from '../../../providers/provider.ts';
import type { EmbeddingConfig } from '../../model-config.ts';
import type { Embedder } from './embedder.ts';
import { createLexicalEmbedder } from './lexical.ts';
import { createOpenAiEmbedder } from './openai.ts';

/** The embedder that the configuration names; without one, the built-in. `fetch` must be the guarded one. */
export function createEmbedder(
  embedding: EmbeddingConfig | undefined,
  deps: { fetch: Fetch; logger: Logger },
): Embedder {
  return embedding ? createOpenAiEmbedder(embedding, deps) : createLexicalEmbedder();
}
