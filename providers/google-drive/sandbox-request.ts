import type { Request } from 'express';
import { parseFields, type Mask } from './sandbox-fields.ts';

/** Fields of a file that a mask may name. */
export const FILE_NAMES = new Set(
  (
    'appProperties capabilities contentRestrictions copyRequiresWriterPermission createdTime description driveId ' +
    'explicitlyTrashed exportLinks fileExtension folderColorRgb fullFileExtension hasThumbnail headRevisionId iconLink ' +
    'id isAppAuthorized kind labelInfo lastModifyingUser linkShareMetadata md5Checksum mimeType modifiedByMe ' +
    'modifiedByMeTime modifiedTime name originalFilename ownedByMe owners parents permissionIds permissions properties ' +
    'quotaBytesUsed resourceKey sha1Checksum sha256Checksum shared sharedWithMeTime sharingUser shortcutDetails size ' +
    'spaces starred thumbnailLink trashed trashedTime trashingUser version viewedByMe viewedByMeTime webContentLink ' +
    'webViewLink writersCanShare'
  ).split(' '),
);

/** An answer in Google's error shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly location?: string;

  constructor(status: number, reason: string, message: string, location?: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.location = location;
  }
}

export const invalid = (location: string, value: string): Refusal =>
  new Refusal(400, 'invalid', `Invalid Value ${value}`.trim(), location);

/** A parameter given once at most. */
export function one(req: Request, name: string): string | undefined {
  const value = req.query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(name, '');
}

export function maskOf(req: Request): Mask | undefined {
  const fields = one(req, 'fields');
  return fields ? parseFields(fields) : undefined;
}

export function sizeOf(req: Request, usual: number, most: number): number {
  const text = one(req, 'pageSize') ?? String(usual);
  const size = Number(text);
  if (!/^\d+$/.test(text) || size < 1 || size > most)
    throw new Refusal(
      400,
      'invalidParameter',
      `Invalid value '${text}'. Values must be within the range: [1, ${most}]`,
      'pageSize',
    );
  return size;
}
