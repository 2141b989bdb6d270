import type { Request, Response } from 'express';
import { createChangeLog, type ChangeLog } from '../sandbox/change-log.ts';
import type { TokenMint } from '../sandbox/token-mint.ts';
import { Refusal } from './sandbox-refusal.ts';
import type { Entry, SandboxDrive, View } from './sandbox-store.ts';

type Wire = Record<string, unknown>;
const PAGE_SIZE = 200;

/** What happens in a drive, as one account sees it. */
export type DriveLogs = (view: View, drive: SandboxDrive) => ChangeLog<Entry>;

/** `driveNow`: the drive as the account sees it at this moment. */
export function createDriveLogs(driveNow: (view: View, driveId: string) => SandboxDrive | undefined): DriveLogs {
  const logs = new Map<string, ChangeLog<Entry>>();
  return (view, { id: driveId }) => {
    const key = `${view.account.id} ${driveId}`;
    let log = logs.get(key);
    if (!log) {
      log = createChangeLog(
        () => new Map(driveNow(view, driveId)?.entries),
        ({ parentId, name, file }) => JSON.stringify([parentId, name, file?.version, file?.canDownload]),
      );
      logs.set(key, log);
    }
    return log;
  };
}

/** Changes of whole drives, from the present on or from where the one before ended. A token is bound to its drive. */
export function createSandboxDelta(deps: {
  mint: TokenMint;
  baseUrl: () => string;
  logOf: DriveLogs;
  wireOf: (req: Request, view: View, entry: Entry) => Promise<Wire>;
}): (req: Request, res: Response, view: View, drive: SandboxDrive) => Promise<void> {
  const positionOf = (token: string, drive: SandboxDrive): number => {
    const place = deps.mint.verify('page', token)?.data;
    if (place?.drive !== drive.id) throw resync();
    return Number(place.since);
  };

  return async (req, res, view, drive) => {
    const log = deps.logOf(view, drive);
    const { token, $select: select } = req.query;
    if (typeof token !== 'string')
      throw new Refusal(400, 'invalidRequest', 'This stand-in tells changes from a token on only.');
    const page =
      token === 'latest'
        ? { entries: [], position: log.position(), more: false }
        : log.since(positionOf(token, drive), PAGE_SIZE);
    if (!page) throw resync();
    const next = deps.mint.sign({
      kind: 'page',
      grantId: '',
      accountId: view.account.id,
      scopes: [],
      data: { drive: drive.id, since: String(page.position) },
    });
    const address = new URL(`${deps.baseUrl()}${req.baseUrl}${req.path}`);
    address.searchParams.set('token', next);
    if (typeof select === 'string') address.searchParams.set('$select', select);
    const value = await Promise.all(
      page.entries.map(async ({ id, gone, value: entry }) => {
        const parentReference = { driveId: drive.id, ...(entry.parentId ? { id: entry.parentId } : {}) };
        // Where an item lies is told by ids only.
        return gone
          ? { id, deleted: { state: 'deleted' }, parentReference }
          : { ...(await deps.wireOf(req, view, entry)), parentReference };
      }),
    );
    res.json({
      '@odata.context': `${deps.baseUrl()}/v1.0/$metadata#Collection(driveItem)`,
      [page.more ? '@odata.nextLink' : '@odata.deltaLink']: address.href,
      value,
    });
  };
}

const resync = (): Refusal => new Refusal(410, 'resyncRequired', 'Resync required.', 'resyncChangesApplyDifferences');
