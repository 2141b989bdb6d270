import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Fetch } from '../../../providers/provider.ts';
import { nativeDimensions, type EmbeddingConfig } from '../../model-config.ts';
import { createOpenAiClient } from '../../openai/client.ts';
import { judge, namesOf, type Verdict, type Work } from '../../openai/errors.ts';
import { EmbeddingError, type Embedder } from './embedder.ts';
import { toEmbedderId } from './embedder-id.ts';
import { readVectors } from './openai-vectors.ts';

/**
 * What one request may hold. Source: https://platform.openai.com/docs/api-reference/embeddings/create: 2048 texts, 300,000 tokens in sum,
 * 8191 each. The sum is not used up, since chunks are counted in a newer encoding than these models', which needs fewer tokens
 * for most scripts but the Latin one. Where that is not enough, the server refuses, and the batch is divided.
 */
const LIMITS = { texts: 2048, tokens: 200_000, tokensPerText: 8191, gatherMs: 100 };
/** Tries after the first: about 0.5, 1, 2, 4 and 8 s apart. A person who waits for a search gets an answer by words sooner. */
const RETRIES = { document: 5, query: 1 };
const FIRST_BACKOFF_MS = 500;
/** Models that give shorter vectors when asked. Source: https://platform.openai.com/docs/guides/embeddings */
const SHORTENING = 'text-embedding-3-';
/** Longer pauses are not waited for here: documents come back later, and queries do without. */
const LONGEST_PAUSE_MS = { document: 60_000, query: 1_000 };

const EMBEDDING: Work<EmbeddingError> = {
  setting: 'EMBEDDING_MODEL',
  settings: { model: 'EMBEDDING_MODEL', dimensions: 'EMBEDDING_DIMENSIONS' },
  verb: 'embed',
  noun: 'embedding',
  result: 'embeddings',
  input: 'a text of this document',
  make: EmbeddingError,
};

/**
 * An embedder that asks a server which speaks as OpenAI's does. Requests that fail in passing are repeated; a pause that the server asks for
 * is kept by all callers of this process.
 */
export function createOpenAiEmbedder(
  { server, model, dimensions }: EmbeddingConfig,
  deps: { fetch: Fetch; logger: Logger; firstBackoffMs?: number },
): Embedder {
  const { logger } = deps;
  const names = namesOf(server, model);
  const { host } = names;
  const firstBackoffMs = deps.firstBackoffMs ?? FIRST_BACKOFF_MS;
  const counts = { requests: 0, texts: 0, tokens: 0 };
  const client = createOpenAiClient(server, model, deps.fetch);
  let pausedUntil = 0;
  let lastComplaint = '';
  // Only some models shorten their vectors, and other servers refuse to be asked: elsewhere it is tried when vectors come too long.
  let shortens = model.startsWith(SHORTENING) && dimensions !== nativeDimensions(model);

  /** Waits for the end of a pause that was asked for, where it is short. */
  async function keepPause(purpose: 'document' | 'query', signal: AbortSignal): Promise<void> {
    const leftMs = pausedUntil - Date.now();
    if (leftMs > LONGEST_PAUSE_MS[purpose])
      throw new EmbeddingError('rate_limited', `${host} asks for a pause in embedding.`, {
        retryAt: new Date(pausedUntil),
      });
    if (leftMs > 0) await sleep(leftMs, undefined, { signal });
  }

  async function ask(texts: string[], purpose: 'document' | 'query', signal: AbortSignal): Promise<Float32Array[]> {
    for (let failures = 0; ; failures += 1) {
      await keepPause(purpose, signal);
      counts.requests += 1;
      let verdict: Verdict<EmbeddingError>;
      try {
        const answer = await client.embed(texts, shortens ? dimensions : undefined, signal);
        const { vectors, tokens } = readVectors(answer, texts.length, host);
        counts.texts += texts.length;
        counts.tokens += tokens;
        return vectors;
      } catch (error) {
        signal.throwIfAborted();
        verdict = judge(error, names, EMBEDDING, texts.length);
      }
      if (verdict.waitMs !== undefined) pausedUntil = Math.max(pausedUntil, Date.now() + verdict.waitMs);
      if (!verdict.passing || failures >= RETRIES[purpose]) throw withTime(verdict);
      logger.info({ host, reason: verdict.error.message, waitMs: verdict.waitMs }, 'embedding is tried again');
      // Twice as long each time, with a random half, so that many processes do not come back as one.
      if (verdict.waitMs === undefined)
        await sleep(firstBackoffMs * 2 ** failures * (0.5 + Math.random()), undefined, { signal });
    }
  }

  const withTime = ({ error }: Verdict<EmbeddingError>): EmbeddingError =>
    error.kind === 'rate_limited' && pausedUntil > Date.now()
      ? new EmbeddingError('rate_limited', error.message, { retryAt: new Date(pausedUntil), cause: error.cause })
      : error;

  async function embed(texts: string[], purpose: 'document' | 'query', signal: AbortSignal): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    const vectors = await ask(texts, purpose, signal);
    const wrong = vectors.find(({ length }) => length !== dimensions)?.length;
    if (wrong === undefined) return vectors;
    const fault = new EmbeddingError(
      'misconfigured',
      `The model “${model}” at ${host} gives vectors of ${wrong} numbers, and ${dimensions} are expected. Set EMBEDDING_DIMENSIONS=${wrong} and restart the hub.`,
    );
    if (shortens || wrong < dimensions) throw fault;
    shortens = true;
    try {
      return await embed(texts, purpose, signal);
    } catch (error) {
      if (!(error instanceof EmbeddingError) || (error.kind !== 'refused' && error.kind !== 'misconfigured'))
        throw error;
      shortens = false;
      throw fault;
    }
  }

  /** What the operator must act on is in the log once, not for each document. */
  function complain(error: unknown): void {
    if (!(error instanceof EmbeddingError) || error.kind !== 'misconfigured' || error.message === lastComplaint) return;
    lastComplaint = error.message;
    logger.error({ host, model, err: error }, 'texts cannot be embedded');
  }

  return {
    id: toEmbedderId({ host, model, dimensions }),
    dimensions,
    limits: LIMITS,
    counts,
    async embed(texts, { signal, purpose }) {
      try {
        const vectors = await embed(texts, purpose, signal);
        lastComplaint = '';
        return vectors;
      } catch (error) {
        // The reason itself, not what a library makes of it.
        signal.throwIfAborted();
        complain(error);
        throw error;
      }
    },
  };
}
