import type { z } from 'zod';
import { isRecord, parseJson } from '../json.ts';
import type { Fetch } from '../provider.ts';
import { isPage } from '../streams.ts';
import { createAtlassianFailures, type AtlassianFailures } from './failures.ts';
import { nextPath } from './paging.ts';
import type { Product } from './product.ts';

export type Call<T> = {
  /** Completes "Atlassian answered …". */
  what: string;
  /** Of the fields that are read. */
  schema: z.ZodType<T>;
  /** The permission that the call needs, named where it is missing. */
  scope?: string;
  signal?: AbortSignal;
  /** Sent as JSON by POST. Absent: a GET. */
  post?: unknown;
};

/** What a client needs of a connection: anything that carries credentials. */
type Caller = { fetch: Fetch };

export type AtlassianClient = {
  failures: AtlassianFailures;
  /** The data of one call. Errors: ProviderError; where too much was asked for, one that `wasTooMuch` knows. */
  read<T>(connection: Caller, url: string, call: Call<T>): Promise<T>;
  /**
   * One page of a list at `base` + `path`, and the path of the next page below the same base.
   * Errors: as those of `read`, and `bad_response` for a link that leads elsewhere or back.
   */
  page<T>(connection: Caller, base: string, path: string, call: Call<T>): Promise<{ body: T; next?: string }>;
  /** A call that changes something; the data of the answer, undefined where there is none. Errors: ProviderError. */
  send(
    connection: Caller,
    url: string,
    call: { what: string; method: 'POST' | 'PUT' | 'DELETE'; body: unknown; scope?: string },
  ): Promise<unknown>;
  /** The answer with the bytes of a file, redirects followed. Errors: ProviderError. */
  download(connection: Caller, url: string, call: { scope?: string; signal: AbortSignal }): Promise<Response>;
};

/** Calls to one product's REST API, by the connection's fetch: vendors' and others' clients lose the status, or read files into memory. */
export function createAtlassianClient(product: Product): AtlassianClient {
  const failures = createAtlassianFailures(product);

  const ask = async ({ fetch }: Caller, url: string, call: Call<unknown>) => {
    const { what, scope, signal, post } = call;
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        signal,
        headers: { accept: 'application/json', ...(post === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(post === undefined ? {} : { method: 'POST', body: JSON.stringify(post) }),
      });
      if (!response.ok) throw await failures.failedAnswer(response, scope);
      text = await response.text();
    } catch (error) {
      throw failures.toProviderError(error);
    }
    const body = parseJson(text);
    if (body !== undefined) return { body, link: response.headers.get('link') };
    throw isPage(response) || !/^\s*[[{]/.test(text) ? failures.notJson(what) : failures.cutShort(what);
  };

  return {
    failures,

    async read(connection, url, call) {
      const { body } = await ask(connection, url, call);
      return failures.parse(call.schema, body, call.what);
    },

    async page(connection, base, path, call) {
      const { body, link } = await ask(connection, base + path, call);
      const next = nextPath({ base, path, links: isRecord(body) ? body._links : undefined, link });
      if (next === 'elsewhere') throw failures.badResponse(call.what, 'next');
      return { body: failures.parse(call.schema, body, call.what), next: next?.path };
    },

    async send({ fetch }, url, { what, method, body, scope }) {
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      let response: Response;
      let text: string;
      try {
        response = await fetch(url, { method, headers, body: JSON.stringify(body) });
        if (!response.ok) throw await failures.failedAnswer(response, scope);
        text = await response.text();
      } catch (error) {
        throw failures.toProviderError(error);
      }
      const data = parseJson(text);
      if (data === undefined && text.trim() !== '') throw failures.notJson(what);
      return data;
    },

    async download({ fetch }, url, { scope, signal }) {
      try {
        const response = await fetch(url, { signal });
        if (!response.ok) throw await failures.failedAnswer(response, scope);
        return response;
      } catch (error) {
        throw failures.toProviderError(error);
      }
    },
  };
}
