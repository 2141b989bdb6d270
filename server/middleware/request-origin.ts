import type { RequestHandler } from 'express';
import { withOrigin } from '../audit/origin.ts';

const MAX_AGENT = 300;

/** What a request changes is audited as coming from its client. */
export const requestOrigin: RequestHandler = (req, _res, next) =>
  withOrigin(
    {
      kind: 'request',
      address: req.ip,
      userAgent: req.get('user-agent')?.slice(0, MAX_AGENT),
      requestId: req.requestId,
    },
    next,
  );
