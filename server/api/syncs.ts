import { Router } from 'express';
import type { Context } from '../context.ts';
import { currentUser, param } from '../middleware/request.ts';
import type { User } from '../services/user-service.ts';
import { toSchedule, toSelections } from './answers.ts';
import { answerStartedImport, importPath } from './imports.ts';
import { bodyOf } from './input.ts';
import * as schemas from './schemas.ts';

/** Keeping what was imported up to date: syncs now and by schedule, what is followed, and what a held sync asks. */
export function syncRoutes(context: Context): Router {
  const { integrations, syncs, webhooks } = context;
  const router = Router();
  const scheduleOf = async (user: User, id: string) =>
    toSchedule(await syncs.schedule(user, id), await webhooks.status(user, id));

  router.post('/integrations/:target/sync', async (req, res) => {
    const user = currentUser(req);
    const integration = await integrations.resolve(user, param(req, 'target'));
    const { id } = await syncs.start(user, integration.id);
    await answerStartedImport(context, req, res, { id, kind: 'sync', platforms: [integration.platform] });
  });

  router.get('/integrations/:target/schedule', async (req, res) => {
    const user = currentUser(req);
    const { id } = await integrations.resolve(user, param(req, 'target'));
    res.json(await scheduleOf(user, id));
  });

  router.put('/integrations/:target/schedule', async (req, res) => {
    const user = currentUser(req);
    const { every, webhooks: wanted } = bodyOf(req, schemas.scheduleRequest);
    const { id } = await integrations.resolve(user, param(req, 'target'));
    if (wanted !== undefined) await webhooks.set(user, id, wanted);
    await syncs.setSchedule(user, id, every);
    res.json(await scheduleOf(user, id));
  });

  router.get('/integrations/:target/selections', async (req, res) => {
    const user = currentUser(req);
    const { id } = await integrations.resolve(user, param(req, 'target'));
    res.json(toSelections(await syncs.selections(user, id)));
  });

  router.delete('/integrations/:target/selections/:selectionId', async (req, res) => {
    const user = currentUser(req);
    const { id } = await integrations.resolve(user, param(req, 'target'));
    await syncs.unfollow(user, id, param(req, 'selectionId'));
    res.status(204).end();
  });

  router.post('/imports/:id/removals', async (req, res) => {
    const importId = param(req, 'id');
    const { answer } = bodyOf(req, schemas.removalsRequest);
    await syncs.answer(currentUser(req), importId, answer);
    res
      .status(202)
      .location(importPath(req, importId))
      .json({
        success: true,
        importId,
        message: answer === 'remove' ? 'The documents are being removed.' : 'The documents are kept.',
      });
  });

  return router;
}
