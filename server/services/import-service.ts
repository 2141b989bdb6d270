import type { Knex } from 'knex';
import type { Item } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { AppError, BadRequestError, ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import type { Queue } from '../queue/queue.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { findTwins, type DocumentName } from '../stores/document-twin-store.ts';
import { closeImportFolders } from '../stores/import-folder-store.ts';
import {
  insertLedgerItems,
  lastChange,
  listChangedItems,
  listLedger,
  reopenFailedItems,
  skipOpenItems,
} from '../stores/import-item-store.ts';
import {
  closeImport,
  findImport,
  findImportHead,
  findRunningSync,
  insertImport,
  listImports,
  lockImport,
  reopenImport,
} from '../stores/import-store.ts';
import { addListed } from '../stores/listed-store.ts';
import { saveScopeFolders, saveSelections } from '../stores/scope-store.ts';
import { readImportCharts, type ImportCharts } from './import-charts.ts';
import { cleanFilters, type ImportFilters } from './import-filters.ts';
import { withOutcomes } from './import-outcome.ts';
import { addListings, listingDepth } from './import-listings.ts';
import type { ImportProgress } from './import-progress.ts';
import type { IntegrationService } from './integration-service.ts';
import { ledgerLines, type LedgerLine } from './ledger-export.ts';
import { endSync } from './sync-end.ts';
import type { User } from './user-service.ts';

export const ITEM_STATES = ['waiting', 'running', 'indexed', 'unchanged', 'skipped', 'failed', 'removed'] as const;
export type ItemState = (typeof ITEM_STATES)[number];
/** `sync`: what was selected before is brought up to date. */
export type ImportKind = 'import' | 'sync';
export type ImportStatus = 'running' | 'finished' | 'cancelled' | 'failed';

/** `total` is the sum of all states; every file the vendor listed is in exactly one. */
export type ImportCounts = Record<ItemState, number> & { total: number };

/** How far an import goes beyond what is selected. */
export type ImportScope = {
  /** Folders bring all that is below them, else only the files right inside. */
  recursive: boolean;
  /** Files that hold items bring all that is below them, as a page its sub-pages. Recursive folders do so anyway. */
  includeChildren: boolean;
  /** Files bring what hangs on them too: attachments and comments. */
  includeAttachments: boolean;
  /** What is left out of what is listed. */
  filters?: ImportFilters;
};

export type ImportSummary = ImportScope & {
  id: string;
  status: ImportStatus;
  category?: string;
  kind: ImportKind;
  /** Of a sync only. */
  integrationId?: string;
  /** Why it failed as a whole: a sentence. */
  problem?: string;
  /** A sync waits for a person's answer: it would take away suspiciously many documents. */
  held: boolean;
  counts: ImportCounts;
  /** How many items were named, counted apart from the rows. Absent for imports from before this was counted. */
  listed?: number;
  /** Of an import that has ended: its rows do not add up to what was listed. A sentence. */
  mismatch?: string;
  /** Of an import that has ended and brought nothing new: why. A sentence. */
  outcome?: string;
  /** Of a running one, where it is asked for by itself. */
  progress?: ImportProgress;
  /** More items may still be met. */
  mayGrow: boolean;
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
  /** encrypted, corrupt, incomplete, no_text, unsupported, too_large, timeout, gone, denied, … */
  reasonCode?: string;
  documentId?: string;
  /** The oldest other document of the user that has the same bytes. */
  sameAs?: DocumentName;
  chunkCount?: number;
  sizeBytes?: number;
  attempts: number;
  /** It failed, and its account is still connected. */
  retryable: boolean;
  /** Order of change, for `changes`. */
  changed: string;
};

export type ImportDetail = ImportSummary & {
  /** A `changed` value: `changes` from here on gives what is newer than these items, and may repeat some of them. */
  position: string;
  items: ImportItem[];
  nextCursor?: string;
};

/** What a listing said of a selected item, so that the vendor need not be asked what it is. */
export type KnownItem = Pick<Item, 'name' | 'kind' | 'hasChildren'> & { path: string };

export type ImportService = {
  /**
   * Writes import, ledger and jobs in one transaction and gives its id at once.
   * Errors: InvalidInputError (nothing selected, over 500 selected, category over 100 characters), NotFoundError for
   * integrations of others; AppError 409 `needs_reconnect`.
   */
  create(
    user: User,
    input: Partial<ImportScope> & {
      items: { integrationId: string; ref: string; known?: KnownItem }[];
      category?: string;
      /** False: this once, and no sync looks after it (true). */
      follow?: boolean;
    },
  ): Promise<{ id: string }>;
  list(
    user: User,
    /** `syncsOf`: the syncs of this integration alone. */
    options?: { cursor?: string; limit?: number; syncsOf?: string },
  ): Promise<{ imports: ImportSummary[]; nextCursor?: string }>;
  /** One page (100 items) of the ledger. Errors: NotFoundError. */
  get(user: User, id: string, options?: LedgerFilter & { cursor?: string }): Promise<ImportDetail>;
  /** All of the ledger, some rows at a time; `startedAt` is the import's. Errors: NotFoundError. */
  export(user: User, id: string, filter?: LedgerFilter): Promise<{ startedAt: Date; lines: AsyncIterable<LedgerLine> }>;
  /** Errors: NotFoundError. */
  charts(user: User, id: string): Promise<ImportCharts>;
  /** Summary and the items that changed after `since` (a `changed` value), at most 200: for live progress. */
  changes(user: User, id: string, since?: string): Promise<ImportSummary & { changedItems: ImportItem[] }>;
  /** Open items become skipped with the reason "cancelled"; what is in work is broken off in every process. Errors: NotFoundError, ConflictError `not_running`. */
  cancel(user: User, id: string): Promise<void>;
  /** Failed items (or one) wait again. Gives how many. Errors: NotFoundError, ConflictError `nothing_to_retry`, `sync_running`. */
  retry(user: User, id: string, options?: { itemId?: string }): Promise<number>;
};

/** Which rows of a ledger; `q`: words in name or path. */
export type LedgerFilter = { state?: ItemState; q?: string };

const MAX_SELECTED = 500;
const MAX_CATEGORY = 100;
const MAX_REF = 2000;

export function createImportService(deps: {
  database: Database;
  queue: Queue;
  integrations: IntegrationService;
  progressOf: (user: User, summary: ImportSummary) => Promise<ImportProgress | undefined>;
}): ImportService {
  const { database, queue, integrations, progressOf } = deps;

  async function find(user: User, id: string): Promise<ImportSummary> {
    const found = isUuid(id) ? await findImport(database.current(), user.id, id) : undefined;
    if (!found) throw new NotFoundError('The import');
    return found;
  }

  /** What is told of one import by itself. */
  async function describe(user: User, id: string): Promise<ImportSummary> {
    const found = await find(user, id);
    if (found.finishedAt === null) return { ...found, progress: await progressOf(user, found) };
    const [told] = await withOutcomes(database.current(), [found]);
    return told ?? found;
  }

  return {
    async create(user, input) {
      const category = input.category?.trim() || undefined;
      const { items, recursive = true, includeChildren = false, includeAttachments = false } = input;
      const scope = { recursive, includeChildren, includeAttachments, filters: cleanFilters(input.filters) };
      const errors = [
        ...(items.length === 0 ? [{ field: 'items', message: 'Tick at least one file or folder.' }] : []),
        ...(items.length > MAX_SELECTED
          ? [
              {
                field: 'items',
                message: `Tick at most ${MAX_SELECTED} files and folders; a folder brings all that is in it.`,
              },
            ]
          : []),
        ...(items.some(({ ref }) => ref === '' || ref.length > MAX_REF)
          ? [{ field: 'items', message: 'One of the selected items is not known. Select it again.' }]
          : []),
        ...(category !== undefined && category.length > MAX_CATEGORY
          ? [{ field: 'category', message: `Enter a category of ${MAX_CATEGORY} characters or fewer.` }]
          : []),
      ];
      if (errors.length > 0) throw new InvalidInputError(errors);
      for (const id of new Set(items.map(({ integrationId }) => integrationId))) {
        const integration = await integrations.get(user, id);
        if (integration.status !== 'active')
          throw new AppError(
            409,
            'needs_reconnect',
            integration.statusDetail ?? 'The account is not connected any more. Reconnect it, then import again.',
          );
      }
      return database.transaction(async (trx) => {
        const id = await insertImport(trx, { userId: user.id, category, ...scope });
        const selected = uniqueBy(items, ({ integrationId, ref }) => `${integrationId} ${ref}`);
        const followed = input.follow === false ? [] : selected;
        const selectionIds = await saveSelections(
          trx,
          followed.map(({ integrationId, ref, known }) => ({
            integrationId,
            ref,
            name: known?.name ?? 'Selected item',
            path: known?.path ?? '',
            category,
            ...scope,
          })),
        );
        for (const [at, { integrationId, ref, known }] of selected.entries()) {
          const deep = known && listingDepth(known, scope);
          if (!known || deep === undefined) continue;
          const { kind, path } = known;
          const selectionId = selectionIds[at];
          if (selectionId) await saveScopeFolders(trx, integrationId, [{ ref, selectionId, kind, deep, path }]);
          await addListings(queue, trx, id, integrationId, [{ ref, path, deep }]);
        }
        // A folder has no row of its own: those of what is in it stand for it.
        const others = selected.filter(({ known }) => known?.kind !== 'folder');
        await addListed(trx, id, others.length);
        const waiting = await insertLedgerItems(
          trx,
          id,
          others.map(({ integrationId, ref, known }) => ({
            integrationId,
            ref,
            name: known?.name ?? 'Selected item',
            path: known?.path ?? '',
            kind: 'unknown' as const,
          })),
        );
        await queue.enqueue(
          trx,
          'import-item',
          waiting.map((item) => ({ importId: id, itemId: item.id })),
        );
        await recordAudit(trx, {
          action: 'import_started',
          actor: user,
          subject: { kind: 'import', id },
          details: { selected: selected.length },
        });
        return { id };
      });
    },

    async list(user, options = {}) {
      const page = await listImports(database.current(), user.id, options);
      return { ...page, imports: await withOutcomes(database.current(), page.imports) };
    },

    async get(user, id, options = {}) {
      const summary = await describe(user, id);
      // The position is read first: what changes meanwhile is told again, and nothing is left out.
      const position = await lastChange(database.current(), id);
      const page = await listLedger(database.current(), id, options);
      return { ...summary, position, ...page, items: await withTwins(database.current(), page.items) };
    },

    async export(user, id, filter = {}) {
      const { startedAt } = await find(user, id);
      return { startedAt, lines: ledgerLines(database, id, filter) };
    },

    async charts(user, id) {
      await find(user, id);
      return readImportCharts(database, id);
    },

    async changes(user, id, since = '0') {
      if (!/^\d{1,18}$/.test(since))
        throw new BadRequestError('invalid_cursor', 'The position to follow from is not a number.');
      const head = isUuid(id) ? await findImportHead(database.current(), id) : undefined;
      if (head?.userId !== user.id) throw new NotFoundError('The import');
      // The summary is read last, so that it is never older than the items beside it.
      const changedItems = await withTwins(database.current(), await listChangedItems(database.current(), id, since));
      return { ...(await describe(user, id)), changedItems };
    },

    async cancel(user, id) {
      const { kind, integrationId } = await find(user, id);
      await database.transaction(async (trx) => {
        if ((await lockImport(trx, id)) !== 'running')
          throw new ConflictError('not_running', 'This import has ended already, so there is nothing to cancel.');
        await recordAudit(trx, { action: 'import_cancelled', actor: user, subject: { kind: 'import', id } });
        if (kind === 'sync' && integrationId) return endSync(trx, id, integrationId, { status: 'cancelled' });
        await skipOpenItems(
          trx,
          { importId: id },
          { reason: 'The import was cancelled before this item was imported.', code: 'cancelled' },
        );
        await closeImportFolders(trx, { importId: id });
        await closeImport(trx, id, 'cancelled');
      });
    },

    async retry(user, id, options = {}) {
      const { kind, integrationId } = await find(user, id);
      if (options.itemId !== undefined && !isUuid(options.itemId)) throw new NotFoundError('The item');
      return database.transaction(async (trx) => {
        await lockImport(trx, id);
        const itemIds = await reopenFailedItems(trx, id, options.itemId);
        if (itemIds.length === 0)
          throw new ConflictError('nothing_to_retry', 'No failed item of this import can be tried again.');
        const running = kind === 'sync' && integrationId ? await findRunningSync(trx, integrationId) : undefined;
        if (running !== undefined && running !== id)
          throw new ConflictError(
            'sync_running',
            'A newer sync of this account is under way. Try again when it has ended.',
          );
        await reopenImport(trx, id);
        await queue.enqueue(
          trx,
          'import-item',
          itemIds.map((itemId) => ({ importId: id, itemId })),
        );
        return itemIds.length;
      });
    },
  };
}

async function withTwins(db: Knex, items: ImportItem[]): Promise<ImportItem[]> {
  const twins = await findTwins(
    db,
    items.flatMap(({ documentId }) => documentId ?? []),
  );
  return items.map((item) => ({ ...item, sameAs: item.documentId ? twins.get(item.documentId) : undefined }));
}

function uniqueBy<T>(values: T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
