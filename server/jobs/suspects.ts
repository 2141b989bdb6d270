import type { Knex } from 'knex';
import { countRunAlone, startLedgerItem } from '../stores/import-item-store.ts';

/**
 * A process that dies takes all its files with it, and nobody knows whether one of them was the cause. A file that was in hand two times
 * running is therefore worked on alone from then on: only deaths meanwhile speak against it, and four of them in a row end it.
 */
const SUSPECT_AFTER = 2;
const DEATHS_ALONE = 4;

export const DEADLY = {
  state: 'failed',
  reason:
    'The hub stopped each time it worked on this file and on nothing else. It may be too heavy for this machine: leave it out, or try it again where there is more memory.',
  reasonCode: 'worker_stopped',
} as const;

export type Suspicion = 'none' | 'suspect' | 'deadly';

/** Takes an open row in hand. Undefined when it has its final state already. The caller holds the import's lock. */
export async function startItem(trx: Knex.Transaction, id: string): Promise<Suspicion | undefined> {
  const lostRuns = await startLedgerItem(trx, id, SUSPECT_AFTER + 1);
  if (lostRuns === undefined) return undefined;
  if (lostRuns > SUSPECT_AFTER + DEATHS_ALONE) return 'deadly';
  return lostRuns > SUSPECT_AFTER ? 'suspect' : 'none';
}

/** Where the files of this process are parsed and saved: side by side, or one of them alone. */
export type Workroom = {
  /**
   * Returns when the file may be worked on; `alone`: when no other is, and none begins before it leaves. Who came first goes first.
   * Gives the function that leaves. Errors: the signal's reason.
   */
  enter(options: { alone: boolean; signal: AbortSignal }): Promise<() => void>;
};

/** Goes in with a file whose bytes are here. What happens to the process from now on, a suspect is to blame for. */
export async function enterRoom(
  db: Knex,
  room: Workroom,
  file: { id: string; isSuspect: boolean; signal: AbortSignal },
): Promise<() => void> {
  const leave = await room.enter({ alone: file.isSuspect, signal: file.signal });
  if (!file.isSuspect) return leave;
  try {
    await countRunAlone(db, file.id);
    return leave;
  } catch (error) {
    leave();
    throw error;
  }
}

type Waiting = { alone: boolean; enter(): void };

export function createWorkroom(): Workroom {
  const waiting: Waiting[] = [];
  let inside = 0;
  let isTaken = false;

  function admit(): void {
    for (let next = waiting[0]; next && !isTaken && (!next.alone || inside === 0); next = waiting[0]) {
      waiting.shift();
      inside++;
      isTaken = next.alone;
      next.enter();
    }
  }

  function leave(): void {
    inside--;
    isTaken = false;
    admit();
  }

  return {
    enter({ alone, signal }) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const onAbort = () => {
          waiting.splice(waiting.indexOf(one), 1);
          reject(signal.reason as Error);
          admit();
        };
        const one: Waiting = {
          alone,
          enter() {
            signal.removeEventListener('abort', onAbort);
            resolve(leave);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(one);
        admit();
      });
    },
  };
}
