import { Router, type Request, type Response } from 'express';
import type { Platform } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { currentUser, param } from '../middleware/request.ts';
import type { ImportKind } from '../services/import-service.ts';
import { toEstimate, toImportItem, toImportSummary, toRemovals } from './answers.ts';
import { sendLedger } from '../ledger-csv.ts';
import { closedSignal } from './connection.ts';
import { streamImport } from './import-events.ts';
import { toImportDone, waitForImport } from './import-wait.ts';
import { bodyOf, queryOf } from './input.ts';
import { waitSeconds } from './prefer.ts';
import * as schemas from './schemas.ts';

/** Imports over several integrations, their ledgers and their live progress. */
export function importRoutes(context: Context): Router {
  const { imports, integrations, syncs } = context;
  const router = Router();

  router.post('/imports', async (req, res) => {
    const user = currentUser(req);
    const { items, category, filters, ...scope } = bodyOf(req, schemas.importItemsRequest);
    const chosen = await Promise.all(
      [...new Set(items.map((item) => item.integrationId))].map((id) => integrations.get(user, id)),
    );
    const { id } = await imports.create(user, {
      items: items.map(({ integrationId, fileId }) => ({ integrationId, ref: fileId })),
      category: category ?? undefined,
      filters: filters ?? undefined,
      ...scope,
    });
    const platforms = chosen.map((integration) => integration.platform);
    await answerStartedImport(context, req, res, { id, kind: 'import', platforms });
  });

  router.post('/imports/estimate', async (req, res) => {
    const { items, filters, category: _, ...scope } = bodyOf(req, schemas.importItemsRequest);
    const selected = items.map(({ integrationId, fileId }) => ({ integrationId, ref: fileId }));
    const input = { items: selected, filters: filters ?? undefined, ...scope };
    res.json(toEstimate(await context.estimates.estimate(currentUser(req), input)));
  });

  router.get('/imports', async (req, res) => {
    const { cursor } = queryOf(req, schemas.importsQuery);
    const page = await imports.list(currentUser(req), { cursor });
    res.json({ imports: page.imports.map(toImportSummary), nextCursor: page.nextCursor });
  });

  router.get('/imports/:id', async (req, res) => {
    const options = queryOf(req, schemas.importQuery);
    const user = currentUser(req);
    const found = await imports.get(user, param(req, 'id'), options);
    const removals = found.held ? await syncs.held(user, found.id) : undefined;
    res.json({
      ...toImportSummary(found),
      position: found.position,
      removals: removals && toRemovals(removals),
      items: found.items.map(toImportItem),
      nextCursor: found.nextCursor,
    });
  });

  router.get('/imports/:id/events', (req, res) => streamImport(context, req, res));

  router.get('/imports/:id/ledger.csv', async (req, res) => {
    const filter = queryOf(req, schemas.ledgerQuery);
    await sendLedger(res, await imports.export(currentUser(req), param(req, 'id'), filter), filter, context);
  });

  router.post('/imports/:id/cancel', async (req, res) => {
    const importId = param(req, 'id');
    await imports.cancel(currentUser(req), importId);
    res.json({ success: true, importId, message: 'The import is cancelled. What was imported already stays.' });
  });

  router.post('/imports/:id/retry', async (req, res) => {
    const importId = param(req, 'id');
    const { itemId } = bodyOf(req, schemas.retryRequest);
    const retried = await imports.retry(currentUser(req), importId, { itemId });
    res
      .status(202)
      .location(importPath(req, importId))
      .json({
        success: true,
        importId,
        retried,
        message: retried === 1 ? '1 item is tried again.' : `${retried} items are tried again.`,
      });
  });

  return router;
}

/** Where an import is followed. */
export const importPath = (req: Request, importId: string): string => `${req.baseUrl}/imports/${importId}`;

/** Answers a call that began an import: 202 at once, or with `Prefer: wait=N` 200 and the documents when it is done within N seconds. */
export async function answerStartedImport(
  context: Context,
  req: Request,
  res: Response,
  started: { id: string; kind: ImportKind; platforms: Platform[] },
): Promise<void> {
  const { id: importId, kind, platforms } = started;
  const user = currentUser(req);
  const wait = waitSeconds(req);
  if (wait !== undefined) {
    res.set('Preference-Applied', `wait=${wait}`);
    const closed = closedSignal(res);
    const summary = await waitForImport(context, user, importId, wait, closed);
    if (closed.aborted) return;
    if (summary) return void res.json(await toImportDone(context, user, summary, platforms));
  }
  const location = importPath(req, importId);
  res
    .status(202)
    .location(location)
    .json({ success: true, importId, message: `The ${kind} has begun. Follow it at ${location}.` });
}
