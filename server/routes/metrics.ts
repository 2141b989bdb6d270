import { createHash, timingSafeEqual } from 'node:crypto';
import { Router, type Request } from 'express';
import type { Context } from '../context.ts';
import type { Secret } from '../secret.ts';

/**
 * `/metrics` in the text format of Prometheus. With METRICS_TOKEN it is for whoever sends it; without, it is there on `ownPort` alone, which then
 * nobody but this machine reaches.
 */
export function metricsRoutes(context: Context, options: { ownPort?: boolean } = {}): Router {
  const router = Router();
  router.get('/metrics', async (req, res, next) => {
    const { token } = context.config.operations.metrics;
    if (!token && !options.ownPort) return next();
    res.set('Cache-Control', 'no-store');
    if (token && !sends(req, token)) {
      res.status(401).set('WWW-Authenticate', 'Bearer').type('text').send('METRICS_TOKEN is needed.\n');
      return;
    }
    res.set('Content-Type', context.scrape.contentType).send(await context.scrape.text());
  });
  return router;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

const sends = (req: Request, token: Secret): boolean =>
  timingSafeEqual(sha256(req.get('authorization') ?? ''), sha256(`Bearer ${token.reveal()}`));
