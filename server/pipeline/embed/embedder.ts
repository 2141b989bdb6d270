import { ModelError } from '../../openai/model-error.ts';

/** What one call of `embed` for documents may hold, and how long its texts may wait for company. */
export type EmbedderLimits = {
  texts: number;
  /** In sum, as the chunks count them. */
  tokens: number;
  tokensPerText: number;
  /** Milliseconds: where each call costs, it waits a little to be better filled. */
  gatherMs: number;
};

/** Turns texts into unit vectors. One interface for every model; `id` changes whenever its vectors would. */
export type Embedder = {
  id: string;
  dimensions: number;
  limits: EmbedderLimits;
  /** Since the start: requests, repeated ones too; texts that were embedded; their tokens, where the model's server tells. */
  counts: { requests: number; texts: number; tokens: number };
  /** Vectors of unit length, in the order of `texts`. Errors: EmbeddingError; the signal's reason. */
  embed(texts: string[], options: { signal: AbortSignal; purpose: 'document' | 'query' }): Promise<Float32Array[]>;
};

/** Every failure of embedding. `message` is a sentence fit for the ledger and pages; it never holds a secret. */
export class EmbeddingError extends ModelError {}
