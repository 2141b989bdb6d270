import type { User } from './user-service.ts';

export const ITEM_STATES = ['waiting', 'running', 'indexed', 'unchanged', 'skipped', 'failed', 'removed'] as const;
export type ItemState = (typeof ITEM_STATES)[number];
export type ImportStatus = 'running' | 'finished' | 'cancelled' | 'failed';

/** `total` is the sum of all states; every file the vendor listed is in exactly one. */
export type ImportCounts = Record<ItemState, number> & { total: number };

export type ImportSummary = {
  id: string;
  status: ImportStatus;
  category?: string;
  counts: ImportCounts;
  /** Folders still to be listed: while above zero, `total` grows. */
  foldersWaiting: number;
  startedAt: Date;
  /** Null until the last item has its final state. */
  finishedAt: Date | null;
};

export type ImportItem = {
  id: string;
  name: string;
  path: string;
  state: ItemState;
  /** A sentence with the next step; present for skipped and failed. */
  reason?: string;
  /** encrypted, corrupt, no_text, unsupported, too_large, timeout, gone, denied, … */
  reasonCode?: string;
  documentId?: string;
  chunkCount?: number;
  sizeBytes?: number;
  attempts: number;
  /** Order of change, for `changes`. */
  changed: string;
};

export type ImportDetail = ImportSummary & {
  items: ImportItem[];
  nextCursor?: string;
};

export type ImportService = {
  /**
   * Writes import, ledger and jobs in one transaction and gives its id at once.
   * Errors: InvalidInputError (nothing selected, over 500 selected, category over 100 characters), NotFoundError for
   * integrations of others; AppError 409 `needs_reconnect`.
   */
  create(
    user: User,
    input: {
      items: { integrationId: string; ref: string }[];
      category?: string;
      recursive?: boolean;
    },
  ): Promise<{ id: string }>;
  list(user: User, options?: { cursor?: string }): Promise<{ imports: ImportSummary[]; nextCursor?: string }>;
  /** One page (100 items) of the ledger. Errors: NotFoundError. */
  get(user: User, id: string, options?: { cursor?: string; state?: ItemState }): Promise<ImportDetail>;
  /** Summary and the items that changed after `since` (a `changed` value), at most 200: for live progress. */
  changes(user: User, id: string, since?: string): Promise<ImportSummary & { changedItems: ImportItem[] }>;
  /** Waiting items become skipped with the reason "cancelled". Errors: NotFoundError, ConflictError `not_running`. */
  cancel(user: User, id: string): Promise<void>;
  /** Failed items (or one) wait again. Gives how many. Errors: NotFoundError, ConflictError `nothing_to_retry`. */
  retry(user: User, id: string, options?: { itemId?: string }): Promise<number>;
};
