import type { Request, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { AppError } from '../errors.ts';

const WINDOW_MS = 15 * 60 * 1000;

/** Slows guessing down: at most `limit` tries that fail in a quarter of an hour, by client or by what `key` names. Errors: AppError 429 `rate_limited`. */
export const limitTries = (limit: number, key?: (req: Request) => string): RequestHandler =>
  rateLimit({
    windowMs: WINDOW_MS,
    limit,
    skipSuccessfulRequests: true,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    ...(key ? { keyGenerator: key, validate: { keyGeneratorIpFallback: false } } : {}),
    handler: (_req, res, next) => {
      res.set('Retry-After', String(WINDOW_MS / 1000));
      next(new AppError(429, 'rate_limited', 'Too many tries with wrong details. Wait 15 minutes, then try again.'));
    },
  });
