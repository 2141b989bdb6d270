import type { RequestHandler } from 'express';

/**
 * Keeps a changed session before its answer leaves. express-session lets all but the last byte leave first, and a browser follows a redirect at
 * the first one: the next page would know nothing of what was just done.
 * Source: https://github.com/expressjs/session#sessionsavecallback
 */
export const saveSessionFirst: RequestHandler = (req, res, next) => {
  const content = (): string =>
    (req.session as typeof req.session | undefined)
      ? JSON.stringify([req.sessionID, { ...req.session, cookie: 0 }])
      : '';
  const before = content();
  const end = res.end.bind(res) as (...answer: unknown[]) => typeof res;
  res.end = (...answer: unknown[]): typeof res => {
    res.end = end;
    const now = content();
    if (now === '' || now === before || res.headersSent) return end(...answer);
    req.session.save((error: unknown) => {
      if (error && res.statusCode < 500) return next(error);
      // The page that tells of a failure is sent without it: to try again would only cut it off.
      if (error) delete (req as { session?: unknown }).session;
      end(...answer);
    });
    return res;
  };
  next();
};
