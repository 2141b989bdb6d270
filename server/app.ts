import compression from 'compression';
import express, { type Express } from 'express';
import session from 'express-session';
import { createApi } from './api/index.ts';
import type { Context } from './context.ts';
import { mcpRoutes } from './mcp/router.ts';
import { createAuthenticator } from './middleware/auth.ts';
import { apiFromOtherOrigins } from './middleware/cross-origin.ts';
import { csrfProtection, csrfToken } from './middleware/csrf.ts';
import { errorHandler, notFound } from './middleware/errors.ts';
import { refuseNul } from './middleware/refuse-nul.ts';
import { requestId } from './middleware/request.ts';
import { requestOrigin } from './middleware/request-origin.ts';
import { requestLog } from './middleware/request-log.ts';
import { requestMetrics } from './middleware/request-metrics.ts';
import { requestTrace } from './middleware/request-trace.ts';
import { saveSessionFirst } from './middleware/save-session.ts';
import { securityHeaders } from './middleware/security.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { pageRoutes } from './routes/index.ts';
import { referenceRoutes } from './routes/reference.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { SESSION_MS, sessionCookie } from './session.ts';
import { sendStylesAndScripts, siteFolder, viewLocals } from './views.ts';

/** The hub's HTTP side: the whole middleware stack, in the order in which a request meets it. */
export function createApp(context: Context): Express {
  const { config, logger, sessions } = context;
  const authenticator = createAuthenticator(context);
  const cookie = sessionCookie(config);
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', config.trustProxy ?? false);
  app.set('query parser', 'simple');
  app.set('view engine', 'ejs');
  app.set('views', siteFolder('views'));
  app.enable('view cache');

  app.use(requestId);
  app.use(requestLog(logger));
  if (context.telemetry.tracing) app.use(requestTrace(context.telemetry.tracing));
  app.use(requestMetrics(context.telemetry.metrics));
  app.use(viewLocals(csrfToken));
  app.use(securityHeaders(config));
  // Before sessions: a probe needs none, and must be answered while their store is away.
  app.use(healthRoutes(context));
  app.use(metricsRoutes(context));
  app.use(webhookRoutes(context));
  app.use('/api/v1', apiFromOtherOrigins(config));
  app.use(compression());
  app.use(mcpRoutes(context));
  app.use(sendStylesAndScripts);
  app.use(
    express.static(siteFolder('public'), {
      maxAge: '1y',
      immutable: true,
      index: false,
      setHeaders: (res, file) => file.endsWith('.svg') && res.setHeader('Content-Type', 'image/svg+xml; charset=utf-8'),
    }),
  );
  app.use(express.urlencoded({ extended: false, limit: '1mb', parameterLimit: 2000 }));
  app.use(refuseNul);
  app.use(
    session({
      name: cookie.name,
      secret: config.sessionSecrets.map((secret) => secret.reveal()),
      store: sessions.store,
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: { ...cookie.options, maxAge: SESSION_MS },
    }),
  );
  app.use(saveSessionFirst);
  app.use(authenticator.middleware);
  app.use(csrfProtection);
  app.use(requestOrigin);
  const api = createApi(context);
  app.use('/api/v1', api.router);
  app.use(api.aliases);
  app.use(referenceRoutes(api.calls));
  app.use(pageRoutes(context, authenticator));
  app.use(notFound);
  app.use(errorHandler(logger));
  return app;
}
