import { expect } from 'chai';
import { mediaTypeOf } from '../../providers/media-types.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { fileId } from '../../providers/sandbox/sandbox-ids.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectAccountOf } from './connect.ts';
import { ownSpace, type Vendor } from '../faults/vendors.ts';
import type { TestHub } from './hub.ts';
import { finishedImport } from './imports.ts';
import { waitFor } from './wait.ts';

const MADE = new Date('2026-03-01T08:00:00Z');
let version = 1;

/** A file of the stand-ins; without a text a folder. */
export function entry(name: string, parentId: string | null, text?: string): SandboxFile {
  version += 1;
  const bytes = Buffer.from(text ?? '');
  return {
    id: fileId(`sync/${name}`),
    parentId,
    name,
    kind: text === undefined ? 'folder' : 'file',
    mediaType: text === undefined ? 'inode/directory' : mediaTypeOf(name),
    modifiedAt: MADE,
    version: String(version),
    sizeBytes: bytes.length,
    bytes: () => Promise.resolve(bytes),
  };
}

const log = (name: string): string => `The log ${name} tells of the tide, the berths and the ferries of that day.`;

/** Leaves one account in the stand-in with its own space alone, and that empty. Gives the space's files, which may be changed at any time. */
export function emptySpace(hub: TestHub, vendor: Vendor): SandboxFile[] {
  const [account] = vendor.accounts(hub);
  const [home] = account?.spaces ?? [];
  if (!account || !home) throw new Error('the stand-in has no account');
  vendor.accounts(hub).splice(0, Infinity, account);
  account.spaces.splice(0, Infinity, home);
  home.files.splice(0, Infinity);
  return home.files;
}

/**
 * The admin's account with a followed folder of 33 files, in it and in folders below it, beside one that is not followed. `files` may be
 * changed at any time.
 */
export async function followFolder(
  hub: TestHub,
  vendor: Vendor,
): Promise<{ integration: Integration; files: SandboxFile[] }> {
  const files = emptySpace(hub, vendor);
  const followed = entry('Followed', null);
  const inner = entry('Inner', followed.id);
  const other = entry('Other', null);
  const deep = entry('Deep', inner.id);
  files.push(
    ...[followed, inner, other, deep],
    ...Array.from({ length: 30 }, (_, at) => entry(`log ${at}.txt`, followed.id, log(`number ${at}`))),
    ...['inner.txt', 'moves out.txt'].map((name) => entry(name, inner.id, log(name))),
    entry('deep.txt', deep.id, log('deep')),
    ...['outside.txt', 'moves in.txt'].map((name) => entry(name, other.id, log(name))),
  );
  const integration = await connectAccountOf(hub, hub.admin, vendor.platform);
  await waitFor('the feed', async () => (await hub.context.database.knex('change_feeds').first('feed')) && true);
  const { items } = await hub.context.browse.list(hub.admin, integration.id, {
    ref: (await ownSpace(hub, integration)).ref,
  });
  const folder = items.find(({ name }) => name === 'Followed') ?? expect.fail('the folder is not listed');
  const { id } = await hub.context.imports.create(hub.admin, {
    items: [
      {
        integrationId: integration.id,
        ref: folder.ref,
        known: { name: folder.name, kind: 'folder', path: folder.name },
      },
    ],
    category: 'logs',
  });
  const first = await finishedImport(hub, id);
  expect(first.counts).to.include({ total: 33, indexed: 33 });
  return { integration, files };
}
