/** Waits below this make no sense after a vendor said "too many". */
const LEAST_MS = 500;

/**
 * Milliseconds that a `Retry-After` header asks for: seconds or a date. Undefined when it is absent or neither; what has passed already
 * counts as the least wait.
 * Source: RFC 9110 §10.2.3, https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(value: string | null | undefined, now = Date.now()): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.max(LEAST_MS, Number(text) * 1000);
  if (!/[a-z]{3}/i.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(LEAST_MS, at - now);
}
