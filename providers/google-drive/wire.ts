import { z } from 'zod';
import { foldersFirst } from '../item-order.ts';
import { dateOf } from '../json.ts';
import type { Item } from '../provider.ts';
import { webAddress } from '../urls.ts';
import { parse } from './failures.ts';
import { formatRef, type Ref } from './refs.ts';

const FOLDER = 'application/vnd.google-apps.folder';
const SHORTCUT = 'application/vnd.google-apps.shortcut';
const NATIVE = 'application/vnd.google-apps.';
const OFFICE = 'application/vnd.openxmlformats-officedocument.';

/** What native documents come exported as. Source: https://developers.google.com/workspace/drive/api/guides/ref-export-formats (2026). */
const EXPORTS: Record<string, { mediaType: string; extension: string }> = {
  [`${NATIVE}document`]: { mediaType: `${OFFICE}wordprocessingml.document`, extension: '.docx' },
  [`${NATIVE}spreadsheet`]: { mediaType: `${OFFICE}spreadsheetml.sheet`, extension: '.xlsx' },
  [`${NATIVE}presentation`]: { mediaType: `${OFFICE}presentationml.presentation`, extension: '.pptx' },
};
/** Native kinds without a document in them, as people call them. */
const WITHOUT_CONTENT: Record<string, string> = {
  drawing: 'Drawings',
  form: 'Forms',
  fusiontable: 'Fusion Tables',
  jam: 'Jamboards',
  map: 'My Maps',
  script: 'Apps Scripts',
  site: 'Sites',
  vid: 'Vids',
};

/** The fields that are read, as Google's `fields` parameter spells them. */
export const FILE_FIELDS =
  'id,name,mimeType,size,md5Checksum,modifiedTime,version,webViewLink,parents,driveId,ownedByMe,trashed,resourceKey,' +
  'owners(displayName,emailAddress),capabilities/canDownload,shortcutDetails(targetId,targetMimeType,targetResourceKey)';

const text = z.string().nullish();
const file = z.object({
  id: z.string().min(1),
  name: z.string(),
  mimeType: z.string().min(1),
  /** Digits; also filled for native documents, where it says nothing about the export. */
  size: z.string().regex(/^\d+$/).nullish(),
  md5Checksum: text,
  modifiedTime: text,
  version: text,
  webViewLink: text,
  parents: z.array(z.string()).nullish(),
  driveId: text,
  ownedByMe: z.boolean().nullish(),
  /** None for what lies in a shared drive. */
  owners: z.array(z.object({ displayName: text, emailAddress: text })).nullish(),
  trashed: z.boolean().nullish(),
  resourceKey: text,
  capabilities: z.object({ canDownload: z.boolean().nullish() }).nullish(),
  shortcutDetails: z.object({ targetId: text, targetMimeType: text, targetResourceKey: text }).nullish(),
  exportLinks: z.record(z.string(), z.string()).nullish(),
});
const fileList = z.object({ files: z.array(file), nextPageToken: text });
const startToken = z.object({ startPageToken: z.string().min(1) });
const change = z.object({
  changeType: text,
  removed: z.boolean().nullish(),
  fileId: text,
  driveId: text,
  file: file.nullish(),
});
const changeList = z.object({ changes: z.array(change), nextPageToken: text, newStartPageToken: text });
const channel = z.object({ id: z.string().min(1), resourceId: z.string().min(1), expiration: text });
const drive = z.object({ id: z.string().min(1), name: z.string() });
const driveList = z.object({ drives: z.array(drive), nextPageToken: text });

export type DriveFile = z.infer<typeof file>;

/** Each gives the fields that are read. Errors: ProviderError `bad_response` that names the field. */
export const parseFile = (body: unknown): DriveFile => parse(file, body, 'a file');
export const parseFileList = (body: unknown): z.infer<typeof fileList> => parse(fileList, body, 'a list of files');
export const parseDrive = (body: unknown): z.infer<typeof drive> => parse(drive, body, 'a shared drive');
export const parseDriveList = (body: unknown): z.infer<typeof driveList> =>
  parse(driveList, body, 'the list of shared drives');

export const parseStartToken = (body: unknown): z.infer<typeof startToken> =>
  parse(startToken, body, 'the start of changes');
export const parseChangeList = (body: unknown): z.infer<typeof changeList> =>
  parse(changeList, body, 'a list of changes');

export const parseChannel = (body: unknown): z.infer<typeof channel> => parse(channel, body, 'a notification channel');

/** When a channel ends: milliseconds in answers, an HTTP date in headers. Undefined for anything else. */
export function expiryOf(value: string | null | undefined): Date | undefined {
  return /^\d{1,15}$/.test(value ?? '') ? new Date(Number(value)) : dateOf(value);
}

export const SHARED_WITH_ME: Item = {
  ref: formatRef({ kind: 'shared-with-me' }),
  name: 'Shared with me',
  kind: 'folder',
  mediaType: 'inode/directory',
  webUrl: 'https://drive.google.com/drive/shared-with-me',
  importable: true,
};

/** A shared drive as a root. */
export function toDriveItem(shared: { id: string; name: string }): Item {
  return {
    ref: formatRef({ kind: 'drive', id: shared.id }),
    name: shared.name,
    kind: 'folder',
    mediaType: 'inode/directory',
    webUrl: `https://drive.google.com/drive/folders/${encodeURIComponent(shared.id)}`,
    address: shared.id,
    importable: true,
  };
}

/** `listedIn`: the ref whose listing gave the file, where that is its parent as the browser shows it. */
export function toItem(from: DriveFile, listedIn?: string): Item {
  const shortcut = from.mimeType === SHORTCUT ? from.shortcutDetails : undefined;
  const mimeType = shortcut?.targetMimeType ?? from.mimeType;
  const isFolder = mimeType === FOLDER;
  const reason = isFolder ? undefined : whyNotImportable(from, mimeType);
  return {
    ref: formatRef(refOf(from)),
    name: from.name,
    kind: isFolder ? 'folder' : 'file',
    mediaType: isFolder ? 'inode/directory' : (EXPORTS[mimeType]?.mediaType ?? mimeType),
    sizeBytes: sizeOf(from),
    modifiedAt: dateOf(from.modifiedTime),
    // A shortcut changes when it is moved, not when its target is edited.
    version: from.mimeType === SHORTCUT ? undefined : versionOf(from),
    webUrl: webAddress(from.webViewLink),
    owner: from.owners?.[0]?.displayName || from.owners?.[0]?.emailAddress || undefined,
    parentRef: listedIn ?? parentOf(from),
    // What is in a shortcut's folder names the folder, not the shortcut.
    address: (isFolder && shortcut?.targetId) || from.id,
    importable: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    hint: isFolder || reason !== undefined || from.mimeType === SHORTCUT ? undefined : hintOf(from),
  };
}

/** What opening a file needs to know of it. */
function hintOf({ name, mimeType, size, md5Checksum, modifiedTime, version }: DriveFile): string {
  return JSON.stringify({ name, mimeType, size, md5Checksum, modifiedTime, version });
}

/** The file a hint speaks of; undefined where there is none, or it is not one of ours. */
export function fromHint(id: string, hint: string | undefined): DriveFile | undefined {
  if (hint === undefined) return undefined;
  try {
    return file.safeParse({ ...(JSON.parse(hint) as object), id }).data;
  } catch {
    return undefined;
  }
}

/** A page of a listing: Google sorts shortcuts to folders among the files. */
export const toItems = (files: DriveFile[], listedIn?: string): Item[] =>
  foldersFirst(files.map((from) => toItem(from, listedIn)));

/** Why there will never be content, in a sentence; undefined where there is. */
export function whyNotImportable(from: DriveFile, mimeType = from.mimeType): string | undefined {
  if (mimeType === SHORTCUT)
    return from.shortcutDetails?.targetId ? undefined : 'The shortcut does not say where it leads.';
  if (mimeType.startsWith(NATIVE) && !EXPORTS[mimeType]) {
    const kind = WITHOUT_CONTENT[mimeType.slice(NATIVE.length)];
    return kind ? `Google ${kind} have no document to import.` : 'Google offers no download for this kind of item.';
  }
  // A shortcut itself is never downloadable; its target decides.
  if (from.mimeType !== SHORTCUT && from.capabilities?.canDownload === false)
    return 'The owner has switched off downloading.';
  return undefined;
}

export const isFolder = (from: DriveFile): boolean => from.mimeType === FOLDER;
export const isShortcut = (from: DriveFile): boolean => from.mimeType === SHORTCUT;

/** How a native document is exported; undefined for files with bytes of their own. */
export const exportOf = (from: DriveFile): { mediaType: string; extension: string } | undefined =>
  EXPORTS[from.mimeType];

/** Bytes; undefined for native documents, whose `size` is not that of the export. */
export function sizeOf(from: DriveFile): number | undefined {
  return from.size && !from.mimeType.startsWith(NATIVE) ? Number(from.size) : undefined;
}

/** The checksum where there is one: `version` also grows when a file is only renamed or shared. */
export function versionOf(from: DriveFile): string | undefined {
  if (from.md5Checksum) return `md5-${from.md5Checksum}`;
  return from.version ?? from.modifiedTime ?? undefined;
}

function refOf(from: DriveFile): Ref {
  const key = from.resourceKey ?? undefined;
  const targetId = from.mimeType === SHORTCUT ? from.shortcutDetails?.targetId : undefined;
  return targetId
    ? {
        kind: 'shortcut',
        id: from.id,
        targetId,
        key,
        targetKey: from.shortcutDetails?.targetResourceKey ?? undefined,
      }
    : { kind: 'item', id: from.id, driveId: from.driveId ?? undefined, key };
}

/** Address of the place that holds everything shared with the account which lies in no folder that it sees. */
export const SHARED_ADDRESS = 'shared-with-me';

/** Addresses of the folders that hold a file. */
export const withinOf = (from: DriveFile): string[] =>
  from.parents?.length ? from.parents : from.ownedByMe === false && !from.driveId ? [SHARED_ADDRESS] : [];

/** Items shared with the account have no parents at all; older files may list several, of which the first counts. */
function parentOf(from: DriveFile): string | undefined {
  const parent = from.parents?.[0];
  const driveId = from.driveId ?? undefined;
  if (parent && parent === driveId) return formatRef({ kind: 'drive', id: driveId });
  if (parent) return formatRef({ kind: 'item', id: parent, driveId });
  return from.ownedByMe === false && !driveId ? SHARED_WITH_ME.ref : undefined;
}
