import type { Request, RequestHandler } from 'express';
import type { Metrics } from '../telemetry/metrics.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** As of a client that left before its answer was whole. */
const LEFT = '499';

/** Counts and times each request by the pattern of its route. */
export const requestMetrics =
  (metrics: Metrics): RequestHandler =>
  (req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => {
      const method = METHODS.has(req.method) ? req.method : 'other';
      const route = routeOf(req) ?? (res.statusCode < 400 ? 'none' : 'unknown');
      metrics.httpRequests.inc({ method, route, status: res.writableFinished ? String(res.statusCode) : LEFT });
      if (!/^text\/event-stream/.test(String(res.getHeader('content-type'))))
        metrics.httpSeconds.observe({ method, route }, (performance.now() - startedAt) / 1000);
    });
    next();
  };

/**
 * The pattern of the route that took the request, `/admin/imports/:id`. Undefined where none did: a file of styles, a redirect to the sign-in,
 * an address that is not there.
 */
export function routeOf(req: Request): string | undefined {
  const { baseUrl, originalUrl } = req;
  const route = req.route as { path: string | string[] } | undefined;
  const [pattern] = [route?.path ?? []].flat();
  if (pattern === undefined) return undefined;
  // A router that hands an error on has taken its prefix back.
  const isBelowApi = baseUrl === '' && originalUrl.startsWith('/api/v1/') && !pattern.startsWith('/api/');
  return `${isBelowApi ? '/api/v1' : baseUrl}${pattern}`;
}
