import { Router } from 'express';
import type { Context } from '../context.ts';
import { BadRequestError, ConflictError, NotFoundError } from '../errors.ts';
import { accountLabel, platformLabel } from '../format.ts';
import { parseForm } from '../forms/form.ts';
import { removalsForm, scheduleForm } from '../forms/sync-forms.ts';
import { currentUser, param } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import type { ScheduleName } from '../services/sync-service.ts';
import { flash, render } from '../views.ts';
import { showIntegration, toSelectionRow } from './integration-page.ts';

function savedMessage(every: ScheduleName | null, webhooks: boolean): string {
  if (every !== null) return 'The schedule is saved.';
  return webhooks ? 'The account is synced when its service calls.' : 'The account is synced by hand only.';
}

/** Forms that keep an account up to date: sync now, the schedule, what is followed, and the answer to a held sync. */
export function syncRoutes(context: Context): Router {
  const router = Router();
  const { integrations, syncs, webhooks } = context;

  router.post('/admin/integrations/:id/sync', async (req, res) => {
    const { id } = await syncs.start(currentUser(req), param(req, 'id'));
    res.redirect(303, paths.import(id));
  });

  router.post('/admin/integrations/:id/schedule', async (req, res) => {
    const id = param(req, 'id');
    const form = parseForm(scheduleForm, req.body);
    if (!form.ok) {
      res.status(422);
      return showIntegration(context, req, res, form.errors);
    }
    const { every, webhooks: wanted } = form.values;
    try {
      await webhooks.set(currentUser(req), id, wanted);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      res.status(422);
      return showIntegration(context, req, res, [{ field: 'webhooks', message: error.message }]);
    }
    await syncs.setSchedule(currentUser(req), id, every);
    flash(req, { kind: 'success', message: savedMessage(every, wanted) });
    res.redirect(303, paths.integration(id));
  });

  router.get('/admin/integrations/:id/selections/:selectionId/stop', async (req, res) => {
    const user = currentUser(req);
    const integration = await integrations.get(user, param(req, 'id'));
    const selections = await syncs.selections(user, integration.id);
    const selection = selections.find(({ id }) => id === param(req, 'selectionId'));
    if (!selection) throw new NotFoundError('The selection');
    render(res, 'integrations/unfollow', {
      title: 'Stop following',
      section: 'integrations',
      integration: {
        id: integration.id,
        account: accountLabel(integration),
        label: platformLabel(context.definitions, integration.platform),
      },
      selection: toSelectionRow(selection),
    });
  });

  router.post('/admin/integrations/:id/selections/:selectionId/stop', async (req, res) => {
    const id = param(req, 'id');
    await syncs.unfollow(currentUser(req), id, param(req, 'selectionId'));
    flash(req, {
      kind: 'success',
      message: 'It is no longer followed. What was imported from it stays, and is not updated any more.',
    });
    res.redirect(303, paths.integration(id));
  });

  router.post('/admin/imports/:id/removals', async (req, res) => {
    const id = param(req, 'id');
    const form = parseForm(removalsForm, req.body);
    if (!form.ok) throw new BadRequestError('bad_request', form.errors[0]?.message ?? '');
    await syncs.answer(currentUser(req), id, form.values.answer);
    flash(req, {
      kind: 'success',
      message:
        form.values.answer === 'remove'
          ? 'The documents are being removed.'
          : 'The documents are kept. They stay searchable and are not updated any more.',
    });
    res.redirect(303, paths.import(id));
  });

  return router;
}
