import type { OpenAI } from 'openai';
import type { Fetch } from '../../providers/provider.ts';
import type { ModelServer } from '../model-config.ts';

/** Milliseconds until the first byte of an answer; the fetch it is given ends bodies that fall silent. */
const TIMEOUT_MS = 120_000;

export type ChatMessage = { role: 'system' | 'user'; content: string };

/** The calls of OpenAI's library that are made, without the library's own repeating and logging. */
export function createOpenAiClient(server: ModelServer, model: string, fetch: Fetch) {
  let client: Promise<OpenAI> | undefined;
  const ready = () => (client ??= makeClient(server, model, fetch));
  return {
    /** The answer as it came. Errors: APIError and those of `fetch`. */
    async embed(texts: string[], dimensions: number | undefined, signal: AbortSignal): Promise<unknown> {
      const { embeddings } = await ready();
      // A signal for each call: the library leaves its listeners behind.
      const own = AbortSignal.any([signal]);
      // Asked for by name: else the library takes every answer for base64, and some servers send numbers whatever is asked.
      return embeddings.create({ model, input: texts, encoding_format: 'base64', dimensions }, { signal: own });
    },
    /**
     * The chunks of a streamed answer as they come; `usage` asks for one that counts tokens. Neither a temperature nor a limit of tokens is
     * sent: some models refuse the one, and which name the other has depends on the server. Errors: APIError and those of `fetch`.
     */
    async chat(messages: ChatMessage[], usage: boolean, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
      const { chat } = await ready();
      const own = AbortSignal.any([signal]);
      return chat.completions.create(
        { model, messages, stream: true, ...(usage ? { stream_options: { include_usage: true } } : {}) },
        { signal: own },
      );
    },
  };
}

/** The library takes a third of a second to load, so only who asks a model waits for it. */
async function makeClient(server: ModelServer, model: string, fetch: Fetch): Promise<OpenAI> {
  const { AzureOpenAI, OpenAI } = await import('openai');
  const { kind, baseUrl, apiKey, apiVersion } = server;
  // Null where the library would read variables of its own.
  const options = {
    fetch,
    timeout: TIMEOUT_MS,
    maxRetries: 0,
    logLevel: 'off',
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
  } as const;
  if (kind === 'azure')
    return new AzureOpenAI({
      ...options,
      baseURL: `${baseUrl}/openai`,
      apiKey: apiKey?.reveal(),
      apiVersion,
      deployment: model,
    });
  if (apiKey) return new OpenAI({ ...options, baseURL: baseUrl, apiKey: apiKey.reveal() });
  // A server inside the network may ask for no key; the library wants one, and is told not to send it.
  return new OpenAI({ ...options, baseURL: baseUrl, apiKey: 'none', defaultHeaders: { authorization: null } });
}
