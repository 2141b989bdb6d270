import { z } from 'zod';
import type { Env } from './config.ts';
import { Secret } from './secret.ts';

/** A server that runs models: OpenAI's, one that speaks as OpenAI's does, or Azure OpenAI. */
export type ModelServer = {
  kind: 'openai' | 'azure';
  /** Without a trailing slash. OpenAI's ends in `/v1`, Azure's is the resource's endpoint. */
  baseUrl: string;
  apiKey?: Secret;
  /** Azure only. */
  apiVersion?: string;
};

export type EmbeddingConfig = { server: ModelServer; model: string; dimensions: number };

/** The model that writes answers; with Azure OpenAI its deployment. */
export type ChatConfig = { server: ModelServer; model: string };

/** What a million tokens cost, in whatever currency: those that are embedded, those that the chat model reads, and writes. */
export type ModelPrices = { embedding?: number; chatInput?: number; chatOutput?: number };

type Readers = {
  problems: string[];
  take: <T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string) => T;
  url: (name: string, fallback: string) => string;
  wholeNumber: (name: string, fallback: number, min: number, max: number) => number;
};

const PRICE = z.coerce.number().nonnegative().optional();
/** As EMBEDDING_MODEL: texts stay here although a model's server is set. */
const BUILT_IN = 'lexical';
const OPENAI_HOST = 'api.openai.com';
const OPENAI_URL = `https://${OPENAI_HOST}/v1`;
/** The newest stable version of Azure OpenAI's data plane. Source: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle */
const AZURE_VERSION = '2024-10-21';
const DEFAULT_MODEL = 'text-embedding-3-small';
/** Source: https://platform.openai.com/docs/guides/embeddings */
const MODEL_DIMENSIONS: Record<string, number> = { 'text-embedding-3-large': 3072 };
const DEFAULT_DIMENSIONS = 1536;
/** Numbers of a vector that pgvector stores at most. */
const MOST_DIMENSIONS = 16_000;

/** Hosts of the models that are reached as vendors' are: at public addresses only. Any other is the operator's own choice. */
export function modelHosts(config: { embedding?: EmbeddingConfig; chat?: ChatConfig }): string[] {
  const hosts = [config.embedding, config.chat].flatMap((model) =>
    model ? [new URL(model.server.baseUrl).hostname] : [],
  );
  return hosts.includes(OPENAI_HOST) ? [OPENAI_HOST] : [];
}

/** Numbers of a model's vectors when nothing else is asked for; a guess for models that are not OpenAI's. */
export const nativeDimensions = (model: string): number => MODEL_DIMENSIONS[model] ?? DEFAULT_DIMENSIONS;

/**
 * What the variables say of models, whose server is one: no `embedding` for the built-in embedder, no `chat` where answers are extracts.
 * Every problem is added to `problems`.
 */
export function parseModels(
  env: Env,
  { problems, take, url, wholeNumber }: Readers,
): { embedding?: EmbeddingConfig; chat?: ChatConfig; prices: ModelPrices } {
  const price = (name: string): number | undefined =>
    take<number | undefined>(name, PRICE, undefined, 'must be what a million tokens cost, for example 0.02');
  const prices = {
    embedding: price('EMBEDDING_PRICE'),
    chatInput: price('CHAT_INPUT_PRICE'),
    chatOutput: price('CHAT_OUTPUT_PRICE'),
  };
  const isSet = (...names: string[]): boolean => names.some((name) => env[name] !== undefined);
  const azure = isSet('AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_API_KEY');
  const openai = isSet('OPENAI_API_KEY', 'OPENAI_BASE_URL');
  const dimensions = wholeNumber(
    'EMBEDDING_DIMENSIONS',
    nativeDimensions(env.EMBEDDING_MODEL ?? DEFAULT_MODEL),
    1,
    MOST_DIMENSIONS,
  );
  const baseUrl = url('OPENAI_BASE_URL', OPENAI_URL);
  const endpoint = url('AZURE_OPENAI_ENDPOINT', 'https://example.openai.azure.com');
  const apiVersion = take(
    'AZURE_OPENAI_API_VERSION',
    z.string().regex(/^\d{4}-\d\d-\d\d(-preview)?$/),
    AZURE_VERSION,
    `must be a version of Azure OpenAI's API, for example ${AZURE_VERSION}`,
  );
  for (const name of ['OPENAI_API_KEY', 'AZURE_OPENAI_API_KEY'])
    if (/\s/.test(env[name] ?? '')) problems.push(`${name}: has a space or a line break in it`);
  if (azure && openai)
    problems.push('AZURE_OPENAI_ENDPOINT: use either Azure OpenAI or OPENAI_API_KEY and OPENAI_BASE_URL, not both');
  if (azure && !(isSet('AZURE_OPENAI_ENDPOINT') && isSet('AZURE_OPENAI_API_KEY')))
    problems.push('AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY: set both or neither');
  if (!azure && isSet('AZURE_OPENAI_API_VERSION'))
    problems.push('AZURE_OPENAI_API_VERSION: needs AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY');

  const model = env.EMBEDDING_MODEL;
  if (!azure && !openai) {
    const names = model === BUILT_IN ? ['CHAT_MODEL'] : ['EMBEDDING_MODEL', 'EMBEDDING_DIMENSIONS', 'CHAT_MODEL'];
    for (const name of names)
      if (isSet(name))
        problems.push(`${name}: needs a server: set OPENAI_API_KEY, OPENAI_BASE_URL, or those of Azure OpenAI`);
    return { prices };
  }
  const key = azure ? env.AZURE_OPENAI_API_KEY : env.OPENAI_API_KEY;
  const apiKey = key === undefined ? undefined : new Secret(key);
  const server: ModelServer = azure
    ? { kind: 'azure', baseUrl: endpoint, apiKey, apiVersion }
    : { kind: 'openai', baseUrl, apiKey };
  const chat = env.CHAT_MODEL === undefined ? undefined : { server, model: env.CHAT_MODEL };
  if (model === BUILT_IN) return { chat, prices };
  if (model === undefined && azure)
    problems.push(
      `EMBEDDING_MODEL: must name the deployment of Azure OpenAI, for example ${DEFAULT_MODEL}, or be ${BUILT_IN}`,
    );
  else if (model === undefined && !isSet('OPENAI_API_KEY'))
    problems.push(
      `EMBEDDING_MODEL: must name a model of the server at OPENAI_BASE_URL, for example nomic-embed-text, or be ${BUILT_IN}`,
    );
  return { embedding: { server, model: model ?? DEFAULT_MODEL, dimensions }, chat, prices };
}
