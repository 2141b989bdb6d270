import type { RequestHandler } from 'express';
import { BadRequestError } from '../errors.ts';

/**
 * Refuses a request with the character NUL in its address or its parsed body, before anything is done with it: nobody types it, and Postgres'
 * text cannot hold it. To be mounted behind what parses a body.
 */
export const refuseNul: RequestHandler = (req, _res, next) => {
  if (/%00/.test(req.url) || holdsNul(req.body))
    throw new BadRequestError('bad_request', 'The request holds the character NUL, which no text may have.');
  next();
};

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.entries(value).flat().some(holdsNul);
}
