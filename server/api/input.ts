import type { Request } from 'express';
import type { z } from 'zod';
import { AppError, InvalidInputError } from '../errors.ts';

/** The checked JSON body; an empty body counts as `{}`. Errors: AppError 415 for another media type, InvalidInputError. */
export function bodyOf<S extends z.ZodType>(req: Request, schema: S): z.output<S> {
  // `is` gives null for a request without a body, and takes one that is announced with no bytes for a body.
  if (req.is('json') === false && req.get('content-length') !== '0')
    throw new AppError(
      415,
      'unsupported_media_type',
      'The body must be JSON: send it with Content-Type: application/json.',
    );
  return checked(schema, (req.body as unknown) ?? {});
}

/** The checked query string. Parameters without a value count as absent. Errors: InvalidInputError. */
export function queryOf<S extends z.ZodType>(req: Request, schema: S): z.output<S> {
  return checked(schema, Object.fromEntries(Object.entries(req.query).filter(([, value]) => value !== '')));
}

/**
 * What the schema makes of a value from outside.
 * Errors: InvalidInputError with one entry a field, named by its path as in `items.0.fileId`.
 */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value, {
    error: (issue) => (issue.code === 'invalid_type' && issue.input === undefined ? 'is required' : undefined),
  });
  if (parsed.success) return parsed.data;
  const messages = new Map<string, string>();
  for (const issue of parsed.error.issues) {
    const place = issue.path.map(String);
    const [fields, message] =
      issue.code === 'unrecognized_keys'
        ? [issue.keys.map((key) => [...place, key].join('.')), 'is not known here']
        : [[place.join('.')], issue.message.replace(/^Invalid input: /, '')];
    for (const field of fields) if (!messages.has(field)) messages.set(field, message);
  }
  throw new InvalidInputError(
    [...messages].map(([field, message]) => ({ field, message: `${field || 'The body'}: ${message}.` })),
  );
}

/** The same without fields that are null: a client may send null for what it leaves open. */
export const withoutNulls = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], null> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as {
    [K in keyof T]: Exclude<T[K], null>;
  };
