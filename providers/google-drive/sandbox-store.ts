import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { SandboxAccount, SandboxFile, SandboxSpace } from '../sandbox/sandbox-files.ts';

const NATIVE = 'application/vnd.google-apps.';
const FOLDER = `${NATIVE}folder`;
const SHORTCUT = `${NATIVE}shortcut`;

/** One file as one account sees it. */
export type Entry = { file: SandboxFile; space: SandboxSpace; isRoot: boolean };

/** What one account sees at this moment. */
export type View = {
  accountId: string;
  /** By id, or `root`; undefined where this account sees nothing. */
  find(id: string): Entry | undefined;
  /** Everything but the roots. */
  all: Entry[];
  drives: SandboxSpace[];
  /** Id of the folder that `root` stands for. */
  rootId?: string;
};

export type SandboxStore = {
  view(accountId: string): View;
  /** A file in the shape of Google's. Reads the bytes only `withChecksums`, once for each version. */
  toWire(entry: Entry, options: { withChecksums: boolean }): Promise<Record<string, unknown>>;
};

/** The accounts' files by id, as the Drive API tells of them. `baseUrl` stands in front of export links. */
export function createSandboxStore(accounts: SandboxAccount[], baseUrl: () => string): SandboxStore {
  const checksums = new Map<string, Promise<{ md5Checksum: string; sha256Checksum: string }>>();
  const reading = pLimit(8);

  const entriesOf = (accountId: string): Map<string, Entry> => {
    const entries = new Map<string, Entry>();
    for (const space of accounts.find((account) => account.id === accountId)?.spaces ?? []) {
      if (space.kind !== 'shared-with-me') entries.set(space.id, { file: rootOf(space), space, isRoot: true });
      for (const file of space.files) if (!entries.has(file.id)) entries.set(file.id, { file, space, isRoot: false });
    }
    return entries;
  };

  const checksumOf = (file: SandboxFile): Promise<{ md5Checksum: string; sha256Checksum: string }> => {
    const key = `${file.id} ${file.version}`;
    const known = checksums.get(key);
    if (known) return known;
    const made = reading(async () => {
      const bytes = await file.bytes();
      return {
        md5Checksum: createHash('md5').update(bytes).digest('hex'),
        sha256Checksum: createHash('sha256').update(bytes).digest('hex'),
      };
    });
    checksums.set(key, made);
    return made;
  };

  /** Where a shortcut leads nowhere, Google still says something. */
  const targetType = (id: string): string => {
    for (const { spaces } of accounts)
      for (const { files } of spaces) {
        const target = files.find((file) => file.id === id);
        if (target) return wireType(target);
      }
    return 'application/octet-stream';
  };

  return {
    view(accountId) {
      const entries = entriesOf(accountId);
      const spaces = accounts.find(({ id }) => id === accountId)?.spaces ?? [];
      const rootId = spaces.find(({ kind }) => kind === 'my-drive')?.id;
      return {
        accountId,
        find: (id) => entries.get(id === 'root' && rootId ? rootId : id),
        all: [...entries.values()].filter((entry) => !entry.isRoot),
        drives: spaces.filter(({ kind }) => kind === 'shared-drive'),
        rootId,
      };
    },

    async toWire({ file, space, isRoot }, { withChecksums }) {
      const mimeType = wireType(file);
      const isBlob = !mimeType.startsWith(NATIVE);
      const inDrive = space.kind === 'shared-drive';
      const parent = file.parentId ?? (isRoot || space.kind === 'shared-with-me' ? undefined : space.id);
      const exportType = file.native && file.native !== 'form' ? file.mediaType : undefined;
      const target = file.shortcutTo;
      const owner = accounts.find(({ spaces }) => spaces.includes(space));
      return {
        kind: 'drive#file',
        id: file.id,
        name: file.name,
        mimeType,
        createdTime: file.modifiedAt.toISOString(),
        modifiedTime: file.modifiedAt.toISOString(),
        version: file.version,
        trashed: false,
        explicitlyTrashed: false,
        starred: false,
        spaces: ['drive'],
        webViewLink: `https://drive.google.com/file/d/${file.id}/view`,
        capabilities: {
          canDownload: file.canDownload !== false && file.kind === 'file' && !file.shortcutTo,
          canEdit: false,
        },
        // Google says a size for its own documents too; it is not that of any export.
        ...(isBlob ? { size: String(file.sizeBytes) } : file.native ? { size: '1024' } : {}),
        ...(isBlob && withChecksums ? await checksumOf(file) : {}),
        ...(parent ? { parents: [parent] } : {}),
        ...(inDrive ? { driveId: space.id } : { ownedByMe: space.kind === 'my-drive' }),
        ...(owner && space.kind === 'my-drive'
          ? { owners: [{ kind: 'drive#user', displayName: owner.name, emailAddress: owner.email, me: true }] }
          : {}),
        ...(exportType ? { exportLinks: { [exportType]: `${baseUrl()}/export-links/${file.id}` } } : {}),
        ...(target ? { shortcutDetails: { targetId: target, targetMimeType: targetType(target) } } : {}),
      };
    },
  };
}

/** Google's type of a file. */
export function wireType(file: SandboxFile): string {
  if (file.kind === 'folder') return FOLDER;
  if (file.shortcutTo) return SHORTCUT;
  return file.native ? NATIVE + file.native : file.mediaType;
}

/** The folder that everything in a space lies in. Asked for by id, that of a shared drive is just called Drive. */
function rootOf(space: SandboxSpace): SandboxFile {
  return {
    id: space.id,
    parentId: null,
    name: space.kind === 'my-drive' ? 'My Drive' : 'Drive',
    kind: 'folder',
    mediaType: 'inode/directory',
    modifiedAt: new Date('2026-01-05T09:00:00Z'),
    version: '1',
    sizeBytes: 0,
    bytes: () => Promise.reject(new Error('A folder has no bytes.')),
  };
}
