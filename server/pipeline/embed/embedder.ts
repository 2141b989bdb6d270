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

/**
 * What to do next after texts could not be embedded.
 * - `refused`: the server does not take these texts; fewer of them, or others, it may
 * - `rate_limited`: wait until `retryAt`
 * - `unavailable`: try again
 * - `misconfigured`: a setting is wrong (named in the message), the operator must act
 * - `bad_response`: the answer is not what the contract says
 */
export type EmbeddingErrorKind = 'refused' | 'rate_limited' | 'unavailable' | 'misconfigured' | 'bad_response';

/** Every failure of embedding. `message` is a sentence fit for the ledger and pages; it never holds a secret. */
export class EmbeddingError extends Error {
  readonly kind: EmbeddingErrorKind;
  readonly retryAt?: Date;

  constructor(kind: EmbeddingErrorKind, message: string, options: { retryAt?: Date; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'EmbeddingError';
    this.kind = kind;
    this.retryAt = options.retryAt;
  }
}
