import { Readable } from 'node:stream';
import type { ReadableStream as NodeWebStream } from 'node:stream/web';
import type { HttpOperationResponse, IHttpClient, RestError as RestErrorClass } from '@azure/storage-blob';
import type { Fetch } from '../../providers/provider.ts';
import { EgressError } from '../egress/egress.ts';

/**
 * Lets Azure's library send its requests by the guarded `fetch`. Bodies stream both ways; a failure on the way is the library's own error, so
 * that it tries again. Errors: EgressError where the guard refuses.
 */
export function azureHttpClient(fetch: Fetch, RestError: typeof RestErrorClass): IHttpClient {
  return {
    async sendRequest(request) {
      const { url, method, abortSignal } = request;
      const body: unknown = request.body;
      const signal = abortSignal && asSignal(abortSignal);
      const source: unknown = typeof body === 'function' ? (body as () => unknown)() : body;
      const stream = source instanceof Readable ? source : undefined;
      try {
        const response = await fetch(url, {
          method,
          headers: request.headers.rawHeaders(),
          body: (stream ? Readable.toWeb(stream) : source) as RequestInit['body'],
          signal,
          redirect: 'error',
        });
        const wantsStream = request.streamResponseStatusCodes?.has(response.status) ?? false;
        const headers = request.headers.clone();
        for (const name of headers.headerNames()) headers.remove(name);
        for (const [name, value] of response.headers) headers.set(name, value);
        const answer: HttpOperationResponse = { request, status: response.status, headers };
        if (wantsStream && response.body) answer.readableStreamBody = Readable.fromWeb(response.body as NodeWebStream);
        else answer.bodyAsText = await response.text();
        return answer;
      } catch (error) {
        stream?.destroy();
        signal?.throwIfAborted();
        if (error instanceof EgressError && error.code === 'blocked') throw error;
        const message = error instanceof EgressError ? error.message : 'The connection broke off.';
        throw new RestError(message, { code: RestError.REQUEST_SEND_ERROR });
      }
    },
  };
}

type Abortable = NonNullable<Parameters<IHttpClient['sendRequest']>[0]['abortSignal']>;

/** The library hands on what it was given, or a signal of its own. */
function asSignal(given: Abortable): AbortSignal {
  if (given instanceof AbortSignal) return given;
  const controller = new AbortController();
  if (given.aborted) controller.abort();
  else given.addEventListener('abort', () => controller.abort());
  return controller.signal;
}
