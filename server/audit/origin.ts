import { AsyncLocalStorage } from 'node:async_hooks';

/** Where a change comes from: a request, or a command of the operator. Without either the hub acts by itself. */
export type Origin =
  { kind: 'request'; address?: string; userAgent?: string; requestId?: string } | { kind: 'command' };

const origins = new AsyncLocalStorage<Origin>();

/** Runs `work` so that what is audited in it is told to come from there. */
export const withOrigin = <T>(origin: Origin, work: () => T): T => origins.run(origin, work);

export const currentOrigin = (): Origin | undefined => origins.getStore();
