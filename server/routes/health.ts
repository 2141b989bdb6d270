import { Router } from 'express';
import type { Context } from '../context.ts';

/**
 * What supervisors and load balancers ask. `/healthz`: the process answers; nothing behind it is looked at. `/readyz`: it can do its work, else 503
 * with the names of what fails, as text or, where it is asked for, as JSON.
 */
export function healthRoutes(context: Context): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => void res.set('Cache-Control', 'no-store').type('text').send('ok\n'));
  router.get('/readyz', async (req, res) => {
    const { ready, draining, parts } = await context.readiness.check();
    res.set('Cache-Control', 'no-store').status(ready ? 200 : 503);
    if (req.accepts(['text', 'json']) === 'json') {
      res.json({
        ready,
        draining,
        parts: Object.fromEntries(parts.map(({ part, answers }) => [part, answers ? 'ok' : 'failing'])),
      });
      return;
    }
    const failing = parts.filter(({ answers }) => !answers).map(({ part }) => part);
    const reasons = [...(draining ? ['draining'] : []), ...failing];
    res.type('text').send(ready ? 'ready\n' : `not ready: ${reasons.join(', ')}\n`);
  });
  return router;
}
