import { createHash } from 'node:crypto';

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Id of a file or folder, in the shape Drive gives: 33 letters, the first a 1. The same key gives the same id at every start. */
export const fileId = (key: string): string => `1${digest(`file ${key}`).slice(0, 32)}`;

/** Id of a native document, in the shape Drive gives: 44 letters, the first a 1. */
export const nativeId = (key: string): string => `1${digest(`native ${key}`).slice(0, 43)}`;

/** Id of a drive, in the shape Drive gives: 19 letters between `0A` and `PVA`. */
export const driveId = (key: string): string => `0A${digest(`drive ${key}`).slice(0, 14)}PVA`;

/** Id of a person's account, in the shape Google gives: 21 digits. */
export const accountId = (key: string): string => {
  const number = BigInt(`0x${createHash('sha256').update(`account ${key}`).digest('hex').slice(0, 20)}`);
  return `1${String(number).padStart(20, '0').slice(0, 20)}`;
};

/** A version that grows with the date of the last change. */
export const versionOf = (modifiedAt: Date): string => String(Math.floor(modifiedAt.getTime() / 1000));
