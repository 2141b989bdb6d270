import { ProviderError } from '../errors.ts';

/**
 * What an item ref says. Ids are unique within their drive only, so that a drive's id stands before an item's.
 * - `shared-with-me`, `sites`, `teams`: places that are no item at the vendor
 * - `one-drive`: the account's own OneDrive where it had none when it was listed
 * - `drive`: the root of a OneDrive or of a SharePoint library
 * - `item`: a file or folder where it lies
 * - `shared`: the top of something shared with the account; what is around it cannot be seen
 * - `link`: a pointer in one drive to an item in another
 */
export type Ref =
  | { kind: 'shared-with-me' | 'sites' | 'teams' | 'one-drive' }
  | { kind: 'drive'; driveId: string }
  | { kind: 'item' | 'shared'; driveId: string; itemId: string }
  | { kind: 'link'; driveId: string; itemId: string; targetDriveId: string; targetItemId: string }
  | { kind: 'site'; siteId: string }
  | { kind: 'team'; teamId: string }
  | { kind: 'channel'; teamId: string; channelId: string };

const NAMES: Record<Ref['kind'], string[]> = {
  'shared-with-me': [],
  sites: [],
  teams: [],
  'one-drive': [],
  drive: ['driveId'],
  item: ['driveId', 'itemId'],
  shared: ['driveId', 'itemId'],
  link: ['driveId', 'itemId', 'targetDriveId', 'targetItemId'],
  site: ['siteId'],
  team: ['teamId'],
  channel: ['teamId', 'channelId'],
};
const MAX_PART = 400;

/** The same item always gets the same ref, however it was found. */
export function formatRef(ref: Ref): string {
  const parts = ref as unknown as Record<string, string>;
  return [ref.kind, ...NAMES[ref.kind].map((name) => encodeURIComponent(parts[name] ?? ''))].join(':');
}

/** Errors: ProviderError `gone` for anything this provider has not made. */
export function parseRef(text: string): Ref {
  const [kind = '', ...parts] = text.split(':');
  const names = Object.hasOwn(NAMES, kind) ? NAMES[kind as Ref['kind']] : undefined;
  if (names?.length === parts.length) {
    const ids = parts.map(decode);
    if (ids.every((id) => id !== undefined))
      return { kind, ...Object.fromEntries(names.map((name, at) => [name, ids[at]])) } as Ref;
  }
  throw new ProviderError('gone', 'microsoft', 'There is no such item in Microsoft 365.');
}

/** Dots alone would walk up the path of an address; what does not encode back is none of ours. */
function decode(part: string): string | undefined {
  if (part === '' || part.length > MAX_PART || /^\.+$/.test(part)) return undefined;
  try {
    const id = decodeURIComponent(part);
    return encodeURIComponent(id) === part && !/[\p{Cc}/\\]/u.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Ids of personal drives occur in upper and lower case. Source: https://github.com/rclone/rclone (backend/onedrive, 2026). */
export const sameDrive = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
