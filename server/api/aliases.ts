import { Router, type RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { currentUser } from '../middleware/request.ts';
import { beginGrant, finishGrant } from './grants.ts';
import { queryOf } from './input.ts';
import { listFiles } from './integrations.ts';
import * as schemas from './schemas.ts';

/** What a service was called by whose items are fetched. */
const FETCHED = { jira: 'projects', confluence: 'pages' } as const;

/**
 * Calls under the names that other systems know them by, answered by what answers those of version 1. `guards` come before each; `toSignIn` before
 * them where a vendor sends people back to.
 */
export function aliasRoutes(context: Context, toSignIn: RequestHandler, guards: RequestHandler[]): Router {
  const router = Router();
  for (const platform of ['jira', 'confluence'] as const) {
    const both = (name: string): string[] => [`/auth/${platform}/${name}`, `/api/auth/${platform}/${name}`];

    router.get(both('login'), ...guards, async (req, res) => {
      const { redirect } = queryOf(req, schemas.loginQuery);
      const { url } = await beginGrant(context, req, platform);
      if (redirect === 'true') res.redirect(307, url);
      else res.json({ url });
    });

    router.get(both('callback'), toSignIn, ...guards, async (req, res) => {
      const answer = await finishGrant(context, req, res, platform);
      if (answer) res.json(answer);
    });

    router.post(`/integrations/${platform}/connect`, ...guards, async (req, res) => {
      const { url } = await beginGrant(context, req, platform);
      res.json({ base_url: context.config.baseUrl, redirect_url: url });
    });

    router.get(`/integrations/${platform}/${FETCHED[platform]}/fetch`, ...guards, async (req, res) => {
      res.json(await listFiles(context, currentUser(req), platform, queryOf(req, schemas.filesQuery)));
    });
  }
  return router;
}
