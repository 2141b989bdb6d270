/** What a listing already told of a file, so that the worker need not ask the vendor again. Dates are ISO 8601. */
export type ListedItem = {
  mediaType: string;
  version?: string;
  webUrl?: string;
  modifiedAt?: string;
  /** The provider's own note for opening the file; may be its whole text. */
  hint?: string;
};

/** Payloads by job name. What they hold beside ids only spares a request: the rows are the truth, and every job may run twice. */
export type JobPayloads = {
  /** Lists a folder page by page into the ledger. */
  'expand-folder': { importId: string; folderId: string };
  /** Finds out what a selected item is where that is not known yet, and brings a file into the index. */
  'import-item': { importId: string; itemId: string; listed?: ListedItem };
};

export type JobName = keyof JobPayloads;

export const JOB_NAMES: readonly JobName[] = ['expand-folder', 'import-item'];
