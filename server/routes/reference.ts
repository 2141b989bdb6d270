import { Router } from 'express';
import type { Call } from '../api/call.ts';
import { openApiOf } from '../api/openapi.ts';
import { fromAnyOrigin } from '../middleware/cross-origin.ts';
import { paths } from '../paths.ts';

/** The description of the API, for anybody. */
export function referenceRoutes(calls: Call[]): Router {
  const router = Router();
  // Made when it is first asked for: a start does not wait for it.
  let description: string | undefined;

  router.get(
    paths.openApi,
    fromAnyOrigin,
    (_req, res) => void res.type('json').send((description ??= JSON.stringify(openApiOf(calls)))),
  );

  return router;
}
