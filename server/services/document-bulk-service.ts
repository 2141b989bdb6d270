import type { Database } from '../database/database.ts';
import { AppError, ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { deleteOrphanEmbeddings } from '../index/postgres.ts';
import {
  countChosen,
  nextChosen,
  setCategory,
  type ChosenDocument,
  type DocumentChoice,
} from '../stores/document-bulk-store.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { deleteDocuments } from '../stores/document-store.ts';
import type { ImportService } from './import-service.ts';
import type { User } from './user-service.ts';

export type { DocumentChoice };

/** Documents of one step: what is held in memory, and what one transaction changes. An import takes no more. */
export const BULK_STEP = 500;
const MAX_CATEGORY = 100;

export type BulkPlan = {
  documents: number;
  passages: number;
  /** That syncs look after. */
  followed: number;
  /** That can be imported again; the others are of accounts that are gone, or that cannot be read now. */
  importable: number;
  disconnected: number;
  unreadable: number;
};

/** What changes many documents at once. Choices of other people's documents are empty. */
export type DocumentBulkService = {
  /** Errors: NotFoundError when nothing is chosen any more. */
  plan(user: User, choice: DocumentChoice): Promise<BulkPlan>;
  /** Gives how many were deleted. */
  delete(user: User, choice: DocumentChoice): Promise<number>;
  /** Gives how many were changed. Errors: InvalidInputError (over 100 characters). */
  categorise(user: User, choice: DocumentChoice, category: string): Promise<number>;
  /**
   * Imports again what is of readable accounts, in as many imports as it takes; the others are left out, as the plan says.
   * Errors: ConflictError `not_importable` when that is all.
   */
  sync(user: User, choice: DocumentChoice): Promise<{ importIds: string[]; documents: number; problem?: string }>;
};

export function createDocumentBulkService(deps: { database: Database; imports: ImportService }): DocumentBulkService {
  const { database, imports } = deps;

  async function* steps(
    user: User,
    choice: DocumentChoice,
    options: { ofActive?: boolean } = {},
  ): AsyncGenerator<ChosenDocument[]> {
    let after: string | undefined;
    for (;;) {
      const step = await nextChosen(database.current(), user.id, known(choice), {
        ...options,
        after,
        limit: BULK_STEP,
      });
      if (step.length > 0) yield step;
      if (step.length < BULK_STEP) return;
      after = step.at(-1)?.id;
    }
  }

  return {
    async plan(user, choice) {
      const counts = await countChosen(database.current(), user.id, known(choice));
      const sum = (of: (count: (typeof counts)[number]) => number): number =>
        counts.reduce((total, count) => total + of(count), 0);
      const documents = sum((count) => count.documents);
      if (documents === 0) throw new NotFoundError('None of these documents');
      const importable = sum((count) => (count.status === 'active' ? count.documents : 0));
      const disconnected = sum((count) => (count.status === undefined ? count.documents : 0));
      return {
        documents,
        passages: sum((count) => count.passages),
        followed: sum((count) => (count.status === undefined ? 0 : count.followed)),
        importable,
        disconnected,
        unreadable: documents - importable - disconnected,
      };
    },

    async delete(user, choice) {
      let deleted = 0;
      for await (const step of steps(user, choice))
        deleted += await database.transaction(async (trx) => {
          const gone = await deleteDocuments(
            trx,
            step.map(({ id }) => id),
          );
          if (gone > 0) await recordAudit(trx, { action: 'document_deleted', actor: user, details: { deleted: gone } });
          return gone;
        });
      // By itself, because it holds imports back for a moment.
      if (deleted > 0) await database.transaction(deleteOrphanEmbeddings);
      return deleted;
    },

    async categorise(user, choice, typed) {
      const category = typed.trim() || undefined;
      if (category !== undefined && category.length > MAX_CATEGORY)
        throw new InvalidInputError([
          { field: 'category', message: `Enter a category of ${MAX_CATEGORY} characters or fewer.` },
        ]);
      let changed = 0;
      for await (const step of steps(user, choice))
        changed += await database.transaction((trx) =>
          setCategory(
            trx,
            user.id,
            step.map(({ id }) => id),
            category,
          ),
        );
      return changed;
    },

    async sync(user, choice) {
      const importIds: string[] = [];
      let documents = 0;
      try {
        for await (const step of steps(user, choice, { ofActive: true })) {
          const items = step.flatMap(({ integrationId, itemRef }) =>
            integrationId ? [{ integrationId, ref: itemRef }] : [],
          );
          importIds.push((await imports.create(user, { items, follow: false })).id);
          documents += items.length;
        }
      } catch (error) {
        // An account may stop working between two steps: what was begun goes on.
        if (!(error instanceof AppError) || importIds.length === 0) throw error;
        return { importIds, documents, problem: error.message };
      }
      if (importIds.length === 0)
        throw new ConflictError(
          'not_importable',
          'None of these documents can be imported again: connect their accounts first.',
        );
      return { importIds, documents };
    },
  };
}

/** Without what cannot be an id. */
const known = (choice: DocumentChoice): DocumentChoice =>
  'ids' in choice ? { ids: choice.ids.filter(isUuid) } : choice;
