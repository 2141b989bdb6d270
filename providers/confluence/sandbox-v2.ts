import express, { type Request, type Response, type Router } from 'express';
import type { AddCall, Asked } from './sandbox-asked.ts';
import { addContentCalls } from './sandbox-contents.ts';
import { addHangingCalls } from './sandbox-hanging.ts';
import { sendUsers } from './sandbox-people.ts';
import { addSpaceCalls } from './sandbox-spaces.ts';
import { addTreeCalls } from './sandbox-tree.ts';

/** The second version of Confluence's API, the parts that read, to be mounted at `/wiki/api/v2`. */
export function createConfluenceV2(asks: (req: Request, res: Response, scope: string) => Asked): Router {
  const router = express.Router();
  const add: AddCall = (path, scope, answer) => void router.get(path, (req, res) => answer(asks(req, res, scope)));
  addSpaceCalls(add);
  addContentCalls(add);
  addTreeCalls(add);
  addHangingCalls(add);
  router.post('/users-bulk', express.json(), (req, res) => sendUsers(asks(req, res, 'read:user:confluence')));
  return router;
}
