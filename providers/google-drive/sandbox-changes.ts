import express, { type Request, type Response, type Router } from 'express';
import type { Bell } from '../sandbox/bell.ts';
import { createChangeLog, type ChangeLog } from '../sandbox/change-log.ts';
import { createSandboxChannels, type SandboxChannel } from './sandbox-channels.ts';
import { applyMask, asksFor, checkNames } from './sandbox-fields.ts';
import { FILE_NAMES, invalid, maskOf, one, Refusal, sizeOf } from './sandbox-request.ts';
import type { Entry, SandboxStore, View } from './sandbox-store.ts';

const PAGE_NAMES = new Set(['kind', 'nextPageToken', 'newStartPageToken', 'changes']);
const CHANGE_NAMES = new Set(['kind', 'changeType', 'time', 'removed', 'fileId', 'file', 'driveId', 'drive', 'type']);

/** The logs of changes: one for each account, one for each shared drive that an account is a member of; and who is called when they grow. */
export function createSandboxChanges(deps: {
  store: SandboxStore;
  viewOf: (req: Request) => View;
  bell: Bell;
  baseUrl: () => string;
}): { router: Router; channels: Map<string, SandboxChannel> } {
  const { store, viewOf, bell, baseUrl } = deps;
  const logs = new Map<string, ChangeLog<Entry>>();

  const logOf = (req: Request): ChangeLog<Entry> => keyedLogOf(req).log;
  const keyedLogOf = (req: Request): { accountId: string; key: string; log: ChangeLog<Entry> } => {
    const { accountId, drives } = viewOf(req);
    const driveId = one(req, 'driveId');
    if (driveId !== undefined && !drives.some(({ id }) => id === driveId))
      throw new Refusal(404, 'notFound', `Shared drive not found: ${driveId}`, 'driveId');
    if (driveId !== undefined && one(req, 'supportsAllDrives') !== 'true')
      throw new Refusal(403, 'teamDrivesNotSupported', 'driveId needs supportsAllDrives.', 'supportsAllDrives');
    const key = `${accountId} ${driveId ?? ''}`;
    const known = logs.get(key);
    if (known) return { accountId, key, log: known };
    const log = createChangeLog(
      () =>
        new Map(
          store
            .view(accountId)
            .all.filter(({ space }) => (driveId ? space.id === driveId : space.kind !== 'shared-drive'))
            .map((entry) => [entry.file.id, entry]),
        ),
      ({ file }) => JSON.stringify([file.parentId, file.name, file.version, file.canDownload]),
    );
    logs.set(key, log);
    return { accountId, key, log };
  };

  const startPageToken = (req: Request, res: Response): void =>
    void res.json(
      applyMask({ kind: 'drive#startPageToken', startPageToken: tokenOf(logOf(req).position()) }, maskOf(req)),
    );

  const list = async (req: Request, res: Response): Promise<void> => {
    const token = one(req, 'pageToken');
    if (token === undefined) throw new Refusal(400, 'required', 'Required parameter: pageToken', 'pageToken');
    const mask = maskOf(req);
    checkNames(mask, PAGE_NAMES);
    const changeMask = mask?.get('changes');
    checkNames(changeMask, CHANGE_NAMES);
    const fileMask = changeMask?.get('file');
    checkNames(fileMask, FILE_NAMES);
    const page = logOf(req).since(positionOf(token), sizeOf(req, 100, 1000));
    if (!page) throw invalid('pageToken', token);
    const withChecksums = asksFor(fileMask, 'md5Checksum') || asksFor(fileMask, 'sha256Checksum');
    const changes = await Promise.all(
      page.entries.map(async ({ id, gone, value }) => ({
        kind: 'drive#change',
        changeType: 'file',
        time: new Date().toISOString(),
        removed: gone,
        fileId: id,
        ...(gone ? {} : { file: await store.toWire(value, { withChecksums }) }),
      })),
    );
    const next = tokenOf(page.position);
    const more = page.more ? { nextPageToken: next } : { newStartPageToken: next };
    res.json(applyMask({ kind: 'drive#changeList', ...more, changes }, mask));
  };

  const { router: watching, channels } = createSandboxChannels({
    bell,
    baseUrl,
    accountOf: (req) => viewOf(req).accountId,
    logOf(req) {
      const { accountId, key, log } = keyedLogOf(req);
      const knows = (token: string) => log.since(positionOf(token), 1) !== undefined;
      return { accountId, key, knows, position: () => log.position() };
    },
  });
  const router = express.Router();
  router.get('/changes/startPageToken', startPageToken);
  router.get('/changes', list);
  router.use(watching);
  return { router, channels };
}

/** Google's are numbers too, and mean nothing to others. */
const tokenOf = (position: number): string => String(position + 1);
const positionOf = (token: string): number => (/^\d{1,15}$/.test(token) ? Number(token) - 1 : -1);
