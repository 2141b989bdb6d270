import type { Request } from 'express';

/** A call waits at most this long for an import. */
export const MAX_WAIT_SECONDS = 60;

/**
 * Seconds of `Prefer: wait=N`, cut to what the hub grants; undefined when the caller does not ask to wait.
 * Source: https://www.rfc-editor.org/rfc/rfc7240#section-4.3
 */
export function waitSeconds(req: Request): number | undefined {
  for (const preference of (req.get('prefer') ?? '').split(',')) {
    const match = /^\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:;.*)?$/i.exec(preference);
    if (match) return Math.min(Number(match[1]), MAX_WAIT_SECONDS);
  }
  return undefined;
}
