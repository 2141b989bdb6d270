import { parseRetryAfter } from '../services/retry-after.ts';
import type { ModelServer } from '../model-config.ts';
import type { ModelError } from './model-error.ts';
import { type ModelErrorKind } from './model-error.ts';

/** What a failed request asks for: `passing` ones are repeated, after `waitMs` where the server named a time. */
export type Verdict<E extends ModelError = ModelError> = { error: E; passing: boolean; waitMs?: number };

/** What the model was to do, in the words of the sentences. */
export type Work<E extends ModelError> = {
  /** The variable that names the model. */
  setting: string;
  /** Parameters of the request that do not come from the texts, and their variables. */
  settings: Record<string, string>;
  /** "embed" */
  verb: string;
  /** "embedding" */
  noun: string;
  /** "embeddings" */
  result: string;
  /** "a text of this document" */
  input: string;
  make: new (kind: ModelErrorKind, message: string, options?: { retryAt?: Date; cause?: unknown }) => E;
};

/** What the sentences speak of. `key` is never said; where a server repeats it, it is cut out. */
export type Names = { host: string; model: string; key?: string; azure: boolean };

export const namesOf = ({ kind, baseUrl, apiKey }: ModelServer, model: string): Names => ({
  host: new URL(baseUrl).host,
  model,
  key: apiKey?.reveal(),
  azure: kind === 'azure',
});

/** What OpenAI's library throws for an answer. Source: https://platform.openai.com/docs/guides/error-codes */
type Refusal = { status?: number; code?: string | null; param?: string | null; headers?: Headers; error?: unknown };

const MOST_QUOTED = 300;

/** Reads a failed request of so many texts. Whatever is no answer at all (the network, a broken body) may pass. */
export function judge<E extends ModelError>(error: unknown, names: Names, work: Work<E>, texts = 1): Verdict<E> {
  const { make: Failure, verb, noun } = work;
  if (error instanceof Failure) return { error, passing: error.kind === 'bad_response' };
  const passing = (kind: ModelErrorKind, sentence: string, cause?: unknown, waitMs?: number): Verdict<E> => ({
    error: new Failure(kind, sentence, { cause }),
    passing: true,
    waitMs,
  });
  const { host, model, azure } = names;
  const refusal = error as Refusal;
  const { status, code, param } = refusal;
  const keyName = azure ? 'AZURE_OPENAI_API_KEY' : 'OPENAI_API_KEY';
  const said = quote(refusal.error, names);
  const final = (kind: ModelErrorKind, sentence: string): Verdict<E> => ({
    error: new Failure(kind, sentence),
    passing: false,
  });
  // A slow server may be in time with fewer texts; with one alone it is not in time at the next try either.
  if (status === undefined && isTimeout(error))
    return final(texts > 1 ? 'refused' : 'unavailable', `${host} did not ${verb} in time.`);
  if (status === undefined)
    return passing('unavailable', `${host} could not be asked for ${work.result}: ${reasonOf(error)}`, error);
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
      `${host} does not have the model “${model}” at this address (404). Check ${work.setting} and ${azure ? 'AZURE_OPENAI_ENDPOINT' : 'OPENAI_BASE_URL'}.`,
    );
  if (code === 'insufficient_quota')
    return final('misconfigured', `The account of ${keyName} has no quota left at ${host}.${said}`);
  if (status === 429)
    return passing('rate_limited', `${host} asks for a pause in ${noun}.`, undefined, waitOf(refusal.headers));
  if (status === 400 || status === 413 || status === 422) {
    const setting = work.settings[param ?? ''];
    return setting === undefined
      ? final('refused', `The model “${model}” at ${host} does not take ${work.input} (${status}).${said}`)
      : final('misconfigured', `${host} refused what ${setting} says (${status}).${said}`);
  }
  if (status === 408 || status === 409 || status >= 500)
    return passing(
      'unavailable',
      `${host} failed at ${noun} (${status}).${said}`,
      undefined,
      status === 503 ? waitOf(refusal.headers) : undefined,
    );
  return final('misconfigured', `${host} refused to ${verb} (${status}).${said}`);
}

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
