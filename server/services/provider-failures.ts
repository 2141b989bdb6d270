import { ProviderError } from '../../providers/errors.ts';
import { EgressError } from '../egress/egress.ts';
import { AppError } from '../errors.ts';

/** Listing and the code exchange are the only vendor calls a page waits for, and it waits this long at most. */
export const VENDOR_TIMEOUT_MS = 10_000;

/** Gives the work's result, or fails after `ms` with a sentence that names who did not answer. */
export async function bounded<T>(work: Promise<T>, who: string, ms = VENDOR_TIMEOUT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new AppError(
          503,
          'vendor_timeout',
          `${who} did not answer within ${ms / 1000} seconds. Try again in a moment.`,
        ),
      );
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a provider's failure is said to the person who is waiting for the page or the answer. */
export function toAppError(error: unknown): unknown {
  if (error instanceof EgressError)
    return new AppError(502, 'vendor_error', `${error.message} Try again in a moment.`, { cause: error });
  if (!(error instanceof ProviderError)) return error;
  const options = { cause: error, details: error.retryAt ? { retryAt: error.retryAt.toISOString() } : {} };
  switch (error.kind) {
    case 'reconnect':
      return new AppError(409, 'needs_reconnect', error.message, options);
    case 'gone':
      return new AppError(404, 'not_found', error.message, options);
    case 'denied':
    case 'scope':
      return new AppError(403, error.kind === 'scope' ? 'missing_scope' : 'vendor_denied', error.message, options);
    case 'rate_limited':
      return new AppError(503, 'vendor_rate_limited', error.message, options);
    case 'cursor_expired':
      return new AppError(410, 'cursor_expired', error.message, options);
    case 'misconfigured':
      return new AppError(502, 'vendor_misconfigured', error.message, options);
    default:
      return new AppError(502, 'vendor_error', error.message, options);
  }
}
