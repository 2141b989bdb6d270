import { setTimeout as sleep } from 'node:timers/promises';
import type { SearchClient, SearchClientOptions, SearchIndex, SearchIndexClient } from '@azure/search-documents';
import type { Logger } from 'pino';
import type { Fetch } from '../../providers/provider.ts';
import type { AzureSearchConfig } from '../azure-search-config.ts';
import { judge, judgeAction } from './azure-errors.ts';
import { azureHttpClient } from './azure-http.ts';
import { IndexError } from './index-error.ts';

/** A stable version of the service's API that has hybrid search; the library's own default is newer. */
const API_VERSION = '2024-07-01';
/** Tries after the first: about 0.5, 1, 2, 4 and 8 s apart. A person who waits for a search gets the answer of the database sooner. */
const RETRIES = { write: 5, query: 1 };
const FIRST_BACKOFF_MS = 500;
/** Longer pauses are not waited for here. */
const LONGEST_PAUSE_MS = { write: 60_000, query: 1_000 };

/** What is done to one passage; `id` is its key. */
export type AzureAction = { __actionType: 'upload' | 'merge' | 'delete'; id: string } & Record<string, unknown>;
export type AzureHit = { copy: string; ordinal: number; score: number };
/** In the library's words. */
export type AzureQuery = { text?: string; options: Record<string, unknown> };

/** The calls of Azure AI Search that are made. All repeat what fails in passing, and throw IndexError; the signal's reason when it is aborted. */
export type AzureSearchClient = {
  /** Host and name of the index. */
  name: string;
  /** Undefined where there is none of that name. */
  find(signal: AbortSignal): Promise<SearchIndex | undefined>;
  /** One that was made meanwhile is left as it is. */
  create(index: SearchIndex, signal: AbortSignal): Promise<void>;
  /** One that is not there is no error. */
  remove(signal: AbortSignal): Promise<void>;
  /** Every action succeeds before it returns; `merge` of what is not there is reported in the keys it gives. At most 1,000 actions and 16 MB. */
  write(actions: AzureAction[], signal: AbortSignal): Promise<{ missing: string[] }>;
  search(query: AzureQuery, signal: AbortSignal): Promise<AzureHit[]>;
  /** How many passages pass the filter. */
  count(filter: string, signal: AbortSignal): Promise<number>;
};

type Clients = { service: SearchIndexClient; passages: SearchClient<{ id: string }> };

export function createAzureSearchClient(
  config: AzureSearchConfig,
  deps: { fetch: Fetch; logger: Logger; firstBackoffMs?: number },
): AzureSearchClient {
  const { host } = new URL(config.endpoint);
  const firstBackoffMs = deps.firstBackoffMs ?? FIRST_BACKOFF_MS;
  const names = { host, index: config.index, key: config.apiKey?.reveal() };
  let clients: Promise<Clients> | undefined;
  let pausedUntil = 0;

  async function keepPause(kind: 'write' | 'query', signal: AbortSignal): Promise<void> {
    const leftMs = pausedUntil - Date.now();
    if (leftMs > LONGEST_PAUSE_MS[kind])
      throw new IndexError('rate_limited', `${host} asks for a pause.`, { retryAt: new Date(pausedUntil) });
    if (leftMs > 0) await sleep(leftMs, undefined, { signal });
  }

  /** Makes a call, and repeats it while it fails in passing. Every call may be made twice. */
  async function ask<T>(
    kind: 'write' | 'query',
    signal: AbortSignal,
    call: (clients: Clients, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      await keepPause(kind, signal);
      try {
        clients ??= makeClients(config, deps.fetch);
        // One of its own: the library leaves its listeners behind.
        return await call(await clients, AbortSignal.any([signal]));
      } catch (error) {
        signal.throwIfAborted();
        const verdict = judge(error, names);
        if (verdict.waitMs !== undefined) pausedUntil = Math.max(pausedUntil, Date.now() + verdict.waitMs);
        if (!verdict.passing || failures >= RETRIES[kind]) throw withTime(verdict.error);
        deps.logger.info({ host, reason: verdict.error.message, waitMs: verdict.waitMs }, 'the index is asked again');
      }
      // Twice as long each time, with a random half; a pause that was asked for is kept by all callers of this process.
      if (pausedUntil <= Date.now())
        await sleep(firstBackoffMs * 2 ** failures * (0.5 + Math.random()), undefined, { signal });
    }
  }

  const withTime = (error: IndexError): IndexError =>
    error.kind === 'rate_limited' && pausedUntil > Date.now()
      ? new IndexError('rate_limited', error.message, { retryAt: new Date(pausedUntil) })
      : error;

  return {
    name: `${host}/${config.index}`,

    async find(signal) {
      try {
        return await ask('write', signal, ({ service }, abortSignal) =>
          service.getIndex(config.index, { abortSignal }),
        );
      } catch (error) {
        if (error instanceof IndexError && error.status === 404) return undefined;
        throw error;
      }
    },

    async create(index, signal) {
      try {
        await ask('write', signal, ({ service }, abortSignal) => service.createIndex(index, { abortSignal }));
      } catch (error) {
        if (!(error instanceof IndexError) || error.status !== 409) throw error;
      }
    },

    async remove(signal) {
      try {
        await ask('write', signal, ({ service }, abortSignal) => service.deleteIndex(config.index, { abortSignal }));
      } catch (error) {
        if (!(error instanceof IndexError) || error.status !== 404) throw error;
      }
    },

    async write(actions, signal) {
      let left = actions;
      const missing: string[] = [];
      await ask('write', signal, async ({ passages }, abortSignal) => {
        const { results } = await passages.indexDocuments({ actions: left } as never, { abortSignal });
        const answers = new Map(results.map((result) => [result.key, result]));
        const failed = left.flatMap((action) => {
          const answer = answers.get(action.id);
          if (answer?.succeeded) return [];
          if (answer?.statusCode === 404 && action.__actionType === 'merge') {
            missing.push(action.id);
            return [];
          }
          return [{ action, answer }];
        });
        left = failed.map(({ action }) => action);
        if (failed.length > 0)
          throw judgeAction(
            failed.map(({ answer }) => answer),
            names,
          );
      });
      return { missing };
    },

    search: ({ text, options }, signal) =>
      ask('query', signal, async ({ passages }, abortSignal) => {
        const answer = await passages.search(text, { ...options, abortSignal } as never);
        const hits: AzureHit[] = [];
        for await (const { document, score, rerankerScore } of answer.results as AsyncIterable<Found>)
          hits.push({ copy: document.copy, ordinal: document.ordinal, score: rerankerScore ?? score });
        return hits;
      }),

    count: (filter, signal) =>
      ask('write', signal, async ({ passages }, abortSignal) => {
        const { count } = await passages.search('*', { filter, top: 0, includeTotalCount: true, abortSignal });
        return count ?? 0;
      }),
  };
}

type Found = { document: { copy: string; ordinal: number }; score: number; rerankerScore?: number };

/**
 * The libraries take a while to load, so only who uses them waits for it. Where no key is given, Microsoft's library asks for a token at
 * addresses of this machine (the metadata service) and of Microsoft, past the guarded fetch, which refuses the former to everybody.
 */
async function makeClients({ endpoint, apiKey, index }: AzureSearchConfig, fetch: Fetch): Promise<Clients> {
  const { AzureKeyCredential, SearchClient, SearchIndexClient } = await import('@azure/search-documents');
  const credential = apiKey
    ? new AzureKeyCredential(apiKey.reveal())
    : new (await import('@azure/identity')).DefaultAzureCredential();
  const options: SearchClientOptions = {
    // By its old name too: one of the two clients heeds no other.
    apiVersion: API_VERSION,
    serviceVersion: API_VERSION,
    httpClient: azureHttpClient(fetch),
    allowInsecureConnection: endpoint.startsWith('http:'),
    retryOptions: { maxRetries: 0 },
  };
  return {
    service: new SearchIndexClient(endpoint, credential, options),
    passages: new SearchClient(endpoint, index, credential, options),
  };
}
