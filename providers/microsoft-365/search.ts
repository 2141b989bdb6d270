import pLimit from 'p-limit';
import { ProviderError } from '../errors.ts';
import type { Connection, Item, ItemPage } from '../provider.ts';
import { PERSONAL_TENANT } from './auth.ts';
import { isUnavailable, lostPlace } from './failures.ts';
import type { Graph } from './graph.ts';
import { formatRef, parseRef, type Ref } from './refs.ts';
import { parseDrive, parseHits, parseItems, toItem } from './wire.ts';

const HITS = 25;
const AT_ONCE = 6;

/**
 * Search over all that the account can open; for personal accounts, which Microsoft's search does not know, over their OneDrive.
 * Hits say too little (neither whether they are folders nor of what type), so that each is read again by its id.
 * Source: https://learn.microsoft.com/en-us/graph/search-concept-files (2026).
 */
export function createSearch(
  graph: Graph,
  get: (connection: Connection, ref: Ref) => Promise<Item>,
): (connection: Connection, query: string, cursor?: string) => Promise<ItemPage> {
  const everywhere = async (connection: Connection, words: string[], cursor?: string) => {
    if (cursor !== undefined && !/^\d{1,6}$/.test(cursor)) throw lostPlace();
    const from = Number(cursor ?? 0);
    const request = {
      entityTypes: ['driveItem'],
      query: { queryString: words.map(quoted).join(' ') },
      from,
      size: HITS,
    };
    const body = await graph.read(connection, graph.url`/search/query`, 'a search', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ requests: [request] }),
    });
    const containers = parseHits(body).value.flatMap(({ hitsContainers }) => hitsContainers ?? []);
    const refs = containers
      .flatMap(({ hits }) => hits ?? [])
      .flatMap(({ resource }): Ref[] => {
        const driveId = resource?.parentReference?.driveId;
        return resource?.id && driveId ? [{ kind: 'item', driveId, itemId: resource.id }] : [];
      });
    const hasMore = containers.some(({ moreResultsAvailable }) => moreResultsAvailable);
    return { refs, next: hasMore ? String(from + HITS) : undefined };
  };

  const inOneDrive = async (connection: Connection, query: string, cursor?: string) => {
    const address = graph.url`/me/drive/root/search(q='${query.replaceAll("'", "''")}')?$top=${String(HITS)}`;
    const [own, { value, next }] = await Promise.all([
      graph.read(connection, graph.url`/me/drive?$select=id`, 'a drive').then(parseDrive),
      graph.page(connection, { url: address, cursor }, parseItems, 'a search'),
    ]);
    // Hits may spell the drive's id in other letters than the drive itself: one file would have two refs.
    return { refs: value.map((item) => parseRef(toItem(item, { driveId: own.id }).ref)), next };
  };

  return async (connection, query, cursor) => {
    const words = query.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
    if (words.length === 0) return { items: [], next: undefined };
    const isPersonal = connection.accountId.endsWith(`.${PERSONAL_TENANT}`);
    const { refs, next } = isPersonal
      ? await inOneDrive(connection, words.join(' '), cursor)
      : await everywhere(connection, words, cursor);
    const limit = pLimit(AT_ONCE);
    const known = [...new Map(refs.map((ref) => [formatRef(ref), ref])).values()];
    const items = await Promise.all(known.map((ref) => limit(() => getIfThere(connection, ref))));
    return { items: items.filter((item) => item !== undefined), next };
  };

  /** The index lags behind: a hit may be gone meanwhile. */
  async function getIfThere(connection: Connection, ref: Ref): Promise<Item | undefined> {
    try {
      return await get(connection, ref);
    } catch (error) {
      if (error instanceof ProviderError && isUnavailable(error)) return undefined;
      throw error;
    }
  }
}

/** A word as the query language takes it: plain ones also find what begins so, others are quoted, which no sign in them can end. */
function quoted(word: string): string {
  return /^[\p{L}\p{N}]+$/u.test(word) ? `${word}*` : `"${word.replaceAll(/["\\]/g, '')}"`;
}
