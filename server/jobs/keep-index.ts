import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { IndexError } from '../index/index-error.ts';

const SETTLE_EVERY_MS = 2_000;
const FILL_EVERY_MS = 60_000;

/**
 * Keeps an index outside the database true to it, in whichever process looks first: removes what is left over, tells of changes, and uploads
 * stored documents that it lacks. Gives a function that stops it.
 */
export function startIndexKeeper({ indexKeeper, logger }: Context): () => void {
  if (!indexKeeper) return () => undefined;
  const stopping = new AbortController();
  const { signal } = stopping;

  /** Works until nothing is left to do, then looks again after a while. */
  async function repeat(everyMs: number, work: (signal: AbortSignal) => Promise<number>): Promise<void> {
    while (!signal.aborted) {
      try {
        if ((await work(signal)) > 0) continue;
      } catch (error) {
        // A round that a stop has cut off is made again at the next start.
        if (!signal.aborted)
          logger[error instanceof IndexError && error.kind !== 'misconfigured' ? 'warn' : 'error'](
            { err: error },
            'the index could not be brought up to date; it is tried again',
          );
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  void repeat(SETTLE_EVERY_MS, (cut) => indexKeeper.settle(cut));
  void repeat(FILL_EVERY_MS, (cut) => indexKeeper.fill(cut));
  return () => stopping.abort();
}
