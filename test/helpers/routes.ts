import type { Router } from 'express';
import { createApi } from '../../server/api/index.ts';
import type { Context } from '../../server/context.ts';
import { createAuthenticator } from '../../server/middleware/auth.ts';
import { healthRoutes } from '../../server/routes/health.ts';
import { metricsRoutes } from '../../server/routes/metrics.ts';
import { pageRoutes } from '../../server/routes/index.ts';
import { referenceRoutes } from '../../server/routes/reference.ts';

export type Route = { method: string; pattern: string };
type Layer = { route?: { path: string | string[]; methods: Record<string, boolean> }; handle: { stack?: Layer[] } };

/** Every route below a router. The routers of this hub are mounted without a prefix of their own. */
export function routesOf(router: Router, prefix = ''): Route[] {
  return (router.stack as unknown as Layer[]).flatMap((layer): Route[] => {
    const { route } = layer;
    if (!route) return layer.handle.stack ? routesOf(layer.handle as unknown as Router, prefix) : [];
    return [route.path]
      .flat()
      .flatMap((pattern) =>
        Object.keys(route.methods).map((method) => ({ method: method.toUpperCase(), pattern: prefix + pattern })),
      );
  });
}

export const pageRoutesOf = (context: Context): Route[] => [
  ...routesOf(healthRoutes(context)),
  ...routesOf(metricsRoutes(context)),
  ...routesOf(pageRoutes(context, createAuthenticator(context))),
  ...routesOf(referenceRoutes(createApi(context).calls)),
];
/** Of the API under their older names. */
export const aliasRoutesOf = (context: Context): Route[] => routesOf(createApi(context).aliases);
export const apiRoutesOf = (context: Context): Route[] => routesOf(createApi(context).router, '/api/v1');
