import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.ts';

/**
 * The hub's logger: one JSON object a line on standard output. Errors are logged as name, message, code and stack only: the
 * properties that SDKs hang on their errors (requests, headers, bodies) never reach a line, nor do values that the database quotes.
 */
export function createLogger(config: Pick<Config, 'logLevel'>, destination?: DestinationStream): Logger {
  return pino(
    {
      level: config.logLevel,
      base: undefined,
      serializers: { err: (e) => describeError(e), error: (e) => describeError(e) },
    },
    destination,
  );
}

function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : '[not an error]';
  const { code, kind, status } = error as { code?: unknown; kind?: unknown; status?: unknown };
  const told = 'severity' in error && 'routine' in error ? withoutValues : (text: string | undefined) => text;
  return {
    type: error.name,
    message: told(error.message),
    code,
    kind,
    status,
    stack: told(error.stack),
    cause: error.cause === undefined || depth > 3 ? undefined : describeError(error.cause, depth + 1),
  };
}

/** Postgres quotes the value that it could not take: `invalid input syntax for type uuid: "…"`. */
const withoutValues = (text: string | undefined): string | undefined => text?.replaceAll(/: "[^]*?"(?=\n|$)/g, ': …');
