import type { Context } from '../context.ts';
import type { User } from '../services/user-service.ts';
import { toSchedule, toSelections } from './answers.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { importPath, startImport, startsImport } from './imports.ts';
import * as schemas from './schemas.ts';

/** Keeping what was imported up to date: syncs now and by schedule, what is followed, and what a held sync asks. */
export function syncRoutes(context: Context): ApiRouter {
  const { integrations, syncs, webhooks } = context;
  const api = createApiRouter();
  const group = 'Syncs';
  const scheduleOf = async (user: User, id: string) =>
    toSchedule(await syncs.schedule(user, id), await webhooks.status(user, id));

  api.post(
    '/integrations/:target/sync',
    {
      group,
      name: 'startSync',
      about: 'Sync an account now',
      notes: 'Brings what changed since the last time, of all that is followed.',
      ...startsImport,
    },
    async (asked) =>
      startImport(context, asked, 'sync', async () => {
        const integration = await integrations.resolve(asked.user, asked.param('target'));
        const { id } = await syncs.start(asked.user, integration.id);
        return { id, platforms: [integration.platform] };
      }),
  );

  api.get(
    '/integrations/:target/schedule',
    {
      group,
      name: 'getSchedule',
      about: 'Get how often an account is synced',
      answers: { 200: schemas.scheduleAnswer },
    },
    async ({ user, param }) => scheduleOf(user, (await integrations.resolve(user, param('target'))).id),
  );

  api.put(
    '/integrations/:target/schedule',
    {
      group,
      name: 'setSchedule',
      about: 'Set how often an account is synced',
      body: schemas.scheduleRequest,
      answers: { 200: schemas.scheduleAnswer },
    },
    async ({ user, param, body: { every, webhooks: wanted } }) => {
      const { id } = await integrations.resolve(user, param('target'));
      if (wanted !== undefined) await webhooks.set(user, id, wanted);
      await syncs.setSchedule(user, id, every);
      return scheduleOf(user, id);
    },
  );

  api.get(
    '/integrations/:target/selections',
    {
      group,
      name: 'listSelections',
      about: 'List what is followed',
      notes: 'What was ticked for imports of the account, and is kept up to date by its syncs.',
      answers: { 200: schemas.selectionsAnswer },
    },
    async ({ user, param }) => {
      const { id } = await integrations.resolve(user, param('target'));
      return toSelections(await syncs.selections(user, id));
    },
  );

  api.delete(
    '/integrations/:target/selections/:selectionId',
    {
      group,
      name: 'deleteSelection',
      about: 'Stop following',
      notes: 'What it brought stays.',
      answers: { 204: { about: 'It is followed no more' } },
    },
    async ({ user, param }) => {
      const { id } = await integrations.resolve(user, param('target'));
      await syncs.unfollow(user, id, param('selectionId'));
    },
  );

  api.post(
    '/imports/:id/removals',
    {
      group,
      name: 'answerRemovals',
      about: 'Answer a held sync',
      notes: 'A sync that found very many documents gone waits to be told whether to remove them here.',
      body: schemas.removalsRequest,
      answers: { 202: schemas.cancelAnswer },
    },
    async ({ req, res, user, param, body: { answer } }) => {
      const importId = param('id');
      await syncs.answer(user, importId, answer);
      res.location(importPath(req, importId));
      return {
        success: true as const,
        importId,
        message: answer === 'remove' ? 'The documents are being removed.' : 'The documents are kept.',
      };
    },
  );

  return api;
}
