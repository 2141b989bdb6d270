import type { DropboxConfig } from '../../server/config.ts';
import { ProviderError } from '../errors.ts';
import type { Connection, Item, OpenedFile, Provider, ProviderDefinition } from '../provider.ts';
import { byName, foldersFirst } from '../item-order.ts';
import { mediaTypeOf } from '../media-types.ts';
import { bodyStream } from '../streams.ts';
import { createDropboxAuth, MANUAL_REVOKE_URL, SCOPES, SETTINGS } from './auth.ts';
import { createDropboxChanges } from './changes.ts';
import { createClient, inSpace, type Seat } from './client.ts';
import { badResponse, judge, MovedRootError, toProviderError } from './failures.ts';
import { createLookups, latest, withCursor } from './lookups.ts';
import { formatCursor, formatRef, parseCursor, parseRef, type Place, type Ref } from './refs.ts';
import { createSearch } from './search.ts';
import { createDropboxWebhooks } from './webhooks.ts';
import {
  addressOf,
  exportOf,
  parentPathOf,
  parseDownload,
  parseExport,
  parseListing,
  rootsOf,
  teamSpaceOf,
  toItem,
  whyNotImportable,
  type Entry,
  type Live,
} from './wire.ts';

const PAGE_SIZE = 200;
/** Dropbox's own limit. Source: https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder (2026). */
const MOST_ON_A_PAGE = 2000;

export const dropboxDefinition: ProviderDefinition = {
  id: 'dropbox',
  label: 'Dropbox',
  summary: 'Browse and import from your own Dropbox, folders shared with you, and your team’s space.',
  scopes: SCOPES,
  settings: SETTINGS,
  hosts: ['*.dropboxapi.com', 'www.dropbox.com'],
  // Dropbox publishes no numbers, only that each account has a limit of its own and that a 429 says how long to wait. These keep a
  // large import from running into it at once. Source: https://developers.dropbox.com/dbx-performance-guide (2026)
  pace: { integration: { perSecond: 25, burst: 100 }, app: { perSecond: 250, burst: 500 } },
  manualRevokeUrl: MANUAL_REVOKE_URL,
  help: { consoleUrl: 'https://www.dropbox.com/developers/apps', guide: 'docs/dropbox.md' },
};

/**
 * Dropbox API v2. Files are named by id; the account's own Dropbox and its team's space are two roots, and the own one is left
 * out of the team's, where Dropbox would show it once more.
 * Errors: every method throws ProviderError only; `open` throws the signal's reason when it is aborted.
 */
export function createDropbox(config: DropboxConfig): Provider {
  const client = createClient(config);
  const lookups = createLookups(client);
  const { accountOf, entryOf, folderRef, homeIn } = lookups;

  const firstPage = async (
    connection: Connection,
    ref: Ref,
    limit: number,
  ): Promise<{ body: unknown; place: Omit<Place, 'cursor'> }> =>
    inSpace(ref.space, async (asked) => {
      const account = ref.kind === 'team' ? await accountOf(connection) : undefined;
      const space = account ? teamSpaceOf(account) : asked;
      if (account && space === undefined) throw new MovedRootError('', {});
      const seat = { connection, space };
      const path = ref.kind === 'item' ? ref.id : '';
      const [body, home] = await Promise.all([
        client.call(seat, 'a list of files', (sdk) => sdk.filesListFolder({ path, limit })),
        account && homeIn(seat, account),
      ]);
      return { body, place: { of: formatRef(ref), space, home: home?.id } };
    });

  const list: Provider['list'] = async (connection, text, cursor, { pageSize = PAGE_SIZE, forImport } = {}) => {
    const ref = parseRef(text);
    const known = cursor === undefined ? undefined : parseCursor(cursor, formatRef(ref));
    const { body, place } = known
      ? { body: await listOn(connection, known), place: known }
      : await firstPage(connection, ref, Math.min(pageSize, MOST_ON_A_PAGE));
    const { entries, cursor: next, has_more: hasMore } = parseListing(body);
    if (hasMore && next === known?.cursor) throw badResponse('a list of files', 'cursor');
    const { of, space, home } = place;
    const parentRef = formatRef(ref.space === undefined || space === undefined ? ref : { ...ref, space });
    const items = latest(entries)
      .filter(({ id }) => id !== home)
      .map((entry) => toItem(entry, { space, parentRef }));
    return {
      // Dropbox lists in no order; a page is sorted as people read it.
      items: foldersFirst(byName(items)),
      next: hasMore ? formatCursor({ of, space, home, cursor: next }) : undefined,
      ...(forImport ? { address: await addressOfListed(connection, ref, space, entries[0]) } : {}),
    };
  };

  /** Told by what is in the folder; an empty one has to be asked for. */
  const addressOfListed = async (
    connection: Connection,
    ref: Ref,
    space: string | undefined,
    first: Entry | undefined,
  ): Promise<string | undefined> => {
    if (ref.kind !== 'item') return addressOf(space, '');
    return addressOf(space, first ? parentPathOf(first) : (await entryOf({ connection, space }, ref.id)).path_lower);
  };

  const listOn = async (connection: Connection, { space, cursor }: Place): Promise<unknown> =>
    withCursor(client.call({ connection, space }, 'a list of files', (sdk) => sdk.filesListFolderContinue({ cursor })));

  const get = async (connection: Connection, text: string): Promise<Item> => {
    const ref = parseRef(text);
    if (ref.kind === 'item')
      return inSpace(ref.space, async (space) => {
        const seat = { connection, space };
        const entry = await entryOf(seat, ref.id);
        return toItem(entry, { space, parentRef: await folderRef(seat, parentPathOf(entry)) });
      });
    const [home, team] = rootsOf(await accountOf(connection));
    const root = ref.kind === 'home' ? home : team;
    if (!root) throw new MovedRootError('', {});
    return root;
  };

  const open = async (seat: Seat & { signal: AbortSignal }, id: string): Promise<OpenedFile> => {
    let entry: Live;
    try {
      const { body, result: file } = await client.content(
        seat,
        { what: 'a download', route: 'files/download', parse: parseDownload },
        { path: id },
      );
      return {
        stream: bodyStream(body, seat.signal, toProviderError),
        name: file.name,
        mediaType: mediaTypeOf(file.name),
        sizeBytes: file.size,
        version: file.rev,
        hash: file.content_hash ? { algorithm: 'dropbox', hex: file.content_hash.toLowerCase() } : undefined,
      };
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'not_downloadable')) throw error;
      entry = await entryOf(seat, id);
      const reason = whyNotImportable(entry);
      if (reason)
        throw new ProviderError('not_downloadable', 'dropbox', reason, { status: error.status, cause: error });
      if (entry['.tag'] === 'folder' || !exportOf(entry)) throw error;
    }
    const exported = exportOf(entry);
    if (!exported) throw badResponse('an item', 'export_info');
    const { format, name, mediaType } = exported;
    const { body, result } = await client.content(
      seat,
      { what: 'an export', route: 'files/export', parse: parseExport },
      { path: id, export_format: format },
    );
    return { stream: bodyStream(body, seat.signal, toProviderError), name, mediaType, version: result.rev };
  };

  return {
    definition: dropboxDefinition,
    auth: createDropboxAuth(config, client),
    judge,
    roots: async (connection) => rootsOf(await accountOf(connection)),
    list,
    search: createSearch(client, lookups),
    get,
    changes: createDropboxChanges(client),
    webhooks: createDropboxWebhooks(config),

    async open(connection, text, { signal }) {
      const ref = parseRef(text);
      if (ref.kind !== 'item')
        throw new ProviderError('not_downloadable', 'dropbox', 'A folder has no content of its own.');
      try {
        return await inSpace(ref.space, (space) => open({ connection, space, signal }, ref.id));
      } catch (error) {
        throw signal.aborted ? signal.reason : toProviderError(error);
      }
    },
  };
}
