import { z } from 'zod';
import { dateOf } from '../json.ts';
import { parseUrl, webAddress } from '../urls.ts';
import type { Item, OpenedFile } from '../provider.ts';
import { badResponse, parse } from './failures.ts';
import { quickXorHex } from './quick-xor-hash.ts';
import { formatRef, sameDrive, type Ref } from './refs.ts';

/** The fields that are read, as Graph's `$select` spells them. */
export const ITEM_FIELDS =
  'id,name,size,cTag,eTag,webUrl,lastModifiedDateTime,file,folder,package,malware,deleted,root,remoteItem,parentReference';
export const DRIVE_FIELDS = 'id,name,driveType,webUrl,sharePointIds';

const text = z.string().nullish();
const facet = z.looseObject({}).nullish();
const file = z
  .object({
    mimeType: text,
    hashes: z.object({ quickXorHash: text, sha256Hash: text, sha1Hash: text }).nullish(),
  })
  .nullish();
const place = z.object({ driveId: text, id: text, path: text }).nullish();
const content = {
  name: text,
  size: z.number().nonnegative().nullish(),
  webUrl: text,
  lastModifiedDateTime: text,
  file,
  folder: facet,
  package: z.looseObject({ type: text }).nullish(),
  parentReference: place,
};
const driveItem = z.object({
  id: z.string().min(1),
  ...content,
  cTag: text,
  eTag: text,
  malware: facet,
  deleted: facet,
  root: facet,
  remoteItem: z.object({ id: text, ...content }).nullish(),
});
const drive = z.object({
  id: z.string().min(1),
  name: text,
  driveType: text,
  webUrl: text,
  sharePointIds: z.object({ siteId: text, webId: text, siteUrl: text }).nullish(),
});
const site = z.object({
  id: z.string().min(1),
  name: text,
  displayName: text,
  webUrl: text,
  isPersonalSite: z.boolean().nullish(),
});
const team = z.object({ id: z.string().min(1), displayName: text });
const channel = z.object({ id: z.string().min(1), displayName: text, webUrl: text });
const user = z.object({ id: z.string().min(1), displayName: text, mail: text, userPrincipalName: text });
const page = <T extends z.ZodType>(entry: T) =>
  z.object({ value: z.array(entry), '@odata.nextLink': text, '@odata.deltaLink': text });
const hits = z.object({
  value: z.array(
    z.object({
      hitsContainers: z
        .array(
          z.object({
            hits: z.array(z.object({ resource: z.object({ id: text, parentReference: place }).nullish() })).nullish(),
            moreResultsAvailable: z.boolean().nullish(),
          }),
        )
        .nullish(),
    }),
  ),
});
const subscription = z.object({ id: z.string().min(1), expirationDateTime: text });
const organizations = z.object({ value: z.array(z.object({ id: z.string().min(1) })) });

export type DriveItem = z.infer<typeof driveItem>;
export type Drive = z.infer<typeof drive>;
export type Site = z.infer<typeof site>;
export type Team = z.infer<typeof team>;
export type Channel = z.infer<typeof channel>;
export type Page<T> = { value: T[]; '@odata.nextLink'?: string | null; '@odata.deltaLink'?: string | null };

/** Each gives the fields that are read. Errors: ProviderError `bad_response` that names the field. */
export const parseItem = (body: unknown): DriveItem => parse(driveItem, body, 'an item');
export const parseItems = (body: unknown): Page<DriveItem> => parse(page(driveItem), body, 'a list of items');
export const parseDrive = (body: unknown): Drive => parse(drive, body, 'a drive');
export const parseDrives = (body: unknown): Page<Drive> => parse(page(drive), body, 'a list of libraries');
export const parseSite = (body: unknown): Site => parse(site, body, 'a site');
export const parseSites = (body: unknown): Page<Site> => parse(page(site), body, 'the list of sites');
export const parseTeam = (body: unknown): Team => parse(team, body, 'a team');
export const parseTeams = (body: unknown): Page<Team> => parse(page(team), body, 'the list of teams');
export const parseChannel = (body: unknown): Channel => parse(channel, body, 'a channel');
export const parseChannels = (body: unknown): Page<Channel> => parse(page(channel), body, 'a list of channels');
export const parseUser = (body: unknown): z.infer<typeof user> => parse(user, body, 'who the account belongs to');
export const parseHits = (body: unknown): z.infer<typeof hits> => parse(hits, body, 'a search');
export const parseSubscription = (body: unknown): z.infer<typeof subscription> =>
  parse(subscription, body, 'a subscription');
export const parseOrganizations = (body: unknown): z.infer<typeof organizations> =>
  parse(organizations, body, 'the organisation of the account');

const FOLDER = { kind: 'folder', mediaType: 'inode/directory', importable: true } as const;

export const SHARED_WITH_ME: Item = { ref: formatRef({ kind: 'shared-with-me' }), name: 'Shared with me', ...FOLDER };
export const ALL_SITES: Item = { ref: formatRef({ kind: 'sites' }), name: 'All SharePoint sites', ...FOLDER };
export const ALL_TEAMS: Item = { ref: formatRef({ kind: 'teams' }), name: 'All teams', ...FOLDER };

/** Stands where the account's OneDrive would, so that nobody looks for it in vain. */
export const noOneDrive = (reason: string): Item => ({
  ref: formatRef({ kind: 'one-drive' }),
  name: 'OneDrive',
  ...FOLDER,
  importable: false,
  reason,
});

/** A OneDrive as a root, or a library as a folder of its site. */
export function toDriveItem(from: Drive): Item {
  const isLibrary = from.driveType === 'documentLibrary';
  const { siteId, webId, siteUrl } = from.sharePointIds ?? {};
  const site = isLibrary && siteId && webId ? parseUrl(siteUrl ?? '') : undefined;
  return {
    ref: formatRef({ kind: 'drive', driveId: from.id }),
    name: isLibrary ? from.name || 'Documents' : 'OneDrive',
    ...FOLDER,
    webUrl: webAddress(from.webUrl),
    parentRef: site ? formatRef({ kind: 'site', siteId: `${site.hostname},${siteId},${webId}` }) : undefined,
  };
}

export function toSiteItem(from: Site): Item {
  return {
    ref: formatRef({ kind: 'site', siteId: from.id }),
    name: from.displayName || from.name || from.id,
    ...FOLDER,
    webUrl: webAddress(from.webUrl),
  };
}

/** Sites that only hold somebody's OneDrive. */
export const isPersonalSite = (from: Site): boolean =>
  from.isPersonalSite === true || /^https:\/\/[^/]*-my\.sharepoint\./i.test(from.webUrl ?? '');

/** The name says what it is: a team's files also stand in a site of the same name. */
export function toTeamItem(from: Team): Item {
  return {
    ref: formatRef({ kind: 'team', teamId: from.id }),
    name: `${from.displayName || from.id} (team)`,
    ...FOLDER,
  };
}

export function toChannelItem(from: Channel, teamId: string): Item {
  return {
    ref: formatRef({ kind: 'channel', teamId, channelId: from.id }),
    name: from.displayName || from.id,
    ...FOLDER,
    webUrl: webAddress(from.webUrl),
    parentRef: formatRef({ kind: 'team', teamId }),
  };
}

/**
 * `asked`: the drive's id as it was spelled in the request, which the item's refs keep; `shared`: the item is the top of
 * something shared with the account.
 */
export function toItem(from: DriveItem, asked: { driveId?: string; shared?: boolean } = {}): Item {
  // Of a pointer to another drive, all that counts is said of its target.
  const said = from.remoteItem ?? from;
  const isFolder = Boolean(said.folder) && !said.package;
  const reason = isFolder ? undefined : whyNotImportable(from);
  const ref = refOf(from, asked);
  return {
    ref: formatRef(ref),
    name: said.name || from.name || 'Untitled',
    kind: isFolder ? 'folder' : 'file',
    mediaType: isFolder ? FOLDER.mediaType : said.file?.mimeType || 'application/octet-stream',
    sizeBytes: said.file ? (said.size ?? undefined) : undefined,
    modifiedAt: dateOf(said.lastModifiedDateTime),
    version: versionOf(from),
    webUrl: webAddress(said.webUrl),
    parentRef: parentOf(from, ref),
    address:
      ref.kind === 'item'
        ? addressOf(ref.driveId, ref.itemId)
        : ref.kind === 'link'
          ? addressOf(ref.targetDriveId, ref.targetItemId)
          : undefined,
    importable: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    hint: isFolder || reason !== undefined || from.remoteItem ? undefined : hintOf(from),
  };
}

/** What opening a file needs to know of it. */
function hintOf({ name, size, eTag, cTag, file: content }: DriveItem): string {
  return JSON.stringify({ name, size, eTag, cTag, file: content });
}

/** The file a hint speaks of; undefined where there is none, or it is not one of ours. */
export function fromHint(id: string, hint: string | undefined): DriveItem | undefined {
  if (hint === undefined) return undefined;
  try {
    return parseItem({ ...(JSON.parse(hint) as object), id });
  } catch {
    return undefined;
  }
}

/** Why there will never be content, in a sentence; undefined where there is. */
export function whyNotImportable(from: DriveItem): string | undefined {
  const said = from.remoteItem ?? from;
  if (from.malware) return 'Microsoft 365 marks this file as malware.';
  if (said.package?.type === 'oneNote') return 'OneNote notebooks have no single file to import.';
  if (said.package) return 'Microsoft 365 offers no download for this kind of item.';
  if (from.remoteItem && !(from.remoteItem.id && from.remoteItem.parentReference?.driveId && said.file))
    return 'The shortcut does not say where it leads.';
  if (!said.file) return 'Microsoft 365 offers no download for this kind of item.';
  return undefined;
}

/**
 * Of the content alone where the vendor has a checksum: pointers carry no tags, and `eTag` grows with a mere rename.
 * Folders have none: `cTag` is missing there in business drives.
 */
export function versionOf(from: DriveItem): string | undefined {
  const said = from.remoteItem ?? from;
  if (!said.file) return undefined;
  const hash = hashOf(said.file);
  if (hash) return `${hash.algorithm}-${hash.hex}`;
  if (from.remoteItem) return undefined;
  return from.cTag ?? from.eTag ?? undefined;
}

/**
 * The vendor's checksum. QuickXorHash is base64, the others are hex.
 * Source: https://learn.microsoft.com/en-us/graph/api/resources/hashes (2026).
 */
export function hashOf(from: DriveItem['file']): OpenedFile['hash'] {
  const { quickXorHash, sha256Hash, sha1Hash } = from?.hashes ?? {};
  const quickxor = quickXorHash ? quickXorHex(quickXorHash) : undefined;
  if (quickxor) return { algorithm: 'quickxor', hex: quickxor };
  if (/^[0-9a-f]{64}$/i.test(sha256Hash ?? '')) return { algorithm: 'sha256', hex: String(sha256Hash).toLowerCase() };
  if (/^[0-9a-f]{40}$/i.test(sha1Hash ?? '')) return { algorithm: 'sha1', hex: String(sha1Hash).toLowerCase() };
  return undefined;
}

function refOf(from: DriveItem, asked: { driveId?: string; shared?: boolean }): Ref {
  const named = from.parentReference?.driveId ?? asked.driveId;
  const driveId = named && asked.driveId && sameDrive(named, asked.driveId) ? asked.driveId : named;
  const target = from.remoteItem;
  const targetDrive = target?.parentReference?.driveId;
  if (target?.id && targetDrive) {
    // What lies in a folder of the account's own is a pointer; what lies nowhere is shared.
    const isLink = !asked.shared && driveId && from.parentReference?.id;
    return isLink
      ? { kind: 'link', driveId, itemId: from.id, targetDriveId: targetDrive, targetItemId: target.id }
      : { kind: 'shared', driveId: targetDrive, itemId: target.id };
  }
  if (!driveId) throw badResponse('an item', 'parentReference.driveId');
  if (from.root) return { kind: 'drive', driveId };
  return { kind: asked.shared ? 'shared' : 'item', driveId, itemId: from.id };
}

/** How changes name an item: by its id, which is one within its drive only. The drive's top folder goes without. */
export const addressOf = (driveId: string, itemId = 'root'): string => `${driveId.toLowerCase()}:${itemId}`;

/** Address of the folder that holds an item. */
export function withinOf(from: DriveItem, driveId: string, rootId: string): string[] {
  const id = from.parentReference?.id;
  return id ? [addressOf(driveId, id === rootId ? undefined : id)] : [];
}

/** A drive's root is not named as a parent's item: it has its own ref, which is told by the path. */
function parentOf(from: DriveItem, ref: Ref): string | undefined {
  if (ref.kind === 'shared') return SHARED_WITH_ME.ref;
  if (ref.kind !== 'item' && ref.kind !== 'link') return undefined;
  const { id, path } = from.parentReference ?? {};
  if (/\/root:?$/.test(path ?? '')) return formatRef({ kind: 'drive', driveId: ref.driveId });
  return id ? formatRef({ kind: 'item', driveId: ref.driveId, itemId: id }) : undefined;
}
