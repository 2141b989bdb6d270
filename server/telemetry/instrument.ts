import { ProviderError } from '../../providers/errors.ts';
import { parseUrl } from '../../providers/urls.ts';
import type { Platform, Provider } from '../../providers/provider.ts';
import type { Egress } from '../egress/egress.ts';
import { AppError } from '../errors.ts';
import type { JobName, JobPayloads } from '../queue/payloads.ts';
import type { Queue } from '../queue/queue.ts';
import { JobRetry, WorkerStopping } from '../queue/worker.ts';
import type { AskService } from '../services/ask-service.ts';
import type { GrantService } from '../services/grant-service.ts';
import type { SearchService } from '../services/search-service.ts';
import type { Telemetry } from './telemetry.ts';

/** The code of an error that was thrown on purpose. Any other is `internal`. */
const codeOf = (error: unknown): string => (error instanceof AppError ? error.code : 'internal');

/** Counts how connecting accounts ends, by platform. */
export function countGrants(
  grants: GrantService,
  { metrics }: Pick<Telemetry, 'metrics'>,
  platforms: readonly Platform[],
): GrantService {
  async function counted<T>(platform: Platform, work: Promise<T>): Promise<T> {
    // It comes out of an address, and may be any word.
    const known = platforms.includes(platform) ? platform : 'unknown';
    try {
      const result = await work;
      metrics.grants.inc({ platform: known, outcome: 'connected' });
      return result;
    } catch (error) {
      metrics.grants.inc({ platform: known, outcome: codeOf(error) });
      throw error;
    }
  }
  return {
    start: (user, platform, options) => grants.start(user, platform, options),
    finish: (user, platform, options) => counted(platform, grants.finish(user, platform, options)),
    connectWithToken: (user, platform, options) => counted(platform, grants.connectWithToken(user, platform, options)),
  };
}

/** Counts what each vendor is asked to renew. */
export function countRefreshes(
  providers: Map<Platform, Provider>,
  { metrics }: Pick<Telemetry, 'metrics'>,
): Map<Platform, Provider> {
  const counted = ([platform, provider]: [Platform, Provider]): [Platform, Provider] => {
    const refresh: Provider['auth']['refresh'] = async (refreshToken, fetch) => {
      try {
        const tokens = await provider.auth.refresh(refreshToken, fetch);
        metrics.tokenRefreshes.inc({ platform, outcome: 'refreshed' });
        return tokens;
      } catch (error) {
        metrics.tokenRefreshes.inc({ platform, outcome: error instanceof ProviderError ? error.kind : 'transient' });
        throw error;
      }
    };
    return [platform, { ...provider, auth: { ...provider.auth, refresh } }];
  };
  return new Map([...providers].map(counted));
}

/** A job's payload may name the span that enqueued it. */
type Traced = { traceparent?: string };

/** Counts and times the runs of jobs, each in a span of its own that names who enqueued it. */
export function observeQueue(queue: Queue, { metrics, tracing }: Pick<Telemetry, 'metrics' | 'tracing'>): Queue {
  function noteEnd(name: JobName, startedAt: number, error?: unknown): void {
    const isPlanned = error instanceof JobRetry || error instanceof WorkerStopping;
    metrics.jobs.inc({ queue: name, outcome: error === undefined ? 'done' : isPlanned ? 'again' : 'failed' });
    metrics.jobSeconds.observe({ queue: name }, (performance.now() - startedAt) / 1000);
  }
  return {
    ...queue,
    work(name, options, handler) {
      queue.work(name, options, async (payload, job) => {
        const startedAt = performance.now();
        const run = () => handler(payload, job);
        try {
          if (tracing) {
            const attributes = { 'tributary.queue': name, 'tributary.attempt': job.attempt };
            const link = (payload as Traced).traceparent;
            await tracing.span(`job ${name}`, { kind: 'consumer', attributes, link }, run);
          } else await run();
        } catch (error) {
          noteEnd(name, startedAt, error);
          throw error;
        }
        noteEnd(name, startedAt);
      });
    },
    enqueue<N extends JobName>(
      trx: Parameters<Queue['enqueue']>[0],
      name: N,
      payloads: JobPayloads[N][],
      options?: { startAfter?: Date },
    ) {
      const traceparent = tracing?.current();
      const traced = traceparent ? payloads.map((payload) => ({ ...payload, traceparent })) : payloads;
      return queue.enqueue(trx, name, traced, options);
    },
  };
}

/**
 * With tracing on, a span for each request to a vendor, a model or a storage, which ends with the head of the answer. It names the host, never the
 * path or the query.
 */
export function traceEgress(egress: Egress, { tracing }: Pick<Telemetry, 'tracing'>): Egress {
  if (!tracing) return egress;
  return {
    close: () => egress.close(),
    fetch(input, init, options) {
      const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
      const host = parseUrl(input instanceof Request ? input.url : String(input))?.host ?? 'unknown';
      const attributes = { 'http.request.method': method, 'server.address': host };
      return tracing.span(`${method} ${host}`, { kind: 'client', attributes }, async (span) => {
        const response = await egress.fetch(input, init, options);
        span.set({ 'http.response.status_code': response.status });
        if (response.status >= 400) span.fail(String(response.status));
        return response;
      });
    },
  };
}

/** With tracing on, a span for each search. */
export function traceSearch(search: SearchService, { tracing }: Pick<Telemetry, 'tracing'>): SearchService {
  if (!tracing) return search;
  return {
    ...search,
    search: (user, input) =>
      tracing.span('search', { attributes: { 'tributary.mode': input.mode ?? 'hybrid' } }, async (span) => {
        const results = await search.search(user, input);
        span.set({ 'tributary.results': results.length });
        return results;
      }),
  };
}

/** With tracing on, a span for each question. */
export function traceAsk(ask: AskService, { tracing }: Pick<Telemetry, 'tracing'>): AskService {
  if (!tracing) return ask;
  return {
    ...ask,
    ask: (user, input, options) =>
      tracing.span('ask', {}, async (span) => {
        const answer = await ask.ask(user, input, options);
        span.set({ 'tributary.citations': answer.citations.length });
        return answer;
      }),
  };
}
