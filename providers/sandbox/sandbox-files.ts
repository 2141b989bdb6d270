import { companyAccounts } from './company-accounts.ts';
import { folderAccount } from './folder-account.ts';

/**
 * One thing in a stand-in vendor's storage. Ids look like Drive's and stay the same across restarts; the same id in two accounts is
 * the same file, seen through another space.
 */
export type SandboxFile = {
  id: string;
  /** Id of the containing folder; null at the top of its space. */
  parentId: string | null;
  name: string;
  kind: 'folder' | 'file';
  /** Of what `bytes` gives (native: of the export); `inode/directory` for folders; the stand-in maps it to its vendor's types. */
  mediaType: string;
  modifiedAt: Date;
  /** A whole number in digits that grows with `modifiedAt`. */
  version: string;
  /** Kept natively by the vendor: `bytes` gives the docx, xlsx or pptx export. A form has none. */
  native?: 'document' | 'spreadsheet' | 'presentation' | 'form';
  /** Id of the file this is only a pointer to. */
  shortcutTo?: string;
  /** 0 for folders, shortcuts and native files. */
  sizeBytes: number;
  /** Rejects for folders, shortcuts and forms, which have no bytes. */
  bytes(): Promise<Buffer>;
  /** Words for the stand-in's full text search. */
  text?: string;
  /** False: the owner has switched off downloading. */
  canDownload?: boolean;
};

/** One place in an account: its `files` are flat and linked by `parentId`, folders before what is in them. */
export type SandboxSpace = {
  id: string;
  kind: 'my-drive' | 'shared-with-me' | 'shared-drive';
  name: string;
  files: SandboxFile[];
};

export type SandboxAccount = {
  id: string;
  email: string;
  /** Absent: the vendors have verified the address. */
  emailVerified?: false;
  /** Domain of the organisation whose account it is, at vendors that know such accounts; absent for a person's own. */
  organisation?: string;
  name: string;
  spaces: SandboxSpace[];
};

/**
 * The accounts that the stand-ins serve: an invented company's, or one whose My Drive is the folder `filesDir`.
 * Errors: Error naming SANDBOX_FILES when there is no such folder.
 */
export const sandboxAccounts = async (options: { filesDir?: string }): Promise<SandboxAccount[]> =>
  options.filesDir ? [await folderAccount(options.filesDir)] : companyAccounts();
