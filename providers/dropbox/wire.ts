import { z } from 'zod';
import { dateOf } from '../json.ts';
import type { Item } from '../provider.ts';
import { mediaTypeOf } from '../media-types.ts';
import { parse } from './failures.ts';
import { formatRef } from './refs.ts';

const FOLDER_TYPE = 'inode/directory';
const HOME_URL = 'https://www.dropbox.com/home';

/** Formats that need another extension than their own name. */
const EXTENSIONS: Record<string, string> = { markdown: '.md', plain_text: '.txt', text: '.txt' };
/** Extensions of documents that live in the cloud only; an export's name goes without. */
const CLOUD_EXTENSION = /\.(?:papert?|gdoc|gsheet|gslides|gform|binder)$/i;

const text = z.string().nullish();
const place = { name: z.string(), path_lower: text, path_display: text };
const file = z.object({
  ...place,
  id: z.string().min(1),
  server_modified: text,
  rev: z.string().min(1),
  size: z.number().int().nonnegative(),
  is_downloadable: z.boolean().nullish(),
  export_info: z.object({ export_as: text, export_options: z.array(z.string()).nullish() }).nullish(),
  content_hash: text,
  symlink_info: z.object({ target: text }).nullish(),
});
const entry = z.discriminatedUnion('.tag', [
  file.extend({ '.tag': z.literal('file') }),
  z.object({
    ...place,
    '.tag': z.literal('folder'),
    id: z.string().min(1),
    sharing_info: z.object({ no_access: z.boolean().nullish() }).nullish(),
  }),
  z.object({ ...place, '.tag': z.literal('deleted') }),
]);
const listing = z.object({ entries: z.array(entry), cursor: z.string().min(1), has_more: z.boolean() });
/** Beside `metadata` there may be kinds of matches that are no files. */
const match = z.object({ metadata: z.object({ '.tag': z.string(), metadata: z.unknown().optional() }) });
const searchPage = z.object({ matches: z.array(match), cursor: text, has_more: z.boolean() });
const latestCursor = z.object({ cursor: z.string().min(1) });
const exported = z.object({ file_metadata: z.object({ rev: z.string().min(1) }) });
const account = z.object({
  account_id: z.string().min(1),
  name: z.object({ display_name: text }),
  email: text,
  team: z.object({ name: text }).nullish(),
  root_info: z.object({ root_namespace_id: z.string().min(1), home_namespace_id: z.string().min(1), home_path: text }),
});

export type DropboxFile = z.infer<typeof file>;
export type Entry = z.infer<typeof entry>;
/** What can be shown: a file or folder, not the trace of a deleted one. */
export type Live = Exclude<Entry, { '.tag': 'deleted' }>;
export type DropboxAccount = z.infer<typeof account>;

/** Each gives the fields that are read. Errors: ProviderError `bad_response` that names the field. */
export const parseListing = (body: unknown): z.infer<typeof listing> => parse(listing, body, 'a list of files');
export const parseCursor = (body: unknown): { cursor: string } => parse(latestCursor, body, 'the start of changes');
export const parseEntry = (body: unknown): Entry => parse(entry, body, 'an item');
export const parseAccount = (body: unknown): DropboxAccount => parse(account, body, 'who the account belongs to');
export const parseDownload = (body: unknown): DropboxFile => parse(file, body, 'a download');
export const parseExport = (body: unknown): { rev: string } => parse(exported, body, 'an export').file_metadata;

/** The metadata stands two levels deep; matches of other kinds are left out. */
export function parseSearch(body: unknown): { entries: Entry[]; cursor?: string; hasMore: boolean } {
  const { matches, cursor, has_more: hasMore } = parse(searchPage, body, 'a search');
  const entries = matches.flatMap(({ metadata }) =>
    metadata['.tag'] === 'metadata' ? [parse(entry, metadata.metadata, 'a search')] : [],
  );
  return { entries, cursor: cursor ?? undefined, hasMore };
}

export const isLive = (from: Entry): from is Live => from['.tag'] !== 'deleted';

/**
 * Namespace of the space that the account shares with its team; undefined where it has none but its own Dropbox.
 * Source: https://developers.dropbox.com/dbx-team-files-guide (2026).
 */
export function teamSpaceOf({ root_info: info }: DropboxAccount): string | undefined {
  return info.root_namespace_id === info.home_namespace_id ? undefined : info.root_namespace_id;
}

/** The account's own Dropbox, and its team's space where there is one. */
export function rootsOf(from: DropboxAccount): Item[] {
  const space = teamSpaceOf(from);
  const folder = { kind: 'folder' as const, mediaType: FOLDER_TYPE, importable: true };
  const home: Item = {
    ref: formatRef({ kind: 'home' }),
    name: 'Dropbox',
    ...folder,
    webUrl: HOME_URL + escapePath(from.root_info.home_path ?? ''),
  };
  if (space === undefined) return [home];
  return [
    home,
    { ref: formatRef({ kind: 'team', space }), name: from.team?.name ?? 'Team space', ...folder, webUrl: HOME_URL },
  ];
}

/** `in`: the team space it was found in, and the ref of the folder it lies in. */
export function toItem(from: Live, where: { space?: string; parentRef?: string }): Item {
  const shared = {
    ref: formatRef({ kind: 'item', space: where.space, id: from.id }),
    name: from.name,
    parentRef: where.parentRef,
    address: addressOf(where.space, from.path_lower),
  };
  const reason = whyNotImportable(from);
  const importable = reason === undefined;
  const said = reason === undefined ? {} : { reason };
  if (from['.tag'] === 'folder')
    return { ...shared, kind: 'folder', mediaType: FOLDER_TYPE, webUrl: webUrlOf(from), importable, ...said };
  return {
    ...shared,
    kind: 'file',
    mediaType: exportOf(from)?.mediaType ?? mediaTypeOf(from.name),
    sizeBytes: isNative(from) ? undefined : from.size,
    modifiedAt: dateOf(from.server_modified),
    version: from.rev,
    webUrl: webUrlOf(from),
    importable,
    ...said,
  };
}

/** Why there will never be content, in a sentence; undefined where there is. */
export function whyNotImportable(from: Live): string | undefined {
  if (from['.tag'] === 'folder')
    return from.sharing_info?.no_access ? 'This account may not open the folder.' : undefined;
  if (from.symlink_info) return 'The file is only a link to another place, without content of its own.';
  if (isNative(from) && !exportOf(from)) return 'Dropbox offers no download or export for this kind of file.';
  return undefined;
}

/** A document of the cloud without bytes of its own; a missing field means that there are some. */
const isNative = (from: DropboxFile): boolean => from.is_downloadable === false;

/**
 * How a document of the cloud is exported; undefined for files with bytes of their own and where Dropbox names no format.
 * Neither of its two fields is complete. Markdown keeps what a Paper document says best.
 */
export function exportOf(from: DropboxFile): { format: string; mediaType: string; name: string } | undefined {
  if (!isNative(from)) return undefined;
  const { export_as: usual, export_options: others } = from.export_info ?? {};
  const offered = [usual, ...(others ?? [])].filter((format) => format !== null && format !== undefined);
  const format = offered.includes('markdown') ? 'markdown' : offered[0];
  if (format === undefined) return undefined;
  const extension = EXTENSIONS[format] ?? `.${format.replace(/[^\w-]/g, '')}`;
  const name = from.name.replace(CLOUD_EXTENSION, '') + extension;
  return { format, mediaType: mediaTypeOf(name), name };
}

/** How Dropbox's changes name a place: by its lower-case path in a space. Undefined for what lies nowhere. */
export const addressOf = (space: string | undefined, path: string | null | undefined): string | undefined =>
  path === undefined || path === null ? undefined : `${space ?? 'home'}:${path}`;

/** Folder that an item lies in, as Dropbox spells its lower-case path; '' is the root, undefined is nowhere (not mounted). */
export function parentPathOf({ path_lower: path }: Entry): string | undefined {
  return path ? path.slice(0, path.lastIndexOf('/')) : undefined;
}

/**
 * An item of the account's own Dropbox as it looks from there, when it was met in the team space. `home` is the lower-case path
 * of the own Dropbox there. Undefined for what lies elsewhere.
 */
export function seenFromHome(from: Live, home: string): Live | undefined {
  if (from.path_lower !== home && !from.path_lower?.startsWith(`${home}/`)) return undefined;
  const depth = home.split('/').length;
  const below = (path: string | null | undefined): string =>
    (path ?? '')
      .split('/')
      .slice(depth)
      .map((part) => `/${part}`)
      .join('');
  return { ...from, path_lower: below(from.path_lower), path_display: below(from.path_display) };
}

/** Files open beside the folder they lie in. */
function webUrlOf({ '.tag': tag, name, path_display: path }: Live): string | undefined {
  if (!path) return undefined;
  if (tag === 'folder') return HOME_URL + escapePath(path);
  return `${HOME_URL}${escapePath(path.slice(0, path.lastIndexOf('/')))}?preview=${encodeURIComponent(name)}`;
}

const escapePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
