import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Fetch } from '../../providers/provider.ts';
import type { ChatConfig } from '../model-config.ts';
import { createOpenAiClient, type ChatMessage } from '../openai/client.ts';
import { judge, namesOf, type Work } from '../openai/errors.ts';
import { ModelError } from '../openai/model-error.ts';

/** Every failure of the model that writes answers. */
export class ChatError extends ModelError {}

/** Why an answer ended: by itself, at a limit of length, or because the server withholds the rest. */
export type ChatEnd = 'stop' | 'length' | 'content_filter';

export type ChatModel = {
  /** "gpt-4.1 at api.openai.com" */
  name: string;
  /** Since the start: requests, repeated ones too, and the tokens that the server told. */
  counts: { requests: number; promptTokens: number; answerTokens: number };
  /** The answer piece by piece. Errors: ChatError, also in the middle of an answer; the signal's reason. */
  answer(messages: ChatMessage[], signal: AbortSignal): AsyncGenerator<string, ChatEnd>;
};

/** Longer answers are cut, and the server is left. */
const MOST_CHARACTERS = 12_000;
/** A person waits: a failed request is repeated once, after this or what the server asks for, and longer pauses are told. */
const RETRIES = 1;
const BACKOFF_MS = 500;
const LONGEST_PAUSE_MS = 1_000;

const ANSWERING: Work<ChatError> = {
  setting: 'CHAT_MODEL',
  settings: { model: 'CHAT_MODEL' },
  verb: 'answer',
  noun: 'answering',
  result: 'an answer',
  input: 'this question',
  make: ChatError,
};

/** A part of a streamed answer. Shape: https://platform.openai.com/docs/api-reference/chat-streaming */
type Chunk = {
  choices?: { delta?: { content?: unknown; refusal?: unknown } | null; finish_reason?: unknown }[] | null;
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
};

/** The model that the configuration names. `fetch` must be the guarded one. */
export function createChatModel(
  { server, model }: ChatConfig,
  deps: { fetch: Fetch; logger: Logger; backoffMs?: number },
): ChatModel {
  const { logger } = deps;
  const names = namesOf(server, model);
  const { host } = names;
  const client = createOpenAiClient(server, model, deps.fetch);
  const counts = { requests: 0, promptTokens: 0, answerTokens: 0 };
  let pausedUntil = 0;
  let lastComplaint = '';
  // Some servers refuse to be asked for it; those do not count.
  let countsTokens = true;

  /** What the server begins to answer with; repeated once where its failure may pass. */
  async function begin(messages: ChatMessage[], signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    for (let failures = 0; ; failures += 1) {
      const leftMs = pausedUntil - Date.now();
      if (leftMs > LONGEST_PAUSE_MS) throw paused();
      if (leftMs > 0) await sleep(leftMs, undefined, { signal });
      counts.requests += 1;
      try {
        return await client.chat(messages, countsTokens, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (countsTokens && refusesCounting(error)) {
          countsTokens = false;
          failures -= 1;
          continue;
        }
        const verdict = judge(error, names, ANSWERING);
        if (verdict.waitMs !== undefined) pausedUntil = Math.max(pausedUntil, Date.now() + verdict.waitMs);
        if (!verdict.passing || failures >= RETRIES)
          throw verdict.error.kind === 'rate_limited' && pausedUntil > Date.now() ? paused() : verdict.error;
        logger.info({ host, reason: verdict.error.message, waitMs: verdict.waitMs }, 'an answer is asked for again');
        if (verdict.waitMs === undefined) await sleep(deps.backoffMs ?? BACKOFF_MS, undefined, { signal });
      }
    }
  }

  const paused = () =>
    new ChatError('rate_limited', `${host} asks for a pause in answering.`, { retryAt: new Date(pausedUntil) });

  async function* read(messages: ChatMessage[], signal: AbortSignal): AsyncGenerator<string, ChatEnd> {
    const startedAt = Date.now();
    const used = { promptTokens: 0, answerTokens: 0 };
    let characters = 0;
    let end: ChatEnd | undefined;
    try {
      for await (const chunk of await begin(messages, signal)) {
        const { choices, usage } = chunk as Chunk;
        if (usage) used.promptTokens = countOf(usage.prompt_tokens);
        if (usage) used.answerTokens = countOf(usage.completion_tokens);
        const choice = choices?.[0];
        const text = choice?.delta?.content;
        if (typeof text === 'string' && text !== '') {
          characters += text.length;
          yield text;
        }
        if (typeof choice?.delta?.refusal === 'string') end = 'content_filter';
        else if (choice?.finish_reason) end ??= endOf(choice.finish_reason);
        if (characters > MOST_CHARACTERS) {
          end = 'length';
          break;
        }
      }
    } finally {
      counts.promptTokens += used.promptTokens;
      counts.answerTokens += used.answerTokens;
      logger.info({ host, model, ...used, characters, end, ms: Date.now() - startedAt }, 'a model was asked');
    }
    // The library ends a stream in silence when it is stopped, and when the connection is closed.
    signal.throwIfAborted();
    if (end === undefined) throw new ChatError('bad_response', `The answer of ${host} broke off.`);
    return end;
  }

  /** What the operator must act on is in the log once, not for each question. */
  function complain(error: ChatError): void {
    if (error.kind !== 'misconfigured' || error.message === lastComplaint) return;
    lastComplaint = error.message;
    logger.error({ host, model, err: error }, 'questions cannot be answered by the model');
  }

  return {
    name: `${model} at ${host}`,
    counts,
    async *answer(messages, signal) {
      try {
        const end = yield* read(messages, signal);
        lastComplaint = '';
        return end;
      } catch (error) {
        // The reason itself, not what a library makes of it.
        signal.throwIfAborted();
        const failure = judge(error, names, ANSWERING).error;
        complain(failure);
        throw failure;
      }
    },
  };
}

const countOf = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0);
const endOf = (reason: unknown): ChatEnd => (reason === 'length' || reason === 'content_filter' ? reason : 'stop');

function refusesCounting(error: unknown): boolean {
  const { status, error: said } = error as { status?: unknown; error?: unknown };
  return (status === 400 || status === 422) && /stream_options|include_usage/.test(JSON.stringify(said ?? ''));
}
