import { parseRetryAfter } from '../../services/retry-after.ts';
import { EmbeddingError } from './embedder.ts';

/** What a failed request asks for: `passing` ones are repeated, after `waitMs` where the server named a time. */
export type Verdict = { error: EmbeddingError; passing: boolean; waitMs?: number };

/** What the sentences speak of. `key` is never said; where a server repeats it, it is cut out. */
type Names = { host: string; model: string; key?: string; azure: boolean };

/** What OpenAI's library throws for an answer. Source: https://platform.openai.com/docs/guides/error-codes */
type Refusal = { status?: number; code?: string | null; param?: string | null; headers?: Headers; error?: unknown };

const MOST_QUOTED = 300;
/** Parameters of the request that do not come from the texts. */
const OF_SETTINGS: Record<string, string> = { model: 'EMBEDDING_MODEL', dimensions: 'EMBEDDING_DIMENSIONS' };

/** Reads a failed request. Whatever is no answer at all (the network, a broken body) may pass. */
export function judge(error: unknown, names: Names, texts: number): Verdict {
  if (error instanceof EmbeddingError) return { error, passing: error.kind === 'bad_response' };
  const { host, model, azure } = names;
  const refusal = error as Refusal;
  const { status, code, param } = refusal;
  const keyName = azure ? 'AZURE_OPENAI_API_KEY' : 'OPENAI_API_KEY';
  const said = quote(refusal.error, names);
  const final = (kind: EmbeddingError['kind'], sentence: string): Verdict => ({
    error: new EmbeddingError(kind, sentence),
    passing: false,
  });
  // A slow server may be in time with fewer texts; with one alone it is not in time at the next try either.
  if (status === undefined && isTimeout(error))
    return final(texts > 1 ? 'refused' : 'unavailable', `${host} did not embed in time.`);
  if (status === undefined)
    return passing('unavailable', `${host} could not be asked for embeddings: ${reasonOf(error)}`, error);
  if (status === 401 || status === 403)
    return final(
      'misconfigured',
      names.key === undefined
        ? `${host} asks for a key (${status}). Set ${keyName} and restart the hub.`
        : `${host} refused the key in ${keyName} (${status}). Set it to a key that may use the model “${model}” and restart the hub.`,
    );
  if (status === 404)
    return final(
      'misconfigured',
      `${host} does not have the model “${model}” at this address (404). Check EMBEDDING_MODEL and ${azure ? 'AZURE_OPENAI_ENDPOINT' : 'OPENAI_BASE_URL'}.`,
    );
  if (code === 'insufficient_quota')
    return final('misconfigured', `The account of ${keyName} has no quota left at ${host}.${said}`);
  if (status === 429)
    return passing('rate_limited', `${host} asks for a pause in embedding.`, undefined, waitOf(refusal.headers));
  if (status === 400 || status === 413 || status === 422) {
    const setting = OF_SETTINGS[param ?? ''];
    return setting === undefined
      ? final('refused', `The model “${model}” at ${host} does not take a text of this document (${status}).${said}`)
      : final('misconfigured', `${host} refused what ${setting} says (${status}).${said}`);
  }
  if (status === 408 || status === 409 || status >= 500)
    return passing(
      'unavailable',
      `${host} failed at embedding (${status}).${said}`,
      undefined,
      status === 503 ? waitOf(refusal.headers) : undefined,
    );
  return final('misconfigured', `${host} refused to embed (${status}).${said}`);
}

const passing = (kind: EmbeddingError['kind'], sentence: string, cause?: unknown, waitMs?: number): Verdict => ({
  error: new EmbeddingError(kind, sentence, { cause }),
  passing: true,
  waitMs,
});

function waitOf(headers: Headers | undefined): number | undefined {
  const ms = headers?.get('retry-after-ms');
  return ms && /^\d+(\.\d+)?$/.test(ms) ? Number(ms) : parseRetryAfter(headers?.get('retry-after'));
}

/** What the server says itself, as a further sentence. */
function quote(error: unknown, { key }: Names): string {
  const message = (error as { message?: unknown } | undefined)?.message;
  if (typeof message !== 'string' || message.trim() === '') return '';
  const clean = (key ? message.replaceAll(key, '[secret]') : message).replace(/\s+/g, ' ').trim();
  return ` It says: ${clean.length > MOST_QUOTED ? `${clean.slice(0, MOST_QUOTED)}…` : clean}`;
}

/** Of the guarded fetch, or of OpenAI's library. */
function isTimeout(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as { code?: unknown }).code === 'timeout' || cause.constructor.name === 'APIConnectionTimeoutError')
      return true;
  return false;
}

/** The innermost error says it in words that people know. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error && inner.name !== 'EgressError') inner = inner.cause;
  return inner instanceof Error ? inner.message : 'no answer came';
}
