import type { Context } from '../context.ts';

const EVERY_MS = 3600 * 1000;

/** Looks once an hour for grants that the vendor would let lapse. Gives a function that stops it. */
export function startKeepAlive(context: Context): () => void {
  const timer = setInterval(() => {
    context.credentials.keepAlive().then(
      (due) => due > 0 && context.logger.info({ due }, 'idle grants were refreshed'),
      (error: unknown) => context.logger.error({ err: error }, 'idle grants could not be kept alive'),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
