import type { RequestHandler } from 'express';
import type { Tracing } from '../telemetry/tracing.ts';
import { routeOf } from './request-metrics.ts';

/** A span for each request, named by the pattern of its route; it goes on with the trace that `traceparent` names. */
export const requestTrace =
  (tracing: Tracing): RequestHandler =>
  (req, res, next) => {
    const attributes = { 'http.request.method': req.method };
    const options = { kind: 'server' as const, attributes, parent: req.get('traceparent') };
    void tracing.span(req.method, options, (span) => {
      // Bodies are read by events, which know nothing of who waits for them.
      tracing.follow(req);
      return new Promise<void>((resolve) => {
        res.once('close', () => {
          const route = routeOf(req);
          if (route !== undefined) {
            span.rename(`${req.method} ${route}`);
            span.set({ 'http.route': route });
          }
          span.set({ 'http.response.status_code': res.statusCode });
          if (res.statusCode >= 500) span.fail(String(res.statusCode));
          resolve();
        });
        next();
      });
    });
  };
