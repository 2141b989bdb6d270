/**
 * What to do next after an index outside the database failed.
 * - `refused`: it does not take this; repeating changes nothing
 * - `rate_limited`: wait until `retryAt`
 * - `unavailable`: try again
 * - `misconfigured`: a setting or the index itself is wrong (named in the message), the operator must act
 */
export type IndexErrorKind = 'refused' | 'rate_limited' | 'unavailable' | 'misconfigured';

/** Every failure of an index outside the database. `message` is a sentence fit for the ledger and pages; it never holds a secret. */
export class IndexError extends Error {
  readonly kind: IndexErrorKind;
  readonly retryAt?: Date;
  /** HTTP status of the answer, if one came. */
  readonly status?: number;

  constructor(
    kind: IndexErrorKind,
    message: string,
    options: { retryAt?: Date; status?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'IndexError';
    this.kind = kind;
    this.retryAt = options.retryAt;
    this.status = options.status;
  }
}
