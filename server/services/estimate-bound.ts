import type { Connection } from '../../providers/provider.ts';

/** How long an estimate may take, and how many items it may list, over all accounts. */
export type EstimateLimits = { ms: number; items: number };

/** What ends the counting of every account at once. */
export type Bound = {
  signal: AbortSignal;
  /** Why it ended, once it has. */
  reason?: 'time' | 'items';
  /** Notes that so many items more were listed. */
  meet(items: number): void;
  /** Settles when it has ended. */
  ended: Promise<void>;
  /** Gives up what is still on its way. */
  release(): void;
};

export function createBound(limits: EstimateLimits): Bound {
  const controller = new AbortController();
  const { signal } = controller;
  let left = limits.items;
  const end = (reason: Bound['reason']): void => {
    if (signal.aborted) return;
    bound.reason = reason;
    controller.abort();
  };
  const timer = setTimeout(() => end('time'), limits.ms);
  const bound: Bound = {
    signal,
    ended: new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    meet(items) {
      left -= items;
      if (left < 0) end('items');
    },
    release() {
      clearTimeout(timer);
      controller.abort();
    },
  };
  return bound;
}

/** The same connection, whose requests end with the signal. */
export const withSignal = (connection: Connection, signal: AbortSignal): Connection => ({
  ...connection,
  fetch: (input, init) => {
    const own = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    return connection.fetch(input, { ...init, signal: own ? AbortSignal.any([own, signal]) : signal });
  },
});
