import type { Logger } from 'pino';
import type { Fetch } from '../../../providers/provider.ts';
import type { EmbeddingConfig } from '../../embedding-config.ts';
import type { Embedder } from './embedder.ts';
import { createLexicalEmbedder } from './lexical.ts';
import { createOpenAiEmbedder } from './openai.ts';

const OPENAI_HOST = 'api.openai.com';

/** Hosts of the embedder that are reached as vendors' are: at public addresses only. Any other is the operator's own choice. */
export function embedderHosts(embedding: EmbeddingConfig | undefined): string[] {
  return embedding && new URL(embedding.server.baseUrl).hostname === OPENAI_HOST ? [OPENAI_HOST] : [];
}

/** The embedder that the configuration names; without one, the built-in. `fetch` must be the guarded one. */
export function createEmbedder(
  embedding: EmbeddingConfig | undefined,
  deps: { fetch: Fetch; logger: Logger },
): Embedder {
  return embedding ? createOpenAiEmbedder(embedding, deps) : createLexicalEmbedder();
}
