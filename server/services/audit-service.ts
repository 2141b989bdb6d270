import type { AuditEntry, AuditFilter } from '../audit/events.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { ForbiddenError } from '../errors.ts';
import { deleteOldAuditEntries, listAuditEntries } from '../stores/audit-store.ts';
import type { User } from './user-service.ts';

/** Reads the audit log. It is written by `recordAudit`, in the transactions of the changes themselves. */
export type AuditService = {
  /** Newest first. Errors: ForbiddenError. */
  list(
    user: User,
    filter?: AuditFilter,
    options?: { cursor?: string; limit?: number },
  ): Promise<{ entries: AuditEntry[]; nextCursor?: string }>;
  /** All of them, newest first, some at a time. Errors: ForbiddenError, at once. */
  export(user: User, filter?: AuditFilter): AsyncIterable<AuditEntry>;
  /** Removes what is older than it is to be kept. Gives how many. */
  prune(): Promise<number>;
};

const PAGE = 50;
const EXPORT_PAGE = 500;
const PRUNE_BATCH = 5000;

export function createAuditService(deps: { config: Config; database: Database }): AuditService {
  const { config, database } = deps;

  function requireAdmin(user: User): void {
    if (user.role !== 'admin') throw new ForbiddenError('Only admins read the audit log. Ask an admin of this hub.');
  }

  async function* entries(filter: AuditFilter): AsyncGenerator<AuditEntry> {
    for (let cursor: string | undefined; ;) {
      const page = await listAuditEntries(database.knex, filter, { cursor, limit: EXPORT_PAGE });
      yield* page.entries;
      if (page.nextCursor === undefined) return;
      cursor = page.nextCursor;
    }
  }

  return {
    async list(user, filter = {}, { cursor, limit = PAGE } = {}) {
      requireAdmin(user);
      return listAuditEntries(database.current(), filter, { cursor, limit });
    },

    export(user, filter = {}) {
      requireAdmin(user);
      return entries(filter);
    },

    async prune() {
      for (let pruned = 0; ;) {
        const deleted = await database.transaction((trx) =>
          deleteOldAuditEntries(trx, config.auditRetentionDays, PRUNE_BATCH),
        );
        pruned += deleted;
        if (deleted < PRUNE_BATCH) return pruned;
      }
    },
  };
}
