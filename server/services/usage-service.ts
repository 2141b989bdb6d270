import type { Logger } from 'pino';
import type { ModelPrices } from '../model-config.ts';
import type { Database } from '../database/database.ts';
import { addUsage, sumUsage } from '../stores/usage-store.ts';

export type UsagePurpose = 'embedding' | 'answers';
/** What was asked of one model: requests (repeated ones too), and the tokens that its server told. */
export type ModelUse = { purpose: UsagePurpose; model: string; requests: number; tokensIn: number; tokensOut: number };
type Counts = Pick<ModelUse, 'requests' | 'tokensIn' | 'tokensOut'>;

export type UsageService = {
  /** Keeps what a model of this process counts from now on. */
  watch(purpose: UsagePurpose, model: string, read: () => Counts): void;
  /** Of all processes, over the last so many days; up to ten seconds of them are not kept yet. `cost` is in the unit of the prices. */
  lastDays(days: number): Promise<(ModelUse & { cost?: number })[]>;
  /** Keeps the rest. */
  close(): Promise<void>;
};

/** How often what was counted is kept: what a process counted since is lost with it. */
const KEEP_EVERY_MS = 10_000;
const COUNTS = ['requests', 'tokensIn', 'tokensOut'] as const;
const MILLION = 1_000_000;

/** Adds up in the database what all processes ask of models. */
export function createUsageService(deps: {
  database: Database;
  prices: ModelPrices;
  logger: Logger;
  keepEveryMs?: number;
}): UsageService {
  const { database, prices, logger } = deps;
  const watched: { purpose: UsagePurpose; model: string; read: () => Counts; kept: Counts }[] = [];
  let keeping = Promise.resolve();

  /** Adds what came since the last time; where the database cannot take it, it is added the next time. */
  async function keep(): Promise<void> {
    const grown = watched.flatMap((one) => {
      const now = { ...one.read() };
      const uses = { ...now };
      for (const name of COUNTS) uses[name] -= one.kept[name];
      return COUNTS.some((name) => uses[name] > 0) ? [{ one, now, uses }] : [];
    });
    if (grown.length === 0) return;
    try {
      await addUsage(
        database.knex,
        grown.map(({ one: { purpose, model }, uses }) => ({ purpose, model, ...uses })),
      );
      for (const { one, now } of grown) one.kept = now;
    } catch (error) {
      logger.warn({ err: error }, 'what models were asked for could not be kept');
    }
  }
  const timer = setInterval(() => void (keeping = keeping.then(keep)), deps.keepEveryMs ?? KEEP_EVERY_MS);
  timer.unref();

  const costOf = ({ purpose, tokensIn, tokensOut }: ModelUse): number | undefined => {
    if (purpose === 'embedding')
      return prices.embedding === undefined ? undefined : (tokensIn / MILLION) * prices.embedding;
    if (prices.chatInput === undefined || prices.chatOutput === undefined) return undefined;
    return (tokensIn / MILLION) * prices.chatInput + (tokensOut / MILLION) * prices.chatOutput;
  };

  return {
    watch(purpose, model, read) {
      watched.push({ purpose, model, read, kept: { ...read() } });
    },
    async lastDays(days) {
      return (await sumUsage(database.knex, days)).map((use) => ({ ...use, cost: costOf(use) }));
    },
    async close() {
      clearInterval(timer);
      await keeping;
      await keep();
    },
  };
}
