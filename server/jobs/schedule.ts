import type { Context } from '../context.ts';

const EVERY_MS = 15_000;

/** Begins syncs when they are due, in whichever process looks first. Those that were due while nothing ran begin at once. Gives a function that stops it. */
export function startSchedule(context: Context): () => void {
  const timer = setInterval(() => {
    context.syncs.startDue().then(
      (started) => started > 0 && context.logger.info({ started }, 'scheduled syncs were begun'),
      (error: unknown) => context.logger.error({ err: error }, 'scheduled syncs could not be begun'),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
