/** Turns texts into unit vectors. One interface for every model; `id` changes whenever its vectors would. */
export type Embedder = {
  id: string;
  dimensions: number;
  /** Vectors of unit length, in the order of `texts`. Errors: ProviderError-like Error with a sentence; the signal's reason. */
  embed(texts: string[], options: { signal: AbortSignal; purpose: 'document' | 'query' }): Promise<Float32Array[]>;
};
