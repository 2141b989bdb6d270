import type { z } from 'zod';
import { EgressError } from '../server/egress/egress.ts';
import { ProviderError } from './errors.ts';
import type { Platform } from './provider.ts';

/** The failures that are the same at every vendor, in the names of one. */
export type VendorFailures = {
  /** What could not be reached, or had a fault that passes. */
  unreachable: { kind: 'transient'; message: string };
  /** What the connection's fetch itself reported, though a library has wrapped it; undefined where it reported nothing. */
  reported: (error: unknown) => ProviderError | undefined;
  /** The failure of a call, or of a body that broke off on the way. */
  connectionLost: (error: unknown) => ProviderError;
  /** Whatever a call has thrown, as a ProviderError. */
  toProviderError: (error: unknown) => ProviderError;
  /** An answer in another shape than the contract's. `field` is where, never what stood there. */
  badResponse: (what: string, field: string) => ProviderError;
  /** A page of HTML, or nothing, where data is expected: it comes from something in between or from load, and passes. */
  notJson: (what: string) => ProviderError;
  /** The fields that are read. `what` completes "Google answered …". Errors: `badResponse`. */
  parse: <T>(schema: z.ZodType<T>, value: unknown, what: string) => T;
};

/** `service` is what people use ("Google Drive"), `company` who answers ("Google"). */
export function createVendorFailures(
  provider: Platform,
  { service, company }: { service: string; company: string },
): VendorFailures {
  const unreachable = {
    kind: 'transient' as const,
    message: `${service} could not be reached or had a passing fault.`,
  };
  // The innermost cause only: what libraries put around it carries the whole request.
  const connectionLost = (error: unknown): ProviderError =>
    new ProviderError(unreachable.kind, provider, unreachable.message, { cause: innermost(error) });
  const fromEgress = (error: EgressError): ProviderError => {
    if (error.code === 'blocked') return new ProviderError('misconfigured', provider, error.message, { cause: error });
    if (error.code === 'redirect') return new ProviderError('bad_response', provider, error.message, { cause: error });
    return connectionLost(error);
  };
  const reported = (error: unknown): ProviderError | undefined => {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof ProviderError) return cause;
      if (cause instanceof EgressError) return fromEgress(cause);
    }
    return undefined;
  };
  const badResponse = (what: string, field: string): ProviderError =>
    new ProviderError('bad_response', provider, `${company} answered ${what} without a usable "${field}".`);
  return {
    unreachable,
    reported,
    connectionLost,
    toProviderError: (error) => reported(error) ?? connectionLost(error),
    badResponse,
    notJson: (what) =>
      new ProviderError('transient', provider, `${company} answered ${what} with a page instead of data.`),
    parse(schema, value, what) {
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      throw badResponse(what, parsed.error.issues[0]?.path.join('.') || 'body');
    },
  };
}

function innermost(error: unknown): unknown {
  let found = error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) found = cause;
  return found;
}
