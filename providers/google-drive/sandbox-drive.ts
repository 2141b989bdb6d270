import { createHash } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import type { Bell } from '../sandbox/bell.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { DRIVE_SCOPE } from './failures.ts';
import { applyMask, asksFor, checkNames, FieldsError, parseFields } from './sandbox-fields.ts';
import { FILE_NAMES, invalid, maskOf, one, Refusal, sizeOf } from './sandbox-request.ts';
import { createSandboxChanges } from './sandbox-changes.ts';
import type { SandboxChannel } from './sandbox-channels.ts';
import { parseQuery, QueryError, type Query } from './sandbox-query.ts';
import { wireType, type Entry, type SandboxStore, type View } from './sandbox-store.ts';

const EXPORT_LIMIT = 10 * 1024 * 1024;
const PAGE_LIFETIME_MS = 6 * 3_600_000;

const LIST_NAMES = new Set(['kind', 'nextPageToken', 'incompleteSearch', 'files']);
const ORDERS = new Set(['createdTime', 'folder', 'modifiedTime', 'name', 'name_natural', 'recency']);

const notFound = (id: string): Refusal => new Refusal(404, 'notFound', `File not found: ${id}.`, 'fileId');
/** The parts of the Drive v3 API that read, with Google's defaults, limits and error bodies. */
export function createSandboxDrive(deps: {
  store: SandboxStore;
  mint: TokenMint;
  grantOf(req: Request): Grant | undefined;
  /** How the bytes of an answer go out. */
  send(req: Request, res: Response, bytes: Buffer): void;
  /** Calls whoever watches the changes. */
  bell: Bell;
  baseUrl(): string;
}): { router: Router; channels: Map<string, SandboxChannel> } {
  const { store, mint } = deps;
  const send = (req: Request, res: Response, mediaType: string, bytes: Buffer): void =>
    deps.send(req, res.set('content-type', mediaType), bytes);

  /** What the account of a request sees, if it may read Drive. */
  const viewOf = (req: Request): View => {
    const grant = deps.grantOf(req);
    if (!grant) throw new Refusal(401, 'authError', 'Invalid Credentials', 'Authorization');
    if (!grant.scopes.includes(DRIVE_SCOPE))
      throw new Refusal(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.');
    return store.view(grant.accountId);
  };

  const fileOf = (req: Request): Entry => {
    const id = String(req.params.fileId);
    const entry = viewOf(req).find(id);
    if (!entry) throw notFound(id);
    return entry;
  };

  const pageOf = <T>(
    req: Request,
    { accountId }: View,
    found: T[],
    size: number,
  ): { page: T[]; nextPageToken?: string } => {
    const { pageToken: _, ...rest } = req.query;
    const query = createHash('sha256')
      .update(JSON.stringify([req.path, rest]))
      .digest('hex');
    const token = one(req, 'pageToken');
    const place = token === undefined ? undefined : mint.verify('page', token)?.data;
    if (token !== undefined && place?.query !== query) throw invalid('pageToken', '');
    const from = Number(place?.from ?? 0);
    const next = from + size;
    const nextPageToken =
      next < found.length
        ? mint.sign({
            kind: 'page',
            grantId: '',
            accountId,
            scopes: [],
            expiresAt: Date.now() + PAGE_LIFETIME_MS,
            data: { query, from: String(next) },
          })
        : undefined;
    return { page: found.slice(from, next), nextPageToken };
  };

  const listFiles = async (req: Request, res: Response): Promise<void> => {
    const view = viewOf(req);
    const mask = maskOf(req) ?? parseFields('kind,nextPageToken,incompleteSearch,files(kind,id,name,mimeType)');
    checkNames(mask, LIST_NAMES);
    const fileMask = mask.has('*') ? undefined : mask.get('files');
    checkNames(fileMask, FILE_NAMES);
    const query = queryOf(req);
    for (const id of query.parents) if (!view.find(id)) throw notFound('');
    const entries = inCorpora(req, view.all);
    const sorted = sort(
      req,
      query,
      entries.filter((entry) => query.matches(queriedOf(entry, view))),
    );
    const { page, nextPageToken } = pageOf(req, view, sorted, sizeOf(req, 100, 1000));
    const withChecksums = asksFor(fileMask, 'md5Checksum') || asksFor(fileMask, 'sha256Checksum');
    const files = await Promise.all(page.map((entry) => store.toWire(entry, { withChecksums })));
    res.json(applyMask({ kind: 'drive#fileList', nextPageToken, incompleteSearch: false, files }, mask));
  };

  const getFile = async (req: Request, res: Response): Promise<void> => {
    const entry = fileOf(req);
    if (entry.space.kind === 'shared-drive' && one(req, 'supportsAllDrives') !== 'true') throw notFound(entry.file.id);
    if (one(req, 'alt') === 'media') return download(req, res, entry);
    const mask = maskOf(req) ?? parseFields('kind,id,name,mimeType');
    checkNames(mask, FILE_NAMES);
    const withChecksums = asksFor(mask, 'md5Checksum') || asksFor(mask, 'sha256Checksum');
    res.json(applyMask(await store.toWire(entry, { withChecksums }), mask));
  };

  const download = async (req: Request, res: Response, { file }: Entry): Promise<void> => {
    if (file.kind === 'folder' || file.native || file.shortcutTo)
      throw new Refusal(
        403,
        'fileNotDownloadable',
        'Only files with binary content can be downloaded. Use Export with Docs Editors files.',
        'alt',
      );
    if (file.canDownload === false)
      throw new Refusal(403, 'cannotDownloadFile', 'This file cannot be downloaded by the user.');
    send(req, res, file.mediaType, await file.bytes());
  };

  const exportFile = async (req: Request, res: Response): Promise<void> => {
    const { file } = fileOf(req);
    if (!file.native || file.native === 'form')
      throw new Refusal(403, 'fileNotExportable', 'Export only supports Docs Editors files.');
    if (file.canDownload === false)
      throw new Refusal(403, 'cannotDownloadFile', 'This file cannot be downloaded by the user.');
    const mimeType = one(req, 'mimeType');
    if (!mimeType) throw new Refusal(400, 'required', 'Required parameter: mimeType', 'mimeType');
    if (mimeType !== file.mediaType)
      throw new Refusal(400, 'badRequest', 'The requested conversion is not supported.', 'convertTo');
    const bytes = await file.bytes();
    if (bytes.length > EXPORT_LIMIT)
      throw new Refusal(403, 'exportSizeLimitExceeded', 'This file is too large to be exported.');
    send(req, res, mimeType, bytes);
  };

  const exportLink = async (req: Request, res: Response): Promise<void> => {
    const { file } = fileOf(req);
    if (!file.native || file.native === 'form') throw notFound(file.id);
    send(req, res, file.mediaType, await file.bytes());
  };

  const listDrives = (req: Request, res: Response): void => {
    const view = viewOf(req);
    const { page, nextPageToken } = pageOf(req, view, view.drives.map(driveOf), sizeOf(req, 10, 100));
    res.json(applyMask({ kind: 'drive#driveList', nextPageToken, drives: page }, maskOf(req)));
  };

  const getDrive = (req: Request, res: Response): void => {
    const id = String(req.params.driveId);
    const found = viewOf(req).drives.find((space) => space.id === id);
    if (!found) throw new Refusal(404, 'notFound', `Shared drive not found: ${id}`, 'driveId');
    res.json(applyMask(driveOf(found), maskOf(req)));
  };

  const about = (req: Request, res: Response): void => {
    const { accountId } = viewOf(req);
    const mask = maskOf(req);
    if (!mask) throw new Refusal(400, 'required', "The 'fields' parameter is required for this method.", 'fields');
    const permissionId = accountId.slice(0, 20);
    res.json(
      applyMask(
        { kind: 'drive#about', user: { kind: 'drive#user', me: true, permissionId }, storageQuota: { usage: '0' } },
        mask,
      ),
    );
  };

  const router = express.Router();
  router.get('/export-links/:fileId', exportLink);
  const api = express.Router();
  api.get('/about', about);
  const { router: changes, channels } = createSandboxChanges({ ...deps, viewOf });
  api.use(changes);
  api.get('/drives', listDrives);
  api.get('/drives/:driveId', getDrive);
  api.get('/files', listFiles);
  api.get('/files/:fileId', getFile);
  api.get('/files/:fileId/export', exportFile);
  router.use('/drive/v3', api);
  router.use((error: unknown, _req: Request, res: Response, next: (error: unknown) => void) => {
    const refusal = asRefusal(error);
    if (refusal) sendRefusal(res, refusal);
    else next(error);
  });
  return { router, channels };
}

/** Google's body for an error; also used for what goes wrong outside of the API's own routes. */
export function sendRefusal(
  res: Response,
  { status, reason, message, location }: { status: number; reason: string; message: string; location?: string },
): void {
  const inHeader = location === 'Authorization';
  res.status(status).json({
    error: {
      code: status,
      message,
      errors: [
        {
          message,
          domain: 'global',
          reason,
          ...(location ? { location, locationType: inHeader ? 'header' : 'parameter' } : {}),
        },
      ],
      ...(status === 401 ? { status: 'UNAUTHENTICATED' } : {}),
      ...(reason === 'insufficientPermissions'
        ? {
            status: 'PERMISSION_DENIED',
            details: [{ reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT', domain: 'googleapis.com' }],
          }
        : {}),
    },
  });
}

function asRefusal(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof FieldsError)
    return new Refusal(400, 'invalidParameter', `Invalid field selection ${error.message}`, 'fields');
  if (error instanceof QueryError) return invalid('q', '');
  return undefined;
}

function queryOf(req: Request): Query {
  const q = one(req, 'q');
  return q ? parseQuery(q) : { matches: () => true, parents: [], usesFullText: false };
}

/** What the account's lists are made of; items of shared drives only for those who say they know them. */
function inCorpora(req: Request, entries: Entry[]): Entry[] {
  const corpora = one(req, 'corpora') ?? 'user';
  const driveId = one(req, 'driveId');
  const everywhere = one(req, 'includeItemsFromAllDrives') === 'true';
  if (everywhere && one(req, 'supportsAllDrives') !== 'true')
    throw new Refusal(
      403,
      'teamDrivesNotSupported',
      'includeItemsFromAllDrives needs supportsAllDrives.',
      'supportsAllDrives',
    );
  if (!['user', 'drive', 'allDrives'].includes(corpora)) throw invalid('corpora', '');
  if ((corpora === 'drive') !== (driveId !== undefined))
    throw new Refusal(400, 'invalid', 'driveId must be given if and only if corpora is drive.', 'driveId');
  if (corpora !== 'user' && !everywhere)
    throw new Refusal(
      400,
      'invalid',
      `corpora ${corpora} needs includeItemsFromAllDrives.`,
      'includeItemsFromAllDrives',
    );
  if (driveId !== undefined) return entries.filter(({ space }) => space.id === driveId);
  return entries.filter(({ space }) => everywhere || space.kind !== 'shared-drive');
}

function sort(req: Request, query: Query, entries: Entry[]): Entry[] {
  const orderBy = one(req, 'orderBy');
  if (!orderBy) return entries;
  if (query.usesFullText)
    throw new Refusal(
      403,
      'forbidden',
      'Sorting is not supported for queries with fullText terms. Results are always in descending relevance order.',
      'orderBy',
    );
  const keys = orderBy.split(',').map((part) => {
    const [name = '', direction] = part.trim().split(/\s+/);
    if (!ORDERS.has(name) || (direction !== undefined && direction !== 'desc')) throw invalid('orderBy', '');
    return { name, sign: direction === 'desc' ? -1 : 1 };
  });
  const natural = new Intl.Collator('en', { numeric: true });
  const compare = (name: string, { file: a }: Entry, { file: b }: Entry): number => {
    if (name === 'folder') return Number(b.kind === 'folder') - Number(a.kind === 'folder');
    if (name === 'name' || name === 'name_natural') return natural.compare(a.name, b.name);
    return a.modifiedAt.getTime() - b.modifiedAt.getTime();
  };
  return [...entries].sort((a, b) => {
    for (const { name, sign } of keys) {
      const order = sign * compare(name, a, b);
      if (order !== 0) return order;
    }
    return a.file.id < b.file.id ? -1 : 1;
  });
}

function queriedOf({ file, space }: Entry, { rootId }: View): Parameters<Query['matches']>[0] {
  const parent = file.parentId ?? (space.kind === 'shared-with-me' ? undefined : space.id);
  return {
    name: file.name,
    mimeType: wireType(file),
    modifiedTime: file.modifiedAt.toISOString(),
    parents: parent === undefined ? [] : parent === rootId ? [parent, 'root'] : [parent],
    trashed: false,
    starred: false,
    sharedWithMe: space.kind === 'shared-with-me' && file.parentId === null,
    text: file.text ?? '',
  };
}

function driveOf(space: { id: string; name: string }): Record<string, string> {
  return { kind: 'drive#drive', id: space.id, name: space.name };
}
