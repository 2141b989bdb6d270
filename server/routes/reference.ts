import { createRequire } from 'node:module';
import path from 'node:path';
import { Router } from 'express';
import type { Call } from '../api/call.ts';
import { openApiOf } from '../api/openapi.ts';
import { fromAnyOrigin } from '../middleware/cross-origin.ts';
import { paths } from '../paths.ts';
import { render } from '../views.ts';
import { toGroups } from './reference-views.ts';

/** What a browser loads of Swagger UI. */
const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'] as const;
export type ReferenceFile = (typeof FILES)[number];

const require = createRequire(import.meta.url);
const manifest = require.resolve('swagger-ui-dist/package.json');
const { version } = require(manifest) as { version: string };

/** The description of the API, and the page that shows it: for anybody. */
export function referenceRoutes(calls: Call[]): Router {
  const router = Router();
  // Made when it is first asked for: a start does not wait for it.
  let description: string | undefined;

  router.get(
    paths.openApi,
    fromAnyOrigin,
    (_req, res) => void res.type('json').send((description ??= JSON.stringify(openApiOf(calls)))),
  );

  router.get(paths.reference, (_req, res) => {
    res.set('Cache-Control', 'no-store');
    render(res, 'reference/index', {
      title: 'API reference',
      section: 'reference',
      groups: toGroups(calls),
      file: (name) => `${paths.referenceFile(name)}?v=${version}`,
    });
  });

  for (const name of FILES)
    router.get(paths.referenceFile(name), (_req, res) =>
      res.sendFile(name, { root: path.dirname(manifest), maxAge: '1y', immutable: true }),
    );

  return router;
}
