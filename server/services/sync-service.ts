import type { Knex } from 'knex';
import type { Database } from '../database/database.ts';
import { AppError, ConflictError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import type { Queue } from '../queue/queue.ts';
import { recordAudit } from '../stores/audit-store.ts';
import {
  deleteEmptySyncs,
  findImport,
  findImportHead,
  findRunningSync,
  findSyncBefore,
  insertSync,
  lockImport,
  setRemovals,
} from '../stores/import-store.ts';
import {
  findDueIntegration,
  findSchedule,
  holdActiveIntegration,
  saveSchedule,
  setRelisting,
} from '../stores/integration-store.ts';
import {
  countFollowedDocuments,
  countRemovals,
  listRemovals,
  type RemovableDocument,
} from '../stores/removal-store.ts';
import { deleteSelection, listSelections, type Selection } from '../stores/scope-store.ts';
import { clearNews, setWatchesDue } from '../stores/webhook-store.ts';
import type { ImportSummary } from './import-service.ts';
import type { IntegrationService } from './integration-service.ts';
import type { User } from './user-service.ts';

/** Minutes between syncs, by the names that the API gives them. */
export const SCHEDULES = { '15m': 15, '1h': 60, '24h': 1440 } as const;
export type ScheduleName = keyof typeof SCHEDULES;
export const SCHEDULE_NAMES = Object.keys(SCHEDULES) as ScheduleName[];

export type Schedule = { every: ScheduleName | null; nextAt?: Date };

/** What a held sync asks: `examples` are the first by path. */
export type HeldRemovals = { count: number; of: number; examples: RemovableDocument[] };

export type { Selection };

export type SyncService = {
  /**
   * Brings what was selected of an account up to date. Gives the id of the sync; of the one under way, where there is one.
   * Errors: NotFoundError; AppError 409 `needs_reconnect`; ConflictError `nothing_selected`.
   */
  start(user: User, integrationId: string): Promise<{ id: string }>;
  /** Errors: NotFoundError. */
  schedule(user: User, integrationId: string): Promise<Schedule>;
  /** Null switches it off. Errors: NotFoundError. */
  setSchedule(user: User, integrationId: string, every: ScheduleName | null): Promise<void>;
  /** Begins the syncs that are due, by the schedule or because the vendor told of news. Gives how many. */
  startDue(): Promise<number>;
  selections(user: User, integrationId: string): Promise<Selection[]>;
  /** What was imported by a selection stays, and is no longer brought up to date. Errors: NotFoundError. */
  unfollow(user: User, integrationId: string, selectionId: string): Promise<void>;
  /** When the sync before this one began; undefined for the first. Errors: NotFoundError. */
  previous(user: User, importId: string): Promise<Date | undefined>;
  /** What a held sync asks; undefined when it asks nothing. Errors: NotFoundError. */
  held(user: User, importId: string): Promise<HeldRemovals | undefined>;
  /** Answers a held sync. Errors: NotFoundError; ConflictError `not_held`. */
  answer(user: User, importId: string, answer: 'remove' | 'keep'): Promise<void>;
};

const EXAMPLES = 20;
/** News seldom come alone: those of some seconds make one sync, and syncs that news begin are this many seconds apart. */
const NEWS = { settle: 5, apart: 30 };
const MINUTE_MS = 60_000;
/** Schedules are spread by up to this share of their length, so that many accounts do not come at once. */
const JITTER = 0.1;

export function createSyncService(deps: {
  database: Database;
  queue: Queue;
  integrations: IntegrationService;
}): SyncService {
  const { database, queue, integrations } = deps;

  /** Gives the id of the sync; of the one under way, where there is one. Undefined while the account is being disconnected. */
  async function begin(trx: Knex.Transaction, userId: string, integrationId: string): Promise<string | undefined> {
    if (!(await holdActiveIntegration(trx, integrationId))) return undefined;
    const id = await insertSync(trx, { userId, integrationId });
    await deleteEmptySyncs(trx, integrationId);
    if (id === undefined) return findRunningSync(trx, integrationId);
    // It reads what its vendor told of until now. A sync under way may have read past it, so that news during it stay.
    await clearNews(trx, integrationId);
    await queue.enqueue(trx, 'sync', [{ importId: id }]);
    return id;
  }

  const nextAt = (minutes: number): Date => new Date(Date.now() + minutes * MINUTE_MS * (1 + Math.random() * JITTER));

  async function find(user: User, importId: string): Promise<ImportSummary> {
    const found = isUuid(importId) ? await findImport(database.current(), user.id, importId) : undefined;
    if (!found) throw new NotFoundError('The import');
    return found;
  }

  return {
    async start(user, integrationId) {
      const integration = await integrations.get(user, integrationId);
      if (integration.status !== 'active')
        throw new AppError(
          409,
          'needs_reconnect',
          integration.statusDetail ?? 'The account is not connected any more. Reconnect it, then sync again.',
        );
      return database.transaction(async (trx) => {
        if ((await listSelections(trx, integrationId)).length === 0)
          throw new ConflictError(
            'nothing_selected',
            'Nothing of this account is followed yet. Import a folder or file; from then on a sync keeps it up to date.',
          );
        const id = await begin(trx, user.id, integrationId);
        if (!id) throw new NotFoundError('The integration');
        await recordAudit(trx, {
          action: 'sync_started',
          actor: user,
          subject: { kind: 'integration', id: integrationId, name: integration.platform },
        });
        return { id };
      });
    },

    async schedule(user, integrationId) {
      const { id } = await integrations.get(user, integrationId);
      const { minutes, nextAt } = await findSchedule(database.current(), id);
      const every = SCHEDULE_NAMES.find((name) => SCHEDULES[name] === minutes) ?? null;
      return { every, nextAt };
    },

    async setSchedule(user, integrationId, every) {
      const { id } = await integrations.get(user, integrationId);
      const minutes = every === null ? null : SCHEDULES[every];
      await saveSchedule(database.current(), id, minutes === null ? null : { minutes, nextAt: nextAt(minutes) });
    },

    async startDue() {
      for (let started = 0; ; started++) {
        const due = await database.transaction(async (trx) => {
          const integration = await findDueIntegration(trx, NEWS);
          if (!integration) return false;
          const { id, userId, minutes, scheduled } = integration;
          if (scheduled) await saveSchedule(trx, id, { minutes, nextAt: nextAt(minutes) });
          if ((await listSelections(trx, id)).length > 0) await begin(trx, userId, id);
          else await clearNews(trx, id);
          return true;
        });
        if (!due) return started;
      }
    },

    async selections(user, integrationId) {
      const { id } = await integrations.get(user, integrationId);
      return listSelections(database.current(), id);
    },

    async unfollow(user, integrationId, selectionId) {
      const { id } = await integrations.get(user, integrationId);
      const deleted =
        isUuid(selectionId) &&
        (await database.transaction(async (trx) => {
          // Another selection may hold some of it: the next sync finds that out.
          await setRelisting(trx, id, true);
          // Where nothing is followed any more, nobody has to call.
          await setWatchesDue(trx, id);
          return deleteSelection(trx, id, selectionId);
        }));
      if (!deleted) throw new NotFoundError('The selection');
    },

    async previous(user, importId) {
      const { integrationId, startedAt } = await find(user, importId);
      return integrationId === undefined ? undefined : findSyncBefore(database.current(), { integrationId, startedAt });
    },

    async held(user, importId) {
      const { held, integrationId } = await find(user, importId);
      if (!held || integrationId === undefined) return undefined;
      const db = database.current();
      return {
        count: await countRemovals(db, integrationId),
        of: await countFollowedDocuments(db, integrationId),
        examples: await listRemovals(db, integrationId, EXAMPLES),
      };
    },

    async answer(user, importId, answer) {
      await find(user, importId);
      await database.transaction(async (trx) => {
        const status = await lockImport(trx, importId);
        const head = await findImportHead(trx, importId);
        if (status !== 'running' || head?.removals !== 'held')
          throw new ConflictError('not_held', 'This sync does not ask for an answer, or it has one already.');
        // Answered once: nobody is asked any more while the answer is carried out.
        await setRemovals(trx, importId, 'pending');
        await queue.enqueue(trx, 'settle-removals', [{ importId, answer }]);
        await recordAudit(trx, {
          action: 'sync_answered',
          actor: user,
          subject: { kind: 'import', id: importId },
          details: { answer },
        });
      });
    },
  };
}
