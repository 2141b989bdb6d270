import type { Change, ChangeFeeds } from '../provider.ts';
import { badResponse } from './failures.ts';
import { inSpace, type Client } from './client.ts';
import { withCursor } from './lookups.ts';
import { parseRef } from './refs.ts';
import { addressOf, isLive, parentPathOf, parseCursor, parseListing, toItem, type Entry } from './wire.ts';

/** The feed of the account's own Dropbox; that of a team space is named by the space's id. */
const HOME = 'home';

/**
 * Dropbox's cursors over a whole space. Source: https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder-continue
 * (2026). A move is told as a deletion at the old path and an entry with the same id at the new one.
 */
export function createDropboxChanges(client: Client): ChangeFeeds {
  const spaceOf = (feed: string): string | undefined => (feed === HOME ? undefined : feed);

  return {
    feedOf: (text) => parseRef(text).space ?? HOME,

    own: () => Promise.resolve(HOME),

    start: (connection, feed) =>
      inSpace(spaceOf(feed), async (space) => {
        const body = await client.call({ connection, space }, 'the start of changes', (sdk) =>
          sdk.filesListFolderGetLatestCursor({ path: '', recursive: true, include_deleted: true }),
        );
        return parseCursor(body).cursor;
      }),

    async read(connection, feed, cursor) {
      const space = spaceOf(feed);
      const body = await withCursor(
        client.call({ connection, space }, 'a list of changes', (sdk) => sdk.filesListFolderContinue({ cursor })),
      );
      const { entries, cursor: next, has_more: hasMore } = parseListing(body);
      if (hasMore && next === cursor) throw badResponse('a list of changes', 'cursor');
      return { changes: entries.flatMap((entry) => toChange(entry, space)), cursor: next, done: !hasMore };
    },
  };
}

/** What lies at no path is not mounted: nothing followed can be there. */
function toChange(entry: Entry, space: string | undefined): Change[] {
  const address = addressOf(space, entry.path_lower);
  if (address === undefined) return [];
  if (!isLive(entry)) return [{ kind: 'gone', address }];
  const parent = addressOf(space, parentPathOf(entry));
  return [{ kind: 'present', item: toItem(entry, { space }), within: parent === undefined ? [] : [parent] }];
}
