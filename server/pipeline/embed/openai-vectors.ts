import { EmbeddingError } from './embedder.ts';

/**
 * The vectors of an answer in the order of the texts, of unit length, and the tokens that the server counted. Takes numbers as well as
 * base64 of 32-bit floats, little end first. Errors: EmbeddingError `bad_response`.
 * Shape: https://platform.openai.com/docs/api-reference/embeddings/object
 */
export function readVectors(answer: unknown, count: number, host: string): { vectors: Float32Array[]; tokens: number } {
  const bad = (what: string) => new EmbeddingError('bad_response', `${host} answered with ${what}.`);
  const { data, usage } = (typeof answer === 'object' && answer !== null ? answer : {}) as {
    data?: unknown;
    usage?: { prompt_tokens?: unknown };
  };
  if (!Array.isArray(data)) throw bad('something that holds no embeddings');
  if (data.length !== count) throw bad(`${data.length} embeddings for ${count} texts`);
  const vectors: Float32Array[] = [];
  for (const [position, entry] of (data as { index?: unknown; embedding?: unknown }[]).entries()) {
    const at = typeof entry?.index === 'number' ? entry.index : position;
    if (!Number.isInteger(at) || at < 0 || at >= count || vectors[at])
      throw bad('embeddings that are not one for each text');
    const vector = toUnit(toNumbers(entry?.embedding));
    if (!vector) throw bad('an embedding that is no vector');
    vectors[at] = vector;
  }
  const tokens = usage?.prompt_tokens;
  return { vectors, tokens: typeof tokens === 'number' ? tokens : 0 };
}

function toNumbers(embedding: unknown): Float32Array | undefined {
  if (Array.isArray(embedding)) return Float32Array.from(embedding as number[]);
  if (typeof embedding !== 'string') return undefined;
  const bytes = Buffer.from(embedding, 'base64');
  // Copied, because floats must begin at a multiple of four bytes.
  return bytes.length % 4 === 0 ? new Float32Array(Uint8Array.from(bytes).buffer) : undefined;
}

/** The vector at length one; undefined for one without direction or with what is no number. */
function toUnit(vector: Float32Array | undefined): Float32Array | undefined {
  let sum = 0;
  for (const value of vector ?? []) sum += value * value;
  const length = Math.sqrt(sum);
  return vector && Number.isFinite(length) && length > 0 ? vector.map((value) => value / length) : undefined;
}
