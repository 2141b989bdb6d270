import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Env } from '../../server/config.ts';
import { bodyOf, errorBody, keyOf, refusedCall, type Refusal } from './openai-refusals.ts';

export type ChatRequest = {
  at: number;
  /** With its query. */
  path: string;
  key?: string;
  body: string;
  messages: { role: string; content: string }[];
  /** Whether tokens were to be counted. */
  usage: boolean;
  /** What it was answered with; 0 while it is under way, and for an answer that never came. */
  status: number;
  /** The JSON of an error, or of each chunk. */
  answer: string[];
  /** Whether the caller left before the end. */
  left: boolean;
};

/**
 * What the next request gets: an error as OpenAI writes it; an answer that ends for another reason; one that is cut off behind half of its
 * words, by a closed connection or by a stream that just ends; an error in the middle of the stream; one that stops in the middle and never ends; or none at all.
 */
export type PlannedChat =
  Refusal | { finish: 'length' | 'content_filter' } | 'cut' | 'ends' | 'error' | 'stalls' | 'refusal' | 'silent';

export type ChatServer = {
  /** The variables that point the hub at it, with the built-in embedder. */
  env: Env;
  url: string;
  origin: string;
  requests: ChatRequest[];
  planned: PlannedChat[];
  /** The model: what it answers to the messages. */
  reply: (messages: ChatRequest['messages']) => string;
  /** Refuses to be asked for a count of tokens, as some servers do. */
  countsTokens: boolean;
  /** Milliseconds between two words. */
  msPerWord: number;
  close(): Promise<void>;
};

const KEY = 'sk-stand-in-chat-0123456789';
const MODEL = 'stand-in-chat';

/** A stand-in for `POST /v1/chat/completions` on loopback, streamed, and for Azure's form of it. */
export async function startChatServer(): Promise<ChatServer> {
  const { url: origin, close } = await listen((req, res) => {
    answer(server, req, res).catch((error: unknown) => res.writeHead(500).end(String(error)));
  });
  const server: ChatServer = {
    env: {
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: `${origin}/v1`,
      EMBEDDING_MODEL: 'lexical',
      CHAT_MODEL: MODEL,
    },
    url: `${origin}/v1`,
    origin,
    requests: [],
    planned: [],
    reply: () => 'Nothing was planned.',
    countsTokens: true,
    msPerWord: 0,
    close,
  };
  return server;
}

type Sent = { messages?: ChatRequest['messages']; stream?: boolean; stream_options?: { include_usage?: boolean } };

async function answer(server: ChatServer, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const body = await bodyOf(req);
  const sent = (body === '' ? {} : JSON.parse(body)) as Sent;
  const request: ChatRequest = {
    at: Date.now(),
    path: req.url ?? '/',
    key: keyOf(req),
    body,
    messages: sent.messages ?? [],
    usage: sent.stream_options?.include_usage === true,
    status: 0,
    answer: [],
    left: false,
  };
  server.requests.push(request);
  res.on('close', () => (request.left = !res.writableEnded));
  const plan = server.planned.shift();
  if (plan === 'silent') return;
  const refusal =
    typeof plan === 'object' && 'status' in plan ? plan : refusalOf(server, request, req.method, sent.stream);
  if (refusal) {
    request.status = refusal.status;
    request.answer.push(JSON.stringify(errorBody(refusal)));
    const headers = refusal.retryAfter === undefined ? {} : { 'retry-after': refusal.retryAfter };
    return void res
      .writeHead(refusal.status, { 'content-type': 'application/json', ...headers })
      .end(request.answer[0]);
  }
  request.status = 200;
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  res.flushHeaders();
  const write = (data: object) => {
    request.answer.push(JSON.stringify(data));
    res.write(`data: ${JSON.stringify(data)}\n\n`);
  };
  const base = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: Math.floor(request.at / 1000),
    model: MODEL,
  };
  const chunk = (delta: object, finish: string | null = null) => {
    write({
      ...base,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(request.usage ? { usage: null } : {}),
    });
  };
  chunk({ role: 'assistant', content: '' });
  const words = server.reply(request.messages).match(/\s*\S+|\s+$/g) ?? [];
  const breaksAt =
    plan === 'cut' || plan === 'ends' || plan === 'error' || plan === 'stalls' ? Math.ceil(words.length / 2) : Infinity;
  for (const [at, word] of words.entries()) {
    if (at === breaksAt) {
      if (plan === 'stalls') return;
      if (plan === 'error')
        res.write(`data: ${JSON.stringify(errorBody({ status: 500, message: 'The server had an error.' }))}\n\n`);
      if (plan !== 'cut') return void res.end();
      return void setImmediate(() => req.socket.destroy());
    }
    if (server.msPerWord > 0) await sleep(server.msPerWord);
    if (res.closed) return;
    chunk({ content: word });
  }
  if (plan === 'refusal') chunk({ refusal: 'I cannot help with that.' });
  chunk({}, typeof plan === 'object' && 'finish' in plan ? plan.finish : 'stop');
  if (request.usage) {
    const prompt = request.messages.reduce((sum, { content }) => sum + content.split(/\s+/).length, 0);
    write({
      ...base,
      choices: [],
      usage: { prompt_tokens: prompt, completion_tokens: words.length, total_tokens: prompt + words.length },
    });
  }
  res.end('data: [DONE]\n\n');
}

/** What OpenAI would refuse. */
function refusalOf(server: ChatServer, request: ChatRequest, method?: string, stream = false): Refusal | undefined {
  const { key: sent, path, messages } = request;
  const refused = refusedCall({ method, path, sent }, 'chat/completions', KEY);
  if (refused) return refused;
  if (messages.length === 0 || !stream) return { status: 400, param: 'messages', message: "'messages' is invalid." };
  if (request.usage && !server.countsTokens)
    return { status: 400, param: 'stream_options', message: 'Unrecognized request argument supplied: stream_options' };
  return undefined;
}

/** The passages of a request, by the code that its rules name. */
export function passagesIn(messages: ChatRequest['messages']): string[] {
  const code = /"BEGIN <number> ([0-9a-f]{32})"/.exec(messages[0]?.content ?? '')?.[1] ?? '?';
  const user = messages[1]?.content ?? '';
  return [...user.matchAll(new RegExp(`^BEGIN \\d+ ${code}\\n([^]*?)\\nEND \\d+ ${code}$`, 'gm'))].map(
    ([, text = '']) => text,
  );
}
