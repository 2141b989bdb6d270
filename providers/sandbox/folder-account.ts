import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { FOLDER_TYPE, mediaTypeOf } from '../media-types.ts';
import type { SandboxAccount, SandboxFile } from './sandbox-files.ts';
import { accountId, driveId, fileId, versionOf } from './sandbox-ids.ts';

/**
 * One account whose My Drive is the folder: names, sizes and dates are read now, bytes when asked for, so that a file changed since
 * shows its new bytes but its old size until the next start. Dot files and what is neither file nor folder stay out.
 * Errors: Error naming SANDBOX_FILES when the folder cannot be listed.
 */
export const folderAccount = async (filesDir: string): Promise<SandboxAccount> => {
  const root = path.resolve(filesDir);
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory())
    throw new Error(
      `SANDBOX_FILES: ${root} is not a folder${found ? '' : ' (it does not exist)'}. Name a folder with sample documents, or unset it for the built-in ones.`,
    );
  return {
    id: accountId('sandbox'),
    email: 'sandbox@tributary.example',
    organisation: 'tributary.example',
    name: 'Sandbox',
    spaces: [
      { id: driveId('sandbox my-drive'), kind: 'my-drive', name: 'My Drive', files: await filesBelow(root) },
      { id: driveId('sandbox shared-with-me'), kind: 'shared-with-me', name: 'Shared with me', files: [] },
    ],
  };
};

/** Everything below the folder, sorted by name level by level, parents before what is in them. */
const filesBelow = async (root: string): Promise<SandboxFile[]> => {
  const limit = pLimit(32);
  const files: SandboxFile[] = [];
  const folders = [''];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const parent = folder;
    const names = (await readdir(path.join(root, parent), { withFileTypes: true }))
      .filter((entry) => !entry.name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const entries = await Promise.all(
      names.map((entry) =>
        limit(async () => {
          const relative = parent === '' ? entry.name : `${parent}/${entry.name}`;
          const details = await stat(path.join(root, relative)).catch(() => undefined);
          // A link to a folder may lead back up; a link to a file is read as the file.
          if (!details || (entry.isSymbolicLink() && details.isDirectory())) return undefined;
          return { relative, name: entry.name, details };
        }),
      ),
    );
    for (const entry of entries) {
      if (!entry) continue;
      const { relative, name, details } = entry;
      if (!details.isDirectory() && !details.isFile()) continue;
      const isFolder = details.isDirectory();
      if (isFolder) folders.push(relative);
      files.push({
        id: fileId(`folder/${relative}`),
        parentId: parent === '' ? null : fileId(`folder/${parent}`),
        name,
        kind: isFolder ? 'folder' : 'file',
        mediaType: isFolder ? FOLDER_TYPE : mediaTypeOf(name),
        modifiedAt: details.mtime,
        version: versionOf(details.mtime),
        sizeBytes: isFolder ? 0 : details.size,
        bytes: () =>
          isFolder ? Promise.reject(new Error(`${name} is a folder.`)) : readFile(path.join(root, relative)),
      });
    }
  }
  return files;
};
