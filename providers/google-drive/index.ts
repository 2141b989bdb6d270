import { drive as driveClient } from '@googleapis/drive';
import type { GoogleConfig } from '../../server/config.ts';
import { ProviderError } from '../errors.ts';
import type { Connection, Fetch, Item, OpenedFile, Provider, ProviderDefinition } from '../provider.ts';
import { bodyStream, isPage } from '../streams.ts';
import { createGoogleAuth, SCOPES, SETTINGS } from './auth.ts';
import { createDriveChanges } from './changes.ts';
import { createDriveWebhooks } from './webhooks.ts';
import { badResponse, failedAnswer, judgeGoogle, notJson, toProviderError } from './failures.ts';
import { parseRef, type Ref } from './refs.ts';
import {
  exportOf,
  FILE_FIELDS,
  fromHint,
  isFolder,
  isShortcut,
  parseDrive,
  parseDriveList,
  parseFile,
  parseFileList,
  SHARED_ADDRESS,
  SHARED_WITH_ME,
  sizeOf,
  toDriveItem,
  toItem,
  toItems,
  versionOf,
  whyNotImportable,
  type DriveFile,
} from './wire.ts';

const PAGE_SIZE = 100;
/** Google's own limit. Source: https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list (2026). */
const MOST_ON_A_PAGE = 1000;
const LIST_FIELDS = `nextPageToken,files(${FILE_FIELDS})`;
const EVERYWHERE = { supportsAllDrives: true, includeItemsFromAllDrives: true };

export const googleDriveDefinition: ProviderDefinition = {
  id: 'google_drive',
  label: 'Google Drive',
  summary: 'Browse and import from My Drive, what others share with you, and shared drives.',
  scopes: SCOPES,
  settings: SETTINGS,
  hosts: ['accounts.google.com', 'docs.google.com', '*.googleapis.com', '*.googleusercontent.com'],
  // Quotas of 12,000 queries a minute for the project and for each user. Source:
  // https://developers.google.com/workspace/drive/api/guides/limits (2026)
  pace: { integration: { perSecond: 50, burst: 200 }, app: { perSecond: 180, burst: 400 } },
  // A refresh token that was not used for six months ends. Source: https://developers.google.com/identity/protocols/oauth2 (2026)
  idleDays: 180,
  manualRevokeUrl: 'https://myaccount.google.com/connections',
  help: { consoleUrl: 'https://console.cloud.google.com/', guide: 'docs/google-drive.md' },
};

/**
 * Google Drive v3 through Google's own client, whose requests all go out by the connection's fetch. Only links of large
 * exports are fetched directly, because the client has no call for them.
 * Errors: every method throws ProviderError only; `open` throws the signal's reason when it is aborted.
 */
export function createGoogleDrive(config: GoogleConfig): Provider {
  const { files, drives, changes, channels } = driveClient({ version: 'v3' });
  const options = (fetch: Fetch, keys: Record<string, string | undefined> = {}) => ({
    // Given with each call: on the client itself a path in front would be dropped.
    rootUrl: `${config.apiUrl}/`,
    fetchImplementation: accepting(fetch),
    // The connection repeats what is safe to repeat.
    retry: false,
    headers: resourceKeys(keys),
  });

  const fileOf = async (connection: Connection, ref: { id: string; key?: string }, more = ''): Promise<DriveFile> => {
    const body = await call('a file', () =>
      files.get(
        { fileId: ref.id, fields: FILE_FIELDS + more, supportsAllDrives: true },
        options(connection.fetch, { [ref.id]: ref.key }),
      ),
    );
    const file = parseFile(body);
    if (file.trashed) throw new ProviderError('gone', 'google_drive', 'The item is in the bin of Google Drive.');
    return file;
  };

  const sharedDrive = async (connection: Connection, driveId: string): Promise<Item> =>
    toDriveItem(
      parseDrive(
        await call('a shared drive', () => drives.get({ driveId, fields: 'id,name' }, options(connection.fetch))),
      ),
    );

  const sharedDrives = async (connection: Connection): Promise<Item[]> => {
    const found: Item[] = [];
    const seen = new Set<string>();
    for (let pageToken: string | undefined; ;) {
      const body = await call('the list of shared drives', () =>
        drives.list(
          { pageSize: PAGE_SIZE, pageToken, fields: 'nextPageToken,drives(id,name)' },
          options(connection.fetch),
        ),
      );
      const page = parseDriveList(body);
      found.push(...page.drives.map(toDriveItem));
      if (!page.nextPageToken) return found;
      if (seen.has(page.nextPageToken)) throw badResponse('the list of shared drives', 'nextPageToken');
      seen.add(page.nextPageToken);
      pageToken = page.nextPageToken;
    }
  };

  const page = async (
    connection: Connection,
    query: { q: string; corpora: string; driveId?: string; orderBy?: string },
    cursor: string | undefined,
    more: { keys?: Record<string, string | undefined>; pageSize?: number } = {},
  ): Promise<{ found: DriveFile[]; next?: string }> => {
    const body = await call('a list of files', () =>
      files.list(
        {
          ...query,
          ...EVERYWHERE,
          spaces: 'drive',
          pageSize: Math.min(more.pageSize ?? PAGE_SIZE, MOST_ON_A_PAGE),
          pageToken: cursor,
          fields: LIST_FIELDS,
        },
        options(connection.fetch, more.keys),
      ),
    );
    const { files: found, nextPageToken } = parseFileList(body);
    if (nextPageToken && nextPageToken === cursor) throw badResponse('a list of files', 'nextPageToken');
    return { found, next: nextPageToken ?? undefined };
  };

  /** The folder whose children are asked for: a shortcut's target, with the shared drive it lies in. */
  const folderOf = async (connection: Connection, ref: Exclude<Ref, { kind: 'shared-with-me' }>) => {
    if (ref.kind === 'drive') return { id: ref.id, driveId: ref.id };
    if (ref.kind === 'item') return ref;
    const target = await fileOf(connection, { id: ref.targetId, key: ref.targetKey });
    return { id: target.id, driveId: target.driveId ?? undefined, key: ref.targetKey };
  };

  const list: Provider['list'] = async (connection, text, cursor, { pageSize } = {}) => {
    const ref = parseRef(text);
    const sorted = { orderBy: 'folder,name_natural' };
    if (ref.kind === 'shared-with-me') {
      const q = 'sharedWithMe = true and trashed = false';
      const { found, next } = await page(connection, { q, corpora: 'user', ...sorted }, cursor, { pageSize });
      return { items: toItems(found), next, address: SHARED_ADDRESS };
    }
    const folder = await folderOf(connection, ref);
    const { id, driveId, key } = { key: undefined, ...folder };
    const corpora = driveId ? { corpora: 'drive', driveId } : { corpora: 'user' };
    const q = `${quoted(id)} in parents and trashed = false`;
    const { found, next } = await page(connection, { q, ...corpora, ...sorted }, cursor, {
      keys: { [id]: key },
      pageSize,
    });
    // A place that this account lost access to may list as empty instead of failing.
    if (found.length === 0 && !next && !cursor) await get(connection, text);
    // A shortcut's children have their true folder as parent, however they were reached.
    return { items: toItems(found, ref.kind === 'shortcut' ? undefined : text), next, address: id };
  };

  const get = async (connection: Connection, text: string): Promise<Item> => {
    const ref = parseRef(text);
    if (ref.kind === 'shared-with-me') return SHARED_WITH_ME;
    if (ref.kind === 'drive') return sharedDrive(connection, ref.id);
    return toItem(await fileOf(connection, ref));
  };

  const feeds = createDriveChanges((connection, what, run) =>
    call(what, () => run(changes, options(connection.fetch))),
  );
  const hooks = createDriveWebhooks(
    {
      watch: (connection, run) => call('a notification channel', () => run(changes, options(connection.fetch))),
      async stop(connection, requestBody) {
        // The answer is empty.
        await channels.stop({ requestBody }, options(connection.fetch)).catch((error: unknown) => {
          throw toProviderError(error);
        });
      },
    },
    feeds,
  );

  return {
    definition: googleDriveDefinition,
    auth: createGoogleAuth(config),
    judge: judgeGoogle,

    async roots(connection) {
      const [myDrive, shared] = await Promise.all([fileOf(connection, { id: 'root' }), sharedDrives(connection)]);
      return [toItem(myDrive), SHARED_WITH_ME, ...shared];
    },

    list,

    async search(connection, query, cursor) {
      const words = query.trim();
      if (words === '') return { items: [] };
      const q = `(name contains ${quoted(words)} or fullText contains ${quoted(words)}) and trashed = false`;
      // Without an order: Google refuses one together with fullText.
      const { found, next } = await page(connection, { q, corpora: 'allDrives' }, cursor);
      return { items: found.map((file) => toItem(file)), next };
    },

    get,

    changes: feeds,
    webhooks: hooks,

    async open(connection, text, { signal, hint }) {
      try {
        return await open(connection, parseRef(text), signal, hint);
      } catch (error) {
        throw signal.aborted ? signal.reason : toProviderError(error);
      }
    },
  };

  async function open(connection: Connection, ref: Ref, signal: AbortSignal, hint?: string): Promise<OpenedFile> {
    if (ref.kind === 'shared-with-me' || ref.kind === 'drive') throw notAFile();
    let key = ref.key;
    const guarded: Connection = { ...connection, fetch: (input, init) => connection.fetch(input, { ...init, signal }) };
    let file = (ref.kind === 'item' && fromHint(ref.id, hint)) || (await fileOf(guarded, ref, ',exportLinks'));
    const target = isShortcut(file) ? file.shortcutDetails : undefined;
    if (target?.targetId) {
      key = target.targetResourceKey ?? undefined;
      file = await fileOf(guarded, { id: target.targetId, key }, ',exportLinks');
    }
    if (isFolder(file)) throw notAFile();
    const reason = whyNotImportable(file);
    if (reason) throw new ProviderError('not_downloadable', 'google_drive', reason);

    const exported = exportOf(file);
    const request = { ...options(guarded.fetch, { [file.id]: key }), responseType: 'stream' as const };
    const shared = { version: versionOf(file) };
    if (!exported) {
      const body = await call('a download', () =>
        files.get({ fileId: file.id, alt: 'media', supportsAllDrives: true }, request),
      );
      return {
        ...shared,
        stream: bodyStream(streamOf(body), signal, toProviderError),
        name: file.name,
        mediaType: file.mimeType,
        sizeBytes: sizeOf(file),
        hash: file.md5Checksum ? { algorithm: 'md5', hex: file.md5Checksum.toLowerCase() } : undefined,
      };
    }
    const name = file.name.toLowerCase().endsWith(exported.extension) ? file.name : file.name + exported.extension;
    const { mediaType } = exported;
    try {
      const body = await call('an export', () => files.export({ fileId: file.id, mimeType: mediaType }, request));
      return { ...shared, stream: bodyStream(streamOf(body), signal, toProviderError), name, mediaType };
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'too_large')) throw error;
      const links = file.exportLinks ?? (await fileOf(guarded, { id: file.id, key }, ',exportLinks')).exportLinks;
      const link = links?.[mediaType];
      if (!link) throw error;
      // The link gives what the export call refuses above 10 MB. It needs the token, which the connection adds.
      const response = await accepting(guarded.fetch)(link, { headers: resourceKeys({ [file.id]: key }) });
      if (isPage(response)) throw notJson('an export');
      return { ...shared, stream: bodyStream(response.body, signal, toProviderError), name, mediaType };
    }
  }
}

/** A fetch whose refusals are errors already: for streams the client would lose the body, which has the reason. */
function accepting(fetch: Fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.ok) throw await failedAnswer(response);
    return response;
  };
}

/** Runs one call of the client. `what` completes "Google answered …". Errors: ProviderError. */
async function call(what: string, run: () => Promise<{ data: unknown }>): Promise<unknown> {
  let data: unknown;
  try {
    ({ data } = await run());
  } catch (error) {
    throw toProviderError(error);
  }
  if (typeof data === 'string') throw notJson(what);
  return data;
}

/** What the client gives where a stream was asked for. */
function streamOf(body: unknown): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body as ReadableStream<Uint8Array>;
  throw badResponse('a download', 'body');
}

/** Source: https://developers.google.com/workspace/drive/api/guides/resource-keys (2026). */
function resourceKeys(keys: Record<string, string | undefined>): Record<string, string> {
  const pairs = Object.entries(keys).flatMap(([id, key]) => (key ? [`${id}/${key}`] : []));
  return pairs.length > 0 ? { 'X-Goog-Drive-Resource-Keys': pairs.join(',') } : {};
}

/** A text of Google's query language. */
function quoted(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}

function notAFile(): ProviderError {
  return new ProviderError('not_downloadable', 'google_drive', 'A folder has no content of its own.');
}
