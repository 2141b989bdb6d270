import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';
import type { JobContext } from '../queue/worker.ts';
import { NO_STAGES, type ImportStage } from '../services/import-progress.ts';
import { listOpenWork, saveActivity, type Activity } from '../stores/activity-store.ts';

/** How often is written what is in hand, and looked whether it is still wanted. */
const EVERY_MS = 1000;
const SHOWN = 5;

/** What a step of an import is given: `signal` is also aborted when the import ends, or the step's row is settled, in whatever process. */
export type Hand = JobContext & {
  /** Says what is being done; a name is shown beside it. */
  stage: (stage: ImportStage, name?: string) => void;
};

/** The row that a step works on: of a file, of a listing, or of the import itself. */
export type WorkRow = { kind: 'items' | 'folders' | 'imports'; id: string; importId: string };

type Entry = WorkRow & { over: AbortController; stage?: ImportStage; name?: string };

export type WorkInHand = {
  /** Does one step. Where its row is over meanwhile it is broken off, and nothing more is to be said of it. */
  take(row: WorkRow, job: JobContext, step: (hand: Hand) => Promise<void>): Promise<void>;
  stop: () => void;
};

/** Knows what this process works on: tells it once a second for the pages of imports, and breaks off what is no longer wanted. */
export function startWorkInHand(context: Pick<Context, 'database' | 'signals' | 'logger'>): WorkInHand {
  const { database, signals, logger } = context;
  const workerId = randomUUID();
  const entries = new Set<Entry>();
  let told: string[] = [];
  let looking: Promise<void> | undefined;
  let saving: Promise<void> | undefined;

  async function breakOff(): Promise<void> {
    const looked = [...entries];
    if (looked.length === 0) return;
    const idsOf = (kind: Entry['kind']) => looked.filter((entry) => entry.kind === kind).map(({ id }) => id);
    const open = await listOpenWork(database.knex, {
      items: idsOf('items'),
      folders: idsOf('folders'),
      imports: idsOf('imports'),
    });
    for (const entry of looked)
      if (!open.has(entry.id)) entry.over.abort(new Error('the item is no longer to be imported'));
  }

  async function tell(): Promise<void> {
    const activities = activitiesOf([...entries]);
    if (activities.length === 0 && told.length === 0) return;
    await saveActivity(database.knex, workerId, activities);
    const changed = new Set([...told, ...activities.map(({ importId }) => importId)]);
    told = activities.map(({ importId }) => importId);
    for (const importId of changed) signals.publish('import', importId);
  }

  const failed = (error: unknown) => logger.warn({ err: error }, 'what is in hand could not be compared or told');
  const look = () => {
    looking ??= breakOff()
      .catch(failed)
      .finally(() => (looking = undefined));
    return looking;
  };
  const timer = setInterval(() => {
    void look();
    saving ??= tell()
      .catch(failed)
      .finally(() => (saving = undefined));
  }, EVERY_MS);
  timer.unref();
  const unsubscribe = signals.subscribe('import-ended', undefined, (importId) => {
    if (![...entries].some((entry) => entry.importId === importId)) return;
    // A look that has begun may have read before the end.
    void (looking ?? Promise.resolve()).then(look);
  });

  return {
    async take(row, job, step) {
      const entry: Entry = { ...row, over: new AbortController() };
      entries.add(entry);
      const hand: Hand = {
        ...job,
        signal: AbortSignal.any([job.signal, entry.over.signal]),
        stage: (stage, name = entry.name) => Object.assign(entry, { stage, name }),
      };
      try {
        await step(hand);
      } catch (error) {
        if (job.signal.aborted || !entry.over.signal.aborted) throw error;
        logger.debug({ importId: row.importId, [row.kind]: row.id }, 'a step was broken off: its import has ended');
      } finally {
        entries.delete(entry);
      }
    },
    stop() {
      clearInterval(timer);
      unsubscribe();
    },
  };
}

/** By import: how many steps are at each stage, and the first few by name. */
function activitiesOf(entries: Entry[]): Activity[] {
  const activities = new Map<string, Activity & { stages: typeof NO_STAGES }>();
  for (const { importId, stage, name } of entries) {
    if (!stage) continue;
    let activity = activities.get(importId);
    if (!activity) activities.set(importId, (activity = { importId, stages: { ...NO_STAGES }, current: [] }));
    activity.stages[stage]++;
    if (name !== undefined && activity.current.length < SHOWN) activity.current.push({ name, stage });
  }
  return [...activities.values()];
}
