import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { Connection, ItemPage } from '../provider.ts';
import { inSpace, type Client } from './client.ts';
import { badResponse } from './failures.ts';
import { latest, withCursor, type Lookups } from './lookups.ts';
import { formatCursor, parseCursor, type Place } from './refs.ts';
import { parentPathOf, parseSearch, seenFromHome, teamSpaceOf, toItem } from './wire.ts';

/** Small, because each folder that results lie in costs a call. */
const SEARCH_PAGE_SIZE = 30;
const PARENTS_AT_ONCE = 6;
/** Dropbox refuses longer queries. */
const MAX_QUERY = 1000;
const SEARCH = 'search';

/** Search through all that an account sees, one page at a time. Errors: ProviderError. */
export function createSearch(
  client: Client,
  { accountOf, folderRef, homeIn }: Lookups,
): (connection: Connection, query: string, cursor?: string) => Promise<ItemPage> {
  const search = async (connection: Connection, query: string, cursor?: string): Promise<ItemPage> => {
    const words = query.trim().slice(0, MAX_QUERY);
    if (words === '') return { items: [] };
    const known = cursor === undefined ? undefined : parseCursor(cursor, SEARCH);
    const { body, place } = known
      ? { body: await searchOn(connection, known), place: known }
      : await find(connection, words);
    const { entries, cursor: next, hasMore } = parseSearch(body);
    if (hasMore && (next === undefined || next === known?.cursor)) throw badResponse('a search', 'cursor');
    const { of, space, home, seen = [] } = place;
    const fresh = latest(entries).filter(({ id }) => !seen.includes(shortened(id)));

    const folders = new Map<string, Promise<string | undefined>>();
    const limit = pLimit(PARENTS_AT_ONCE);
    const parentOf = (where: string | undefined, path: string | undefined): Promise<string | undefined> => {
      const key = `${where ?? ''} ${path ?? ''}`;
      const asked = folders.get(key) ?? limit(() => folderRef({ connection, space: where }, path));
      folders.set(key, asked);
      return asked;
    };
    const items = await Promise.all(
      fresh.map(async (met) => {
        const own = home === undefined ? undefined : seenFromHome(met, home);
        // The own Dropbox as a whole is a root, not an item.
        if (own?.path_lower === '') return [];
        const [entry, where] = own ? [own, undefined] : [met, space];
        return [toItem(entry, { space: where, parentRef: await parentOf(where, parentPathOf(entry)) })];
      }),
    );
    const marks = fresh.map(({ id }) => shortened(id));
    return {
      items: items.flat(),
      next: hasMore && next !== undefined ? formatCursor({ of, space, home, cursor: next, seen: marks }) : undefined,
    };
  };

  /** The first page of a search through all that the account sees: its team's space holds its own Dropbox too. */
  const find = async (
    connection: Connection,
    query: string,
  ): Promise<{ body: unknown; place: Omit<Place, 'cursor'> }> => {
    const account = await accountOf(connection);
    return inSpace(teamSpaceOf(account), async (space) => {
      const seat = { connection, space };
      const options = {
        max_results: SEARCH_PAGE_SIZE,
        file_status: { '.tag': 'active' as const },
        filename_only: false,
      };
      const [body, home] = await Promise.all([
        client.call(seat, 'a search', (sdk) => sdk.filesSearchV2({ query, options })),
        space === undefined ? undefined : homeIn(seat, account),
      ]);
      return { body, place: { of: SEARCH, space, home: home?.path_lower ?? undefined } };
    });
  };

  const searchOn = async (connection: Connection, { space, cursor }: Place): Promise<unknown> =>
    withCursor(client.call({ connection, space }, 'a search', (sdk) => sdk.filesSearchContinueV2({ cursor })));

  return search;
}

function shortened(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 8);
}
