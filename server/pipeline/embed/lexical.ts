import { timeSlicer } from '../../time-slicer.ts';
import type { Embedder } from './embedder.ts';
import { createFeatureSum } from './lexical-features.ts';

/** Changes whenever its vectors would. */
export const LEXICAL_ID = 'lexical-1024-v1';
const DIMENSIONS = 1_024;
/** Few texts at a time: what is embedded is stored before more is, so this bounds the memory that vectors take. */
const LIMITS = { texts: 64, tokens: 32_000, tokensPerText: Infinity, gatherMs: 0 };
/** Characters read between two looks at the clock. */
const PIECE = 1_000;

/**
 * An embedder without a model: hashed words and character 3- and 4-grams (bigrams for Chinese, Japanese and Thai) with sublinear weights, as
 * vectors of unit length. It finds words, their inflections, typos and names, not meanings; meant to be fused with keyword search.
 * Works on the calling thread in slices of at most about 10 ms, queries first. Errors: the signal's reason.
 */
export function createLexicalEmbedder(): Embedder {
  const counts = { requests: 0, texts: 0, tokens: 0 };
  return {
    id: LEXICAL_ID,
    dimensions: DIMENSIONS,
    limits: LIMITS,
    counts,
    async embed(texts, { signal, purpose }) {
      counts.requests += 1;
      const vectors = await timeSlicer.run(embedAll(texts), { signal, urgent: purpose === 'query' });
      counts.texts += texts.length;
      return vectors;
    },
  };
}

function* embedAll(texts: string[]): Generator<void, Float32Array[]> {
  const vectors: Float32Array[] = [];
  const sum = createFeatureSum(DIMENSIONS);
  for (const text of texts) {
    for (let from = 0; from < text.length;) {
      const to = pieceEnd(text, from);
      sum.add(text.slice(from, to));
      from = to;
      yield;
    }
    vectors.push(yield* sum.vector());
    yield;
  }
  return vectors;
}

/** Where a piece from `from` may end without cutting a word (unless one is 1,000 characters long). */
function pieceEnd(text: string, from: number): number {
  const limit = from + PIECE;
  if (limit >= text.length) return text.length;
  const space = Math.max(text.lastIndexOf(' ', limit), text.lastIndexOf('\n', limit));
  if (space > from) return space;
  const isPair = (text.charCodeAt(limit) & 0xfc00) === 0xdc00;
  return isPair ? limit - 1 : limit;
}
