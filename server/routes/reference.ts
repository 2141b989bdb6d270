import { Router } from 'express';
import type { Call } from '../api/call.ts';
import { openApiOf } from '../api/openapi.ts';
import { paths } from '../paths.ts';

/** The description of the API, for anybody. */
export function referenceRoutes(calls: Call[]): Router {
  const router = Router();
  const description = JSON.stringify(openApiOf(calls));

  router.get(paths.openApi, (_req, res) => void res.type('json').send(description));

  return router;
}
