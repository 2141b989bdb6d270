import type { Context } from '../context.ts';

const EVERY_MS = 5000;

/**
 * Removes the originals that no document has any more, in whichever process looks first. They are rows until they are gone, so that neither a
 * storage that is away nor the end of a process leaves one behind. Gives a function that stops it.
 */
export function startRemovingOriginals({ originals, logger }: Context): () => void {
  let stopped = false;
  let round: Promise<void> | undefined;
  const look = async () => {
    for (let more = true; more && !stopped;) more = (await originals.removeSome()) > 0;
  };
  const timer = setInterval(() => {
    round ??= look()
      .catch((error: unknown) => {
        if (!stopped) logger.error({ err: error }, 'originals could not be removed');
      })
      .finally(() => {
        round = undefined;
      });
  }, EVERY_MS).unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
