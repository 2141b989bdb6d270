import type { Platform, ProviderDefinition } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { findPace, listAwaited } from '../stores/activity-store.ts';
import type { ImportSummary } from './import-service.ts';
import type { IntegrationService } from './integration-service.ts';
import type { User } from './user-service.ts';

/** What is done with an item, or with a folder (`listing`), while it is in work. */
export type ImportStage = 'listing' | 'downloading' | 'reading' | 'embedding' | 'saving';
export type ImportStages = Record<ImportStage, number>;
export type ItemInWork = { name: string; stage: ImportStage };

export const NO_STAGES: ImportStages = { listing: 0, downloading: 0, reading: 0, embedding: 0, saving: 0 };

/** How a running import goes, over all workers. */
export type ImportProgress = {
  stages: ImportStages;
  /** Items worked on to their end, by the last minute. */
  ratePerMinute: number;
  /** Of files that were indexed, by the last minute. */
  bytesPerSecond: number;
  /** Null while more may be listed, while a vendor asks for a pause, and while nothing tells the rate. */
  etaSeconds: number | null;
  /** A few of the items in work. */
  current: ItemInWork[];
  /** A vendor that the import waits for asks for a pause: until when, and which service. */
  throttledUntil?: Date;
  throttledBy?: string;
};

type Throttle = Pick<ImportProgress, 'throttledUntil' | 'throttledBy'>;

const SHOWN = 5;

/** Gives the progress of a running import. What is in work is up to a second old. */
export function createProgressReader(deps: {
  database: Database;
  integrations: IntegrationService;
  definitions: ProviderDefinition[];
}): (user: User, summary: ImportSummary) => Promise<ImportProgress | undefined> {
  const { database, integrations, definitions } = deps;

  async function throttleOf(user: User, importId: string): Promise<Throttle> {
    const paused = (await integrations.list(user)).filter(({ throttledUntil }) => throttledUntil !== undefined);
    const awaited = await listAwaited(
      database.current(),
      importId,
      paused.map(({ id }) => id),
    );
    const [longest] = paused
      .filter(({ id }) => awaited.includes(id))
      .sort((a, b) => Number(b.throttledUntil) - Number(a.throttledUntil));
    return longest ? { throttledUntil: longest.throttledUntil, throttledBy: labelOf(longest.platform) } : {};
  }

  const labelOf = (platform: Platform) => definitions.find(({ id }) => id === platform)?.label ?? platform;

  return async (user, summary) => {
    const { id, counts, mayGrow } = summary;
    const pace = await findPace(database.current(), id);
    if (!pace) return undefined;
    const { activities, items, bytes, seconds } = pace;
    const throttle: Throttle = pace.isAnyPaused ? await throttleOf(user, id) : {};
    const stages = { ...NO_STAGES };
    for (const activity of activities)
      for (const stage of Object.keys(stages) as ImportStage[]) stages[stage] += activity.stages[stage] ?? 0;
    const left = counts.waiting + counts.running;
    const knowsWhen = left > 0 && items > 0 && !mayGrow && !throttle.throttledUntil;
    return {
      stages,
      ratePerMinute: rounded((items * 60) / seconds),
      bytesPerSecond: Math.round(bytes / seconds),
      etaSeconds: knowsWhen ? Math.ceil((left * seconds) / items) : null,
      current: activities.flatMap(({ current }) => current).slice(0, SHOWN),
      ...throttle,
    };
  };
}

/** To a tenth where it is small. */
const rounded = (rate: number): number => (rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate));
