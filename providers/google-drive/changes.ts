import type { drive_v3 } from '@googleapis/drive';
import type { Change, ChangeFeeds, Connection } from '../provider.ts';
import { badResponse } from './failures.ts';
import { parseRef } from './refs.ts';
import { FILE_FIELDS, parseChangeList, parseStartToken, toItem, withinOf } from './wire.ts';

const PAGE_SIZE = 1000;
const FIELDS = `nextPageToken,newStartPageToken,changes(changeType,removed,fileId,driveId,file(${FILE_FIELDS}))`;
/** The feed of My Drive and of what others share; each shared drive has one of its own, named by its id. */
const OWN = 'own';

type CallOptions = { rootUrl: string; retry: boolean; headers: Record<string, string> };
/** Runs one call of Google's client. Errors: ProviderError. */
type Ask = (
  connection: Connection,
  what: string,
  run: (changes: drive_v3.Resource$Changes, options: CallOptions) => Promise<{ data: unknown }>,
) => Promise<unknown>;

/** What names a feed in a call. */
export const feedParams = (feed: string) =>
  feed === OWN
    ? { supportsAllDrives: true, restrictToMyDrive: false }
    : { supportsAllDrives: true, includeItemsFromAllDrives: true, driveId: feed };

/** Drive's logs of changes. Source: https://developers.google.com/workspace/drive/api/guides/manage-changes (2026). */
export function createDriveChanges(ask: Ask): ChangeFeeds {
  return {
    feedOf(text) {
      const ref = parseRef(text);
      if (ref.kind === 'drive') return ref.id;
      return (ref.kind === 'item' && ref.driveId) || OWN;
    },

    own: () => Promise.resolve(OWN),

    async start(connection, feed) {
      const { driveId } = feedParams(feed);
      const body = await ask(connection, 'the start of changes', (changes, options) =>
        changes.getStartPageToken({ supportsAllDrives: true, driveId, fields: 'startPageToken' }, options),
      );
      return parseStartToken(body).startPageToken;
    },

    async read(connection, feed, cursor) {
      const body = await ask(connection, 'a list of changes', (changes, options) =>
        changes.list(
          {
            ...feedParams(feed),
            pageToken: cursor,
            pageSize: PAGE_SIZE,
            includeRemoved: true,
            spaces: 'drive',
            fields: FIELDS,
          },
          options,
        ),
      );
      const page = parseChangeList(body);
      // Only the last page has the token to go on with next time.
      const next = page.nextPageToken ?? page.newStartPageToken;
      if (!next) throw badResponse('a list of changes', 'newStartPageToken');
      return { changes: page.changes.flatMap(toChange), cursor: next, done: !page.nextPageToken };
    },
  };
}

/** In the bin counts as gone. Of a shared drive it is only told that it is out of reach. */
function toChange(from: ReturnType<typeof parseChangeList>['changes'][number]): Change[] {
  const address = from.changeType === 'drive' ? from.driveId : from.fileId;
  if (!address) return [];
  if (from.removed || from.file?.trashed) return [{ kind: 'gone', address }];
  if (!from.file) return [];
  return [{ kind: 'present', item: toItem(from.file), within: withinOf(from.file) }];
}
