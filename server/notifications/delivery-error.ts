/** Why a channel did not take a message; `message` is a sentence without secrets. */
export class DeliveryError extends Error {
  /** True when the same message would be refused again. */
  readonly final: boolean;

  constructor(message: string, options: { final?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'DeliveryError';
    this.final = options.final ?? false;
  }
}
