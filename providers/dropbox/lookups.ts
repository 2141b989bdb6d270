import { ProviderError } from '../errors.ts';
import type { Connection } from '../provider.ts';
import type { Client, Seat } from './client.ts';
import { MovedRootError, staleCursor } from './failures.ts';
import { formatRef } from './refs.ts';
import { isLive, parseAccount, parseEntry, type DropboxAccount, type Entry, type Live } from './wire.ts';

/** The small questions that listing, searching and opening share. */
export type Lookups = {
  accountOf: (connection: Connection) => Promise<DropboxAccount>;
  /** `path` is an id or a path that Dropbox has given. Errors: ProviderError `gone`. */
  entryOf: (seat: Seat, path: string) => Promise<Live>;
  /** Ref of the folder at a path of the given root; undefined where the account may not see it. */
  folderRef: (seat: Seat, path: string | undefined) => Promise<string | undefined>;
  /** Where the account's own Dropbox lies in its team's space. */
  homeIn: (seat: Seat, account: DropboxAccount) => Promise<Live | undefined>;
};

export function createLookups(client: Client): Lookups {
  const accountOf = async (connection: Connection): Promise<DropboxAccount> =>
    parseAccount(
      await client.call({ connection }, 'who the account belongs to', (sdk) => sdk.usersGetCurrentAccount()),
    );

  const entryOf = async (seat: Seat, path: string): Promise<Live> => {
    const entry = parseEntry(await client.call(seat, 'an item', (sdk) => sdk.filesGetMetadata({ path })));
    if (isLive(entry)) return entry;
    throw new ProviderError('gone', 'dropbox', 'The item was deleted from Dropbox.');
  };

  /** Undefined for what does not exist, or not for this account. */
  const entryAt = async (seat: Seat, path: string): Promise<Live | undefined> => {
    try {
      return await entryOf(seat, path);
    } catch (error) {
      const kind = error instanceof ProviderError ? error.kind : undefined;
      if (kind === 'gone' || kind === 'denied') return undefined;
      throw error;
    }
  };

  const folderRef = async (seat: Seat, path: string | undefined): Promise<string | undefined> => {
    const { space } = seat;
    if (path === undefined) return undefined;
    if (path === '') return formatRef(space === undefined ? { kind: 'home' } : { kind: 'team', space });
    const folder = await entryAt(seat, path);
    return folder && formatRef({ kind: 'item', space, id: folder.id });
  };

  const homeIn = async (seat: Seat, account: DropboxAccount): Promise<Live | undefined> => {
    const path = account.root_info.home_path;
    return path ? entryAt(seat, path) : undefined;
  };

  return { accountOf, entryOf, folderRef, homeIn };
}

/** A cursor belongs to the root it was made with; when that has changed, the list starts over. */
export async function withCursor(page: Promise<unknown>): Promise<unknown> {
  try {
    return await page;
  } catch (error) {
    throw error instanceof MovedRootError ? staleCursor() : error;
  }
}

/** Each item once, as it was told last; entries are in order, so that what was deleted after it was listed is left out. */
export function latest(entries: Entry[]): Live[] {
  const items = new Map<string, Live>();
  for (const entry of entries) {
    if (isLive(entry)) items.set(entry.id, entry);
    else
      for (const { id, path_lower: path } of items.values())
        if (path && (path === entry.path_lower || path.startsWith(`${entry.path_lower}/`))) items.delete(id);
  }
  return [...items.values()];
}
