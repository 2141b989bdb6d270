import type { Logger } from 'pino';
import type { Fetch } from '../../../providers/provider.ts';
import type { EmbeddingConfig } from '../../model-config.ts';
import type { Embedder } from './embedder.ts';
import { readEmbedderId, toEmbedderId } from './embedder-id.ts';
import { createLexicalEmbedder, LEXICAL_ID } from './lexical.ts';
import { createOpenAiEmbedder } from './openai.ts';

/** The embedder that the configuration names; without one, the built-in. `fetch` must be the guarded one. */
export function createEmbedder(
  embedding: EmbeddingConfig | undefined,
  deps: { fetch: Fetch; logger: Logger },
): Embedder {
  return embedding ? createOpenAiEmbedder(embedding, deps) : createLexicalEmbedder();
}

/** Its id. */
export const idOfEmbedder = (embedding: EmbeddingConfig | undefined): string =>
  embedding ? toEmbedderId({ ...embedding, host: new URL(embedding.server.baseUrl).host }) : LEXICAL_ID;

/**
 * An embedder by its id, to embed queries for vectors that it made: the built-in one, or another model of the configured server, which gets the
 * same key. Undefined for every other: it cannot be asked. Where the built-in embedder is configured, no text leaves the hub, so no model is asked.
 */
export function createEmbedderOf(
  id: string,
  embedding: EmbeddingConfig | undefined,
  deps: { fetch: Fetch; logger: Logger },
): Embedder | undefined {
  if (id === LEXICAL_ID) return createLexicalEmbedder();
  const read = readEmbedderId(id);
  if (!read || !embedding || read.host !== new URL(embedding.server.baseUrl).host) return undefined;
  return createOpenAiEmbedder({ ...embedding, model: read.model, dimensions: read.dimensions }, deps);
}
