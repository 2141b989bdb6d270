import type { Request } from 'express';
import { BadRequestError } from '../errors.ts';

const MAX_KEY = 255;
/** A string as structured fields write it; most clients leave out the quotes. */
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;
const BARE = /^[!#-+\--[\]-~]+$/;

/**
 * The key of a request that may come again; undefined where it has none.
 * Source: https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07#section-2.1
 * Errors: BadRequestError `invalid_idempotency_key`.
 */
export function idempotencyKey(req: Request): string | undefined {
  const sent = req.get('idempotency-key');
  if (sent === undefined) return undefined;
  const quoted = QUOTED.exec(sent)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const key = quoted ?? (BARE.test(sent) ? sent : '');
  if (key === '' || key.length > MAX_KEY)
    throw new BadRequestError(
      'invalid_idempotency_key',
      `The Idempotency-Key must be one string of 1 to ${MAX_KEY} printable ASCII characters, for example "8e03978e-40d5-43e8-bc93-6894a57f9324".`,
    );
  return key;
}
