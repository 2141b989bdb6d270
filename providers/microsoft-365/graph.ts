import { parseUrl } from '../urls.ts';
import type { MicrosoftConfig } from '../../server/config.ts';
import type { Connection } from '../provider.ts';
import { badResponse, failedAnswer, notJson, toProviderError } from './failures.ts';
import type { Page } from './wire.ts';

export type Graph = {
  /** The address of a call; each part of a path is encoded. */
  url: (path: TemplateStringsArray, ...parts: string[]) => string;
  /** The data of one call. `what` completes "Microsoft answered …". Errors: ProviderError. */
  read(connection: Connection, url: string, what: string, init?: RequestInit): Promise<unknown>;
  /** A call whose answer says nothing but that it was done. Errors: ProviderError. */
  tell(connection: Connection, url: string, init: RequestInit): Promise<void>;
  /** One page: the first at `url`, or the one a cursor names. Errors: ProviderError, also for links that lead elsewhere. */
  page<T>(
    connection: Connection,
    at: { url: string; cursor?: string },
    parse: (body: unknown) => Page<T>,
    what: string,
  ): Promise<{ value: T[]; next?: string }>;
  /** One page of changes: with `next` there is more, with `delta` that is where the next changes will be. Errors: those of `page`; `cursor_expired`. */
  changes<T>(
    connection: Connection,
    url: string,
    parse: (body: unknown) => Page<T>,
    what: string,
  ): Promise<{ value: T[]; next?: string; delta?: string }>;
};

/**
 * Microsoft Graph v1.0 by the connection's fetch. The vendor's own client is not used: it sends no token over http, retries by
 * itself, and does not encode paths.
 */
export function createGraph(config: MicrosoftConfig): Graph {
  const base = `${config.graphUrl}/v1.0`;

  /** Links are followed as they are, but with a token: only to Graph itself. */
  const checked = (link: string, what: string): string => {
    const url = parseUrl(link);
    const own = new URL(base);
    if (url?.origin !== own.origin || !url.pathname.startsWith(`${own.pathname}/`) || url.username || url.password)
      throw badResponse(what, '@odata.nextLink');
    return link;
  };

  const ask = async (connection: Connection, url: string, init?: RequestInit, paged = false): Promise<string> => {
    try {
      const headers = { accept: 'application/json', ...init?.headers };
      const response = await connection.fetch(url, { ...init, headers });
      if (!response.ok) throw await failedAnswer(response, { paged });
      return await response.text();
    } catch (error) {
      throw toProviderError(error);
    }
  };

  const read = async (
    connection: Connection,
    url: string,
    what: string,
    init?: RequestInit,
    { paged = /[?&]\$skiptoken=|%24skiptoken=/i.test(url) } = {},
  ): Promise<unknown> => {
    const text = await ask(connection, url, init, paged);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw notJson(what);
    }
  };

  return {
    url: (path, ...parts) =>
      base + path.reduce((whole, text, at) => whole + encodeURIComponent(parts[at - 1] ?? '') + text),
    read,
    tell: async (connection, url, init) => void (await ask(connection, url, init)),
    async page(connection, { url, cursor }, parse, what) {
      const body = parse(await read(connection, cursor === undefined ? url : checked(cursor, what), what));
      const next = body['@odata.nextLink'] ?? undefined;
      if (next === undefined) return { value: body.value };
      // The same link again would be a walk without an end.
      if (next === cursor) throw badResponse(what, '@odata.nextLink');
      return { value: body.value, next: checked(next, what) };
    },

    async changes(connection, address, parse, what) {
      const body = parse(await read(connection, checked(address, what), what, undefined, { paged: true }));
      const [next, delta] = [body['@odata.nextLink'] ?? undefined, body['@odata.deltaLink'] ?? undefined];
      if (next !== undefined && next === address) throw badResponse(what, '@odata.nextLink');
      return { value: body.value, next: next && checked(next, what), delta: delta && checked(delta, what) };
    },
  };
}
