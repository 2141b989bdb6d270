import type { Context } from '../context.ts';

const EVERY_MS = 15_000;

/**
 * Begins syncs when they are due, by the schedule or because a vendor told of news, and has the orders of vendors' calls looked after, in
 * whichever process looks first. What was due while nothing ran begins at once. Gives a function that stops it.
 */
export function startSchedule(context: Context): () => void {
  const timer = setInterval(() => {
    context.syncs.startDue().then(
      (started) => started > 0 && context.logger.info({ started }, 'syncs that were due were begun'),
      (error: unknown) => context.logger.error({ err: error }, 'syncs that are due could not be begun'),
    );
    context.watches
      .queueDue()
      .catch((error: unknown) => context.logger.error({ err: error }, 'watches could not be looked after'));
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
