import type { Context } from '../context.ts';

const EVERY_MS = 10 * 60_000;

/** Takes away what is kept for a time only: old entries of the audit log, sign-ins nobody came back to, old invitations, old counts of requests, old idempotency keys. Gives a function that stops it. */
export function startHousekeeping({
  audit,
  signIns,
  invitations,
  requestCounts,
  idempotency,
  logger,
}: Context): () => void {
  const round = async () => {
    const pruned = await audit.prune();
    if (pruned > 0) logger.info({ pruned }, 'old entries of the audit log were removed');
    await signIns.prune();
    await invitations.prune();
    await requestCounts.prune();
    await idempotency.prune();
  };
  const timer = setInterval(() => {
    round().catch((error: unknown) => logger.error({ err: error }, 'what is over could not be removed'));
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
