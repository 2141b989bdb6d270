const LEAST_MS = 1000;
const MOST_MS = 86_400_000;

/**
 * When to ask again: what `Retry-After` says, in seconds or as a date, else `otherwise`, else after `waitSeconds`. At least a second
 * from now, at most a day.
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAt(
  header: string | null | undefined,
  { waitSeconds, otherwise }: { waitSeconds: number; otherwise?: Date },
): Date {
  const now = Date.now();
  const text = header?.trim() ?? '';
  // Date.parse takes "-5" for a month.
  const named = /^\d+$/.test(text) ? now + Number(text) * 1000 : /^[a-z]/i.test(text) ? Date.parse(text) : NaN;
  const times = [named, otherwise?.getTime() ?? NaN].filter((time) => !Number.isNaN(time));
  const wanted = times[0] ?? now + waitSeconds * 1000;
  return new Date(Math.min(Math.max(wanted, now + LEAST_MS), now + MOST_MS));
}
