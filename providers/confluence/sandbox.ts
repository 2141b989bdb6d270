/**
 * Confluence Cloud's REST API, the parts that read, as one router for `/wiki` of every site, on the gateway and on the sites themselves.
 * Who asks, and of which site, is for the world around it to say.
 */
import express, { type ErrorRequestHandler, type Request, type Response, type Router } from 'express';
import { AtlassianRefusal, type AtlassianWorld } from '../atlassian/sandbox-world.ts';
import { Refusal, sendV1, sendV2 } from './sandbox-refusal.ts';
import { viewOf } from './sandbox-view.ts';
import { createConfluenceV1 } from './sandbox-v1.ts';
import type { Asked } from './sandbox-asked.ts';
import { createConfluenceV2 } from './sandbox-v2.ts';

/** With the limits, defaults and error bodies of Confluence's. */
export function createConfluenceSandbox(world: AtlassianWorld): Router {
  /** Errors: AtlassianRefusal 401 without the scope, and for who is not signed in: the sites are nothing for the public. */
  const asks = (req: Request, res: Response, ...anyOf: string[]): Asked => {
    const { site, person, requireScope } = world.callerOf(req);
    requireScope(...anyOf);
    if (!person) throw new AtlassianRefusal(401, 'Unauthorized');
    return { ...stateOf(site), req, res, person, view: viewOf(stateOf(site).state, person) };
  };

  const router = express.Router();
  router.use('/api/v2', createConfluenceV2(asks), refuse(sendV2));
  router.use('/rest/api', createConfluenceV1(world, asks), refuse(sendV1));
  // Pages of the web interface: they took credentials of the API until 2026.
  router.get('/download/attachments/:container/:file', () => {
    throw new AtlassianRefusal(401, 'Unauthorized');
  });
  return router;
}

const stateOf = ({ confluence, url }: ReturnType<AtlassianWorld['callerOf']>['site']) => {
  if (!confluence) throw new AtlassianRefusal(404, 'No Confluence is at this site.');
  return { state: confluence, siteUrl: url };
};

const refuse =
  (send: (res: Response, refusal: Refusal) => void): ErrorRequestHandler =>
  (error: unknown, _req, res, next) => {
    if (error instanceof Refusal) send(res, error);
    else next(error);
  };
