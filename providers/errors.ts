import type { Platform } from './provider.ts';

/**
 * What to do next after a provider failed; the only thing callers look at (never HTTP codes).
 * - `reconnect`: the grant is dead, the person must consent again
 * - `scope`: a permission is missing (named in the message)
 * - `misconfigured`: client id or secret is wrong, the operator must act
 * - `rate_limited`: wait until `retryAt`
 * - `transient`: try again
 * - `gone`: the item does not exist, or is no longer shared
 * - `denied`: the person may not see it
 * - `not_downloadable`: the vendor gives no content for it, ever
 * - `malware`: the vendor flagged it
 * - `too_large`: over our cap or the vendor's export limit
 * - `cursor_expired`: list again from the start
 * - `bad_response`: the answer is not what the contract says
 */
export type ProviderErrorKind =
  | 'reconnect'
  | 'scope'
  | 'misconfigured'
  | 'rate_limited'
  | 'transient'
  | 'gone'
  | 'denied'
  | 'not_downloadable'
  | 'malware'
  | 'too_large'
  | 'cursor_expired'
  | 'bad_response';

/** Every failure a provider reports. `message` is a sentence fit for the ledger and pages; it never holds a secret. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  readonly provider: Platform;
  readonly status?: number;
  readonly retryAt?: Date;
  readonly requestId?: string;

  constructor(
    kind: ProviderErrorKind,
    provider: Platform,
    message: string,
    options: {
      status?: number;
      retryAt?: Date;
      requestId?: string;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ProviderError';
    this.kind = kind;
    this.provider = provider;
    this.status = options.status;
    this.retryAt = options.retryAt;
    this.requestId = options.requestId;
  }
}

/** What was typed into a TokenForm is wrong. `field` is the field's name; the message says what to do, and never repeats a secret. */
export class TypedError extends Error {
  readonly field: string;

  constructor(field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TypedError';
    this.field = field;
  }
}
