import { createHash } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha512').update(text).digest();

/** A GUID, the same for the same key. */
export function guid(key: string): string {
  const hex = digest(`guid ${key}`).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** Id of a drive, in the shape SharePoint gives: `b!` and 64 letters. */
export const driveIdOf = (spaceId: string): string =>
  `b!${digest(`drive ${spaceId}`).toString('base64url').slice(0, 64)}`;

/** Id of an item, in the shape SharePoint gives: `01` and 32 upper-case letters and digits. */
export function itemIdOf(fileId: string): string {
  const known = itemIds.get(fileId);
  if (known) return known;
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const id = `01${[...digest(`item ${fileId}`).subarray(0, 32)].map((byte) => letters[byte % 32]).join('')}`;
  itemIds.set(fileId, id);
  return id;
}
/** Asked for with every request, by the thousand. */
const itemIds = new Map<string, string>();

export const HOST = 'sandbox.sharepoint.example';
export const siteIdOf = (spaceId: string): string => `${HOST},${guid(`site ${spaceId}`)},${guid(`web ${spaceId}`)}`;
export const teamIdOf = (spaceId: string): string => guid(`team ${spaceId}`);
export const channelIdOf = (spaceId: string): string =>
  `19:${digest(`channel ${spaceId}`).toString('hex').slice(0, 32)}@thread.tacv2`;

/** Object id of a person and id of the directory they are in, which is that of their address's domain. */
export const objectIdOf = (account: { id: string }): string => guid(`person ${account.id}`);
export const tenantIdOf = (account: { email: string }): string => guid(`tenant ${account.email.split('@')[1] ?? ''}`);
