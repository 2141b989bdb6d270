import type { RequestHandler } from 'express';
import { ForbiddenError } from '../errors.ts';
import { currentUser } from './request.ts';

/** Lets admins through; `what` completes the sentence that others read. Errors: ForbiddenError. */
export const requireAdmin =
  (what: string): RequestHandler =>
  (req, _res, next) => {
    if (currentUser(req).role !== 'admin') throw new ForbiddenError(`Only admins ${what}. Ask an admin of this hub.`);
    next();
  };
