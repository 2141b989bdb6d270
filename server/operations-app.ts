import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Context } from './context.ts';
import { requestId } from './middleware/request.ts';
import { requestLog } from './middleware/request-log.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';

/** What METRICS_PORT answers, in every role: health, and the metrics. No pages, no sessions. */
export function createOperationsApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(requestId);
  app.use(requestLog(context.logger));
  app.use(healthRoutes(context));
  app.use(metricsRoutes(context, { ownPort: true }));
  app.use((_req, res) => void res.status(404).type('text').send('not found\n'));
  app.use(failed(context));
  return app;
}

const failed =
  ({ logger }: Context): ErrorRequestHandler =>
  (error: unknown, req, res, _next) => {
    logger.error({ err: error, requestId: req.requestId }, 'a request failed');
    if (res.headersSent) res.destroy();
    else res.status(500).type('text').send('failed\n');
  };
