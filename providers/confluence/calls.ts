import type { AtlassianClient, Call } from '../atlassian/client.ts';
import { pathBelow } from '../atlassian/paging.ts';
import type { ConfluenceApi, From, Listed, Seat } from './api.ts';
import { commentsOn, withIds } from './cql.ts';
import { staleCursor } from './cursors.ts';
import { COMMENT_PARTS, FOUND_PARTS, foundSchema, isCurrent, toComment, toFound, type V1Content } from './v1-wire.ts';
import type { Links } from './web-urls.ts';

/** Where the versions of the API are, the first below `/wiki` in Cloud. */
export const V1 = '/rest/api';
export const V2 = '/wiki/api/v2';

export type Query = Record<string, string | number | string[] | undefined>;
type Hits = Listed<V1Content> & { around: Links };

/** Calls to one Confluence, by paths below its base. Errors: ProviderError. */
export type Calls = {
  read: <T>(seat: Seat, path: string, call: Call<T>) => Promise<T>;
  /** A page of a list: the first at `first`, or the one that `from` kept the path of. */
  page: <T>(seat: Seat, first: string, from: From, call: Call<T>) => Promise<{ body: T; next?: string }>;
  /** All that a query in CQL finds, with the parts of it that are to be expanded. */
  searchAll: (seat: Seat, query: { cql: string; expand: string; limit: number }) => Promise<V1Content[]>;
} & Pick<ConfluenceApi, 'find' | 'comments' | 'labels'>;

/** Results with bodies that one answer has. */
const WITH_BODIES = 50;

/** `search` is the path of the call that takes CQL, which Cloud and Data Center both have. */
export function createCalls(client: AtlassianClient, baseOf: (seat: Seat) => string, search: string): Calls {
  const page: Calls['page'] = async (seat, first, { path = first, limit }, call) => {
    const base = baseOf(seat);
    if (path !== first && pathBelow(base, path) !== path) throw staleCursor();
    const at = path === first || limit === undefined ? path : withLimit(path, limit);
    return client.page(seat.connection, base, at, { ...call, signal: seat.signal });
  };

  const hits = async (seat: Seat, query: Query, from: From): Promise<Hits> => {
    const call = { what: 'a search', schema: foundSchema, scope: 'search:confluence' };
    const { body, next } = await page(seat, to(search, query), from, call);
    const { results, _links: around } = body;
    // A link may lead to a page without results, and from there on and on.
    return { results: results.filter(isCurrent), around, next: results.length === 0 ? undefined : next };
  };

  const searchAll: Calls['searchAll'] = async (seat, query) => {
    const found: V1Content[] = [];
    const seen = new Set<string>();
    for (let path: string | undefined; ;) {
      const { results, next }: Hits = await hits(seat, query, { path });
      found.push(...results);
      if (next === undefined) return found;
      if (seen.has(next)) throw client.failures.badResponse('a search', 'next');
      seen.add(next);
      path = next;
    }
  };

  return {
    page,
    searchAll,

    read: (seat, path, call) => client.read(seat.connection, baseOf(seat) + path, { ...call, signal: seat.signal }),

    async find(seat, cql, from) {
      const { results, around, next } = await hits(seat, { cql, expand: FOUND_PARTS, limit: from.limit }, from);
      return { results: results.map((one) => toFound(one, around)).filter((one) => one !== undefined), next };
    },

    async comments(seat, { id }) {
      const found = await searchAll(seat, { cql: commentsOn(id), expand: COMMENT_PARTS, limit: WITH_BODIES });
      return found.map(toComment);
    },

    async labels(seat, ids) {
      const found = await searchAll(seat, { cql: withIds(ids), expand: 'metadata.labels', limit: ids.length });
      return new Map(found.map(({ id, metadata }) => [id, (metadata?.labels?.results ?? []).map(({ name }) => name)]));
    },
  };
}

/** An address with its query; what is undefined is left out, and lists are repeated as Confluence's contract has it. */
export function to(path: string, query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, String(one)]),
  );
  return `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** The same place in a list with another number of results. */
function withLimit(path: string, limit: number): string {
  const [address = '', query] = path.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set('limit', String(limit));
  return `${address}?${parameters.toString()}`;
}
