import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Env } from '../../server/config.ts';
import { parseFilter, type Entry } from './azure-odata.ts';
import { fuse, rankByVector, rankByWords, type Ranked } from './azure-ranking.ts';

export type SearchCall = { method: string; path: string; body: string; status: number; answer: string };

/**
 * What the next matching request meets instead: an answer; single actions (the first so many of the batch) that fail; an answer that is lost
 * after the work is done; or one that never comes.
 */
export type PlannedSearch = { on: RegExp } & (
  | { status: number; retryAfter?: string; message?: string }
  | { failing: number; actionStatus: number }
  | { lost: true }
  | { silent: true }
);

type Field = {
  name: string;
  type: string;
  key?: boolean;
  searchable?: boolean;
  filterable?: boolean;
  retrievable?: boolean;
  analyzer?: string | null;
  dimensions?: number | null;
  vectorSearchProfile?: string | null;
};
type Definition = { name: string; fields: Field[]; semantic?: { configurations: { name: string }[] } | null };
type Stored = { definition: Definition; entries: Map<string, { entry: Entry; seenFrom: number }> };

export type AzureSearchServer = {
  /** The variables that point the hub at it. */
  env: Env;
  url: string;
  key: string;
  /** Every request, in order; `status` 0 for answers that never came. */
  calls: SearchCall[];
  planned: PlannedSearch[];
  indexes: Map<string, Stored>;
  /** What lies in the hub's index. */
  entries(): Entry[];
  /** Whether the service has a semantic ranker. */
  hasRanker: boolean;
  /** Milliseconds until what was written is found. */
  seenAfterMs: number;
  close(): Promise<void>;
};

const KEY = 'azure-admin-key-0123456789abcdef';
const INDEX = 'tributary-test';
const MOST_BYTES = 16 * 1024 * 1024;
const ANALYZERS = new Set(['whitespace', 'standard.lucene']);

/** A stand-in for Azure AI Search on loopback, which searches what it is given, and refuses what the service refuses. */
export async function startAzureSearchServer(options: { port?: number } = {}): Promise<AzureSearchServer> {
  const { url, close } = await listen((req, res) => {
    serve(server, req, res).catch((error: unknown) => res.writeHead(500).end(String(error)));
  }, options.port);
  const server: AzureSearchServer = {
    env: { AZURE_SEARCH_ENDPOINT: url, AZURE_SEARCH_API_KEY: KEY, AZURE_SEARCH_INDEX: INDEX },
    url,
    key: KEY,
    calls: [],
    planned: [],
    indexes: new Map(),
    entries: () => [...(server.indexes.get(INDEX)?.entries.values() ?? [])].map(({ entry }) => entry),
    hasRanker: true,
    seenAfterMs: 0,
    close,
  };
  return server;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
const bad = (message: string, code = 'InvalidRequestParameter') => new Refusal(400, code, message);

async function serve(server: AzureSearchServer, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  const body = Buffer.concat(parts).toString('utf8');
  const path = req.url ?? '/';
  const call: SearchCall = { method: req.method ?? '', path, body, status: 0, answer: '' };
  server.calls.push(call);
  const place = server.planned.findIndex(({ on }) => on.test(`${call.method} ${path}`));
  const plan = place < 0 ? undefined : server.planned.splice(place, 1)[0];
  if (plan && 'silent' in plan) return;
  const headers: Record<string, string> = { 'content-type': 'application/json; odata.metadata=none' };
  try {
    if (plan && 'status' in plan) {
      if (plan.retryAfter !== undefined) headers['retry-after'] = plan.retryAfter;
      throw new Refusal(plan.status, 'Planned', plan.message ?? 'Try again.');
    }
    if (req.headers['api-key'] !== server.key) throw new Refusal(403, 'Forbidden', 'The key is not valid.');
    const url = new URL(path, server.url);
    if (url.searchParams.get('api-version') !== '2024-07-01') throw bad('The api-version is not supported.');
    const [status, answer] = route(server, call.method, decodeURIComponent(url.pathname), body, plan);
    call.status = status;
    call.answer = answer === undefined ? '' : JSON.stringify(answer);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    call.status = error.status;
    call.answer = JSON.stringify({ error: { code: error.code, message: error.message } });
  }
  if (plan && 'lost' in plan) {
    call.status = 0;
    return void req.socket.destroy();
  }
  await sleep(0);
  res.writeHead(call.status, headers).end(call.answer);
}

function route(
  server: AzureSearchServer,
  method: string,
  path: string,
  body: string,
  plan: PlannedSearch | undefined,
): [number, unknown] {
  if (method === 'POST' && path === '/indexes') return create(server, JSON.parse(body) as Definition);
  const [, name = '', rest = ''] = /^\/indexes\('([^']+)'\)(.*)$/.exec(path) ?? [];
  const stored = server.indexes.get(name);
  if (!stored) throw new Refusal(404, 'ResourceNotFound', `No index with the name '${name}' was found.`);
  if (method === 'GET' && rest === '') return [200, stored.definition];
  if (method === 'DELETE' && rest === '') {
    server.indexes.delete(name);
    return [204, undefined];
  }
  if (method === 'POST' && rest === '/docs/search.index') return write(server, stored, body, plan);
  if (method === 'POST' && rest === '/docs/search.post.search')
    return [200, search(server, stored, JSON.parse(body) as Query)];
  throw new Refusal(405, 'MethodNotAllowed', `${method} ${path} is not known to the stand-in.`);
}

function create(server: AzureSearchServer, definition: Definition): [number, unknown] {
  if (server.indexes.has(definition.name))
    throw new Refusal(409, 'ResourceNameAlreadyInUse', `Cannot create index '${definition.name}': it exists.`);
  if (definition.fields.filter(({ key }) => key).length !== 1) throw bad('An index has exactly one key.');
  for (const { name, type, analyzer, dimensions, vectorSearchProfile } of definition.fields) {
    if (analyzer && !ANALYZERS.has(analyzer)) throw bad(`The analyzer '${analyzer}' is not known.`);
    if ((type === 'Collection(Edm.Single)') !== (!!dimensions && !!vectorSearchProfile))
      throw bad(`The field '${name}' needs dimensions and a vector profile, or may have none.`);
  }
  server.indexes.set(definition.name, { definition, entries: new Map() });
  return [201, definition];
}

type Action = Entry & { '@search.action'?: string };

function write(
  server: AzureSearchServer,
  { definition, entries }: Stored,
  body: string,
  plan: PlannedSearch | undefined,
): [number, unknown] {
  if (Buffer.byteLength(body) > MOST_BYTES)
    throw new Refusal(413, 'RequestEntityTooLarge', 'The request is too large.');
  const { value: actions } = JSON.parse(body) as { value: Action[] };
  if (actions.length === 0 || actions.length > 1000) throw bad('A batch has 1 to 1000 actions.');
  const key = definition.fields.find((field) => field.key)?.name ?? '';
  for (const action of actions) checkEntry(definition, key, action);
  let failing = plan && 'failing' in plan ? plan.failing : 0;
  const value = actions.map(({ '@search.action': kind = 'upload', ...fields }) => {
    const id = fields[key] as string;
    const result = (statusCode: number, errorMessage: string | null = null) => ({
      key: id,
      status: statusCode < 300,
      errorMessage,
      statusCode,
    });
    if (failing-- > 0 && plan && 'actionStatus' in plan) return result(plan.actionStatus, 'Not now.');
    const before = entries.get(id);
    if (kind === 'delete') entries.delete(id);
    else if (kind === 'merge' && !before) return result(404, 'Document not found.');
    else {
      const entry = kind === 'merge' ? { ...before?.entry, ...fields } : fields;
      entries.set(id, { entry, seenFrom: before?.seenFrom ?? Date.now() + server.seenAfterMs });
    }
    return result(kind === 'upload' && !before ? 201 : 200);
  });
  return [value.every(({ status }) => status) ? 200 : 207, { value }];
}

function checkEntry(definition: Definition, key: string, { '@search.action': kind, ...fields }: Action): void {
  if (kind !== undefined && !['upload', 'merge', 'mergeOrUpload', 'delete'].includes(kind))
    throw bad('Unknown action.');
  if (!/^[A-Za-z0-9=-][A-Za-z0-9_=-]*$/.test(String(fields[key])))
    throw bad(`Invalid document key: '${fields[key] as string}'.`);
  for (const [name, value] of Object.entries(fields)) {
    const field = definition.fields.find((one) => one.name === name);
    if (!field) throw bad(`The property '${name}' does not exist on type 'search.documentFields'.`);
    if (value === null) continue;
    const fits =
      field.type === 'Edm.String'
        ? typeof value === 'string' && (!field.filterable || Buffer.byteLength(value) <= 32_766)
        : field.type === 'Edm.Int32'
          ? Number.isInteger(value)
          : field.type === 'Edm.DateTimeOffset'
            ? typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)
            : field.type === 'Collection(Edm.Single)'
              ? Array.isArray(value) && value.length === field.dimensions && value.some((number) => number !== 0)
              : Array.isArray(value) && value.every((one) => typeof one === 'string');
    if (!fits) throw bad(`The value of '${name}' is not ${field.type}, or has another length.`);
  }
}

type Query = {
  search?: string;
  filter?: string;
  top?: number;
  skip?: number;
  count?: boolean;
  select?: string;
  searchFields?: string;
  queryType?: string;
  semanticConfiguration?: string;
  semanticQuery?: string;
  vectorQueries?: { vector: number[]; fields: string; k: number; weight?: number }[];
};

function search(server: AzureSearchServer, { definition, entries }: Stored, query: Query): unknown {
  const named = (name: string) => definition.fields.find((field) => field.name === name);
  const select = query.select === undefined || query.select === '*' ? undefined : query.select.split(',');
  for (const name of select ?? [])
    if (named(name)?.retrievable !== true) throw bad(`The field '${name}' cannot be selected.`);
  const top = query.top ?? 50;
  if (top < 0 || top > 1000) throw bad('The value of top is out of range.');
  const seen = [...entries.values()].filter(({ seenFrom }) => seenFrom <= Date.now()).map(({ entry }) => entry);
  const passing = query.filter === undefined ? seen : seen.filter(conditionOf(query.filter, named));
  const lists = (query.vectorQueries ?? []).map(({ vector, fields, k, weight = 1 }) => {
    if (vector.length !== named(fields)?.dimensions) throw bad('The vector has another length than its field.');
    return { ranked: rankByVector(passing, vector, fields, k), weight };
  });
  const words = query.search === undefined || query.search === '*' ? undefined : wordsOf(query.search);
  if (words) {
    const field = query.searchFields ?? '';
    if (!named(field)?.searchable) throw bad(`The field '${field}' is not searchable.`);
    lists.unshift({ ranked: rankByWords(passing, words, field), weight: 1 });
  }
  const [only] = lists;
  let ranked: Ranked[] =
    only && lists.length === 1 ? only.ranked : only ? fuse(lists) : passing.map((entry) => ({ entry, score: 1 }));
  const rerank = query.queryType === 'semantic' ? reranker(server, definition, query) : undefined;
  if (rerank) ranked = [...ranked].sort((a, b) => rerank(b.entry) - rerank(a.entry));
  const skip = query.skip ?? 0;
  return {
    ...(query.count ? { '@odata.count': ranked.length } : {}),
    value: ranked.slice(skip, skip + top).map(({ entry, score }) => ({
      '@search.score': score,
      ...(rerank ? { '@search.rerankerScore': rerank(entry) } : {}),
      ...Object.fromEntries((select ?? ['id']).map((name) => [name, entry[name]])),
    })),
  };
}

function conditionOf(filter: string, named: (name: string) => Field | undefined): (entry: Entry) => boolean {
  try {
    return parseFilter(filter, (name) => named(name)?.filterable === true);
  } catch (error) {
    throw bad(`Invalid expression: ${(error as Error).message}`);
  }
}

/** The words of a query in simple syntax. The hub never means an operator, so one that is not escaped is a mistake. */
function wordsOf(search: string): string[] {
  if (/(?<!\\)(?:\\\\)*[+|"()'*~]/.test(search.replace(/\\./g, '')) || /(^|\s)-/.test(search.replace(/\\./g, 'x')))
    throw bad(`There is an operator in the query: ${search}`);
  return search
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace(/\\(.)/gu, '$1'));
}

/** How many words of the query stand in a passage, up to 4. */
function reranker(server: AzureSearchServer, definition: Definition, query: Query): (entry: Entry) => number {
  if (!server.hasRanker)
    throw bad(
      'Semantic search is not enabled for this service.\r\nParameter name: queryType',
      'FeatureNotSupportedInService',
    );
  if (!definition.semantic?.configurations.some(({ name }) => name === query.semanticConfiguration))
    throw bad(`Unknown semantic configuration '${query.semanticConfiguration}'.`);
  const words = (query.semanticQuery ?? query.search ?? '').toLowerCase().split(/\s+/);
  return (entry) => {
    const text = `${entry.title as string} ${entry.content as string}`.toLowerCase();
    return Math.min(4, words.filter((word) => text.includes(word)).length);
  };
}
