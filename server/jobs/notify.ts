import type { Context } from '../context.ts';

const ROUTE_EVERY_MS = 2000;
const REVIVE_EVERY_MS = 30_000;

/**
 * Looks for notifications that were written and hands them to their channels, in whichever process looks first; now and then, for deliveries
 * that no job looks after any more. Gives a function that stops it.
 */
export function startNotifier(context: Context): () => void {
  const { notifications, logger } = context;
  let stopped = false;
  const every = (ms: number, work: () => Promise<unknown>): NodeJS.Timeout => {
    let running = false;
    return setInterval(() => {
      if (running) return;
      running = true;
      work()
        .catch((error: unknown) => {
          // A round that a stop has cut off is made again at the next start.
          if (!stopped) logger.error({ err: error }, 'notifications could not be handed on');
        })
        .finally(() => {
          running = false;
        });
    }, ms).unref();
  };
  const timers = [
    every(ROUTE_EVERY_MS, () => notifications.route()),
    every(REVIVE_EVERY_MS, () => notifications.revive()),
  ];
  return () => {
    stopped = true;
    timers.forEach(clearInterval);
  };
}
