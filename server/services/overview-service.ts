import type { Platform } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { countImportedByDay, sumDocuments } from '../stores/overview-store.ts';
import type { User } from './user-service.ts';

/** What the documents of one service come to; `bytes` as they were downloaded. */
export type Holdings = { platform: Platform; documents: number; passages: number; bytes: number };

export type OverviewService = {
  holdings(user: User): Promise<Holdings[]>;
  /** Documents by the day (UTC) they were last imported, today last. */
  importedByDay(user: User, days: number): Promise<{ day: Date; documents: number }[]>;
};

/** The figures of the start page. */
export function createOverviewService({ database }: { database: Database }): OverviewService {
  return {
    holdings: (user) => sumDocuments(database.knex, user.id),
    importedByDay: (user, days) => countImportedByDay(database.knex, user.id, days),
  };
}
