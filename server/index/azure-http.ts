import type { SearchClientOptions } from '@azure/search-documents';
import type { Fetch } from '../../providers/provider.ts';

type HttpClient = NonNullable<SearchClientOptions['httpClient']>;
type AzureHeaders = Awaited<ReturnType<HttpClient['sendRequest']>>['headers'];

/** Lets Azure's library send its requests by the guarded `fetch`. Errors: EgressError; the signal's reason. */
export function azureHttpClient(fetch: Fetch): HttpClient {
  return {
    async sendRequest(request) {
      const { url, method, body, abortSignal } = request;
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      const response = await fetch(url, {
        method,
        headers: request.headers.toJSON({ preserveCase: true }),
        body: body as RequestInit['body'],
        signal,
        redirect: 'error',
      });
      return {
        request,
        status: response.status,
        headers: toAzureHeaders(response.headers),
        bodyAsText: await response.text(),
      };
    },
  };
}

/** The library's own kind of headers. */
const toAzureHeaders = (headers: Headers): AzureHeaders => ({
  get: (name) => headers.get(name) ?? undefined,
  has: (name) => headers.has(name),
  set: (name, value) => headers.set(name, String(value)),
  delete: (name) => headers.delete(name),
  toJSON: () => Object.fromEntries(headers),
  [Symbol.iterator]: () => headers[Symbol.iterator](),
});
