import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { countEmbedded } from '../index/missing-embeddings.ts';
import {
  changeSearchEmbedder,
  findSearchEmbedder,
  freeReEmbedding,
  hurryReEmbedding,
  insertSearchEmbedder,
  lockSearchEmbedder,
} from '../index/search-embedder.ts';
import type { Embedder } from '../pipeline/embed/embedder.ts';

/** How far the hub is on its way to another embedder. */
export type EmbedderChange = {
  /** Ids of embedders. */
  from: string;
  to: string;
  /** Whether queries can still be embedded by the former one. */
  isFormerAskable: boolean;
  /** Passages that have a vector of the new one, and all. */
  done: number;
  total: number;
  /** Passages that the new one's model does not take. */
  refused: number;
  /** Why it does not go on, and what to do. */
  problem?: string;
};

export type EmbedderService = {
  /**
   * To be called at a start. The configured embedder becomes the one that the hub is changing to, where it is not the active one already;
   * with nothing stored it is active at once. What an earlier start wanted is called off: the last start decides.
   */
  begin(): Promise<void>;
  /** Whose vectors searches compare, and what embeds a query for them; without `embedder` it cannot be asked from here any more. */
  active(): Promise<{ id: string; embedder?: Embedder }>;
  /** Undefined while there is none under way. */
  change(): Promise<EmbedderChange | undefined>;
};

const TRIED_AGAIN = 'The hub tries again by itself.';
const FORSAKEN =
  'No worker is embedding. Restart the workers of this hub (ROLE worker or all) with the same settings as this process.';

export function createEmbedderService(deps: {
  database: Database;
  /** The configured one. */
  embedder: Embedder;
  /** Makes an embedder that was configured once, where it can still be asked. */
  embedderOf: (id: string) => Embedder | undefined;
  logger: Logger;
}): EmbedderService {
  const { database, embedder, logger } = deps;
  const others = new Map<string, Embedder | undefined>();

  function embedderFor(id: string): Embedder | undefined {
    if (id === embedder.id) return embedder;
    if (!others.has(id)) others.set(id, deps.embedderOf(id));
    return others.get(id);
  }

  return {
    async begin() {
      const outcome = await database.transaction(async (trx) => {
        await insertSearchEmbedder(trx, embedder.id);
        const state = await lockSearchEmbedder(trx, 'update');
        if (!state) throw new Error('the row that names the active embedder is gone');
        // The embedded database has one process: whoever was at work is its dead predecessor.
        if (database.kind === 'embedded') await freeReEmbedding(trx);
        const { active, target } = state;
        if (target === embedder.id) {
          await hurryReEmbedding(trx);
          return { ...state, step: 'goes on' as const };
        }
        if (active === embedder.id && target === undefined) return undefined;
        const { done, total } = await countEmbedded(trx, embedder.id);
        const isNew = active !== embedder.id && total > 0;
        await changeSearchEmbedder(trx, isNew ? { active, target: embedder.id, done, total } : { active: embedder.id });
        return { active, target, done, total, step: isNew ? ('begins' as const) : ('is off' as const) };
      });
      if (!outcome) return;
      const { active, target, done, total, step } = outcome;
      if (step === 'is off') {
        if (target !== undefined)
          logger.info({ embedder: embedder.id, target }, 'the change of the embedder is called off');
        return;
      }
      logger.info(
        { from: active, to: embedder.id, done, total },
        step === 'begins'
          ? 'the embedder was changed: stored passages are embedded anew, and searches use the former one until then'
          : 'stored passages are embedded anew for the changed embedder; that goes on',
      );
    },

    async active() {
      const id = (await findSearchEmbedder(database.current()))?.active ?? embedder.id;
      return { id, embedder: embedderFor(id) };
    },

    async change() {
      const state = await findSearchEmbedder(database.current());
      if (state?.target === undefined) return undefined;
      const { active, target, done, total, refused, isForsaken } = state;
      const problem = state.problem ? `${state.problem} ${TRIED_AGAIN}` : isForsaken ? FORSAKEN : undefined;
      const isFormerAskable = embedderFor(active) !== undefined;
      return { from: active, to: target, isFormerAskable, done: Math.min(done, total), total, refused, problem };
    },
  };
}
