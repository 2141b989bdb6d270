/**
 * What to do next after a model's server did not do its work.
 * - `refused`: the server does not take these texts; fewer of them, or others, it may
 * - `rate_limited`: wait until `retryAt`
 * - `unavailable`: try again
 * - `misconfigured`: a setting is wrong (named in the message), the operator must act
 * - `bad_response`: the answer is not what the contract says
 */
export type ModelErrorKind = 'refused' | 'rate_limited' | 'unavailable' | 'misconfigured' | 'bad_response';

/** Every failure of a model's server. `message` is a sentence fit for the ledger and pages; it never holds a secret. */
export class ModelError extends Error {
  readonly kind: ModelErrorKind;
  readonly retryAt?: Date;

  constructor(kind: ModelErrorKind, message: string, options: { retryAt?: Date; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.retryAt = options.retryAt;
  }
}
