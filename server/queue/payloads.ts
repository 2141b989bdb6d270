/** What a listing already told of a file, so that the worker need not ask the vendor again. Dates are ISO 8601. */
export type ListedItem = {
  mediaType: string;
  version?: string;
  webUrl?: string;
  modifiedAt?: string;
  /** The provider's own note for opening the file; may be its whole text. */
  /** What a change feed will call it once it is gone. */
  address?: string;
  /** The followed folder it is in. */
  parentRef?: string;
  hint?: string;
};

/** Payloads by job name. What they hold beside ids only spares a request: the rows are the truth, and every job may run twice. */
export type JobPayloads = {
  /** Lists a folder page by page into the ledger. */
  'expand-folder': { importId: string; folderId: string };
  /** Finds out what a selected item is where that is not known yet, and brings a file into the index. */
  'import-item': { importId: string; itemId: string; listed?: ListedItem };
  /** Begins to follow the changes of a newly connected account. */
  'follow-changes': { integrationId: string };
  /** Reads what changed at the vendor since the last time into the ledger of a sync. */
  sync: { importId: string };
  /** Takes away what a sync found gone, once everything else of it is done; `answer` is what a person said to a sync that asked. */
  'settle-removals': { importId: string; answer?: 'remove' | 'keep' };
  /** Orders, prolongs and ends the calls of an account's vendor. */
  'keep-watches': { integrationId: string };
  /** Tells one channel of a notification. */
  notify: { deliveryId: string };
};

export type JobName = keyof JobPayloads;

export const JOB_NAMES: readonly JobName[] = [
  'expand-folder',
  'import-item',
  'follow-changes',
  'sync',
  'settle-removals',
  'keep-watches',
  'notify',
];
