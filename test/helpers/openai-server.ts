import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Env } from '../../server/config.ts';
import { bodyOf, errorBody, keyOf, refusedCall, type Refusal } from './openai-refusals.ts';

export type EmbeddingRequest = {
  at: number;
  /** With its query. */
  path: string;
  /** `authorization` or `api-key`, as it was sent. */
  key?: string;
  model: string;
  inputs: string[];
  dimensions?: number;
  encoding: string;
  /** What it was answered with; 0 while it is under way, and for an answer that never came. */
  status: number;
  body: string;
  answer: string;
};

/**
 * What the next request gets instead of its vectors: an error as OpenAI writes it; vectors for all texts but the last; vectors in turned
 * order with their right index; numbers although base64 was asked for; vectors of a wrong length; an answer that breaks off; or none.
 */
export type PlannedEmbedding = Refusal | 'partial' | 'turned' | 'numbers' | 'short' | 'broken' | 'silent';

export type OpenAiServer = {
  /** The variables that point the hub at it. */
  env: Env;
  /** Ends in `/v1`; Azure's addresses lie beside it. */
  url: string;
  origin: string;
  /** Every request, in order. */
  requests: EmbeddingRequest[];
  planned: PlannedEmbedding[];
  /** Numbers of a vector, where nothing else is asked for, and where a model has others. */
  dimensions: number;
  dimensionsOf: Map<string, number>;
  /** Whether shorter vectors may be asked for. */
  shortens: boolean;
  /** A request with a text of more words, or with more texts, is refused as OpenAI does. */
  mostWords: number;
  mostTexts: number;
  /** What a request waits for before it is answered. */
  gate?: (request: EmbeddingRequest) => Promise<void> | undefined;
  /** Milliseconds that every answer is held back. */
  latencyMs: number;
  /** The same for each text of a request. */
  msPerText: number;
  /** Texts of all requests that were answered with vectors. */
  embedded(): string[];
  close(): Promise<void>;
};

const KEY = 'sk-stand-in-0123456789';
const MODEL = 'stand-in-embeddings';

/** A stand-in for `POST /v1/embeddings` on loopback, and for Azure's form of it. The same text gets the same vector, made from its words. */
export async function startOpenAiServer(options: { port?: number; dimensions?: number } = {}): Promise<OpenAiServer> {
  const dimensions = options.dimensions ?? 256;
  const requests: EmbeddingRequest[] = [];
  const { url: origin, close } = await listen((req, res) => {
    answer(server, req, res).catch((error: unknown) => res.writeHead(500).end(String(error)));
  }, options.port);
  const server: OpenAiServer = {
    env: {
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: `${origin}/v1`,
      EMBEDDING_MODEL: MODEL,
      EMBEDDING_DIMENSIONS: String(dimensions),
    },
    url: `${origin}/v1`,
    origin,
    requests,
    planned: [],
    dimensions,
    dimensionsOf: new Map(),
    shortens: false,
    mostWords: Infinity,
    mostTexts: 2048,
    latencyMs: 0,
    msPerText: 0,
    embedded: () => requests.filter(({ status }) => status === 200).flatMap(({ inputs }) => inputs),
    close,
  };
  return server;
}

/** The vector of a text, of a length that is not one. */
export function vectorOf(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    const place = createHash('md5').update(word).digest().readUInt32LE(0) % dimensions;
    vector[place] = (vector[place] ?? 0) + 0.5;
  }
  return vector;
}

type Sent = { model?: string; input?: string | string[]; dimensions?: number; encoding_format?: string };

async function answer(server: OpenAiServer, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const body = await bodyOf(req);
  const path = req.url ?? '/';
  const sent = (body === '' ? {} : JSON.parse(body)) as Sent;
  const request: EmbeddingRequest = {
    at: Date.now(),
    path,
    key: keyOf(req),
    model: sent.model ?? '',
    inputs: [sent.input ?? []].flat(),
    dimensions: sent.dimensions,
    encoding: sent.encoding_format ?? 'float',
    status: 0,
    body,
    answer: '',
  };
  server.requests.push(request);
  const plan = server.planned.shift();
  const delay = server.latencyMs + server.msPerText * request.inputs.length;
  if (delay > 0) await sleep(delay);
  await server.gate?.(request);
  if (plan === 'silent') return;
  const refusal = typeof plan === 'object' ? plan : refusalOf(server, request, req.method);
  request.status = refusal?.status ?? 200;
  request.answer = JSON.stringify(refusal ? errorBody(refusal) : vectorsBody(server, request, plan as string));
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-request-id': `req_${request.at}` };
  if (refusal?.retryAfter !== undefined) headers['retry-after'] = refusal.retryAfter;
  if (plan !== 'broken') return void res.writeHead(request.status, headers).end(request.answer);
  request.status = 0;
  res.writeHead(200, { ...headers, 'content-length': request.answer.length });
  res.write(request.answer.slice(0, request.answer.length / 2), () => setImmediate(() => req.socket.destroy()));
}

/** What OpenAI would refuse. */
function refusalOf(server: OpenAiServer, request: EmbeddingRequest, method?: string): Refusal | undefined {
  const { inputs, key: sent, path } = request;
  const refused = refusedCall({ method, path, sent }, 'embeddings', KEY);
  if (refused) return refused;
  if (inputs.length === 0 || inputs.some((text) => text === ''))
    return { status: 400, param: 'input', message: "'$.input' is invalid." };
  if (inputs.length > server.mostTexts)
    return { status: 400, param: 'input', message: `'$.input' is too long: at most ${server.mostTexts} texts.` };
  const words = inputs.find((text) => text.split(/\s+/).length > server.mostWords)?.split(/\s+/).length;
  if (words !== undefined)
    return {
      status: 400,
      param: 'input',
      message: `This model's maximum context length is ${server.mostWords} tokens, however you requested ${words} tokens.`,
    };
  if (request.dimensions !== undefined && !server.shortens)
    return { status: 400, param: 'dimensions', message: 'This model does not support specifying dimensions.' };
  return undefined;
}

function vectorsBody(server: OpenAiServer, request: EmbeddingRequest, plan: string | undefined) {
  const { inputs, model, encoding } = request;
  const dimensions =
    plan === 'short'
      ? server.dimensions / 2
      : (request.dimensions ?? server.dimensionsOf.get(model) ?? server.dimensions);
  const encode = (vector: number[]) =>
    encoding === 'base64' && plan !== 'numbers'
      ? Buffer.from(Float32Array.from(vector).buffer).toString('base64')
      : vector;
  const data = inputs.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: encode(vectorOf(text, dimensions)),
  }));
  if (plan === 'partial') data.pop();
  if (plan === 'turned') data.reverse();
  const tokens = inputs.reduce((sum, text) => sum + text.split(/\s+/).length, 0);
  return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}
