import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Platform } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { sendLedger } from '../ledger-csv.ts';
import type { ImportKind } from '../services/import-service.ts';
import type { User } from '../services/user-service.ts';
import { toEstimate, toImportItem, toImportSummary, toRemovals } from './answers.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { closedSignal } from './connection.ts';
import { estimateAnswer } from './filter-schemas.ts';
import { idempotencyKey } from './idempotency.ts';
import { streamImport } from './import-events.ts';
import { toImportDone, waitForImport } from './import-wait.ts';
import { waitSeconds } from './prefer.ts';
import * as schemas from './schemas.ts';

/** What a call that begins an import takes and answers beside its body. */
export const startsImport = {
  headers: {
    Prefer: '`wait=N`: answer when it is done, within N seconds (60 at most)',
    'Idempotency-Key':
      'Of your making, for each import another: the same request with the same key begins nothing again within a day, and is answered by the same import',
  },
  answerHeaders: {
    Location: 'Of 202: where the import is followed',
    'Preference-Applied': 'How long the call waits, where it was asked to',
    'Idempotent-Replayed': '`true` where an earlier request with this `Idempotency-Key` began the import',
  },
  answers: { 200: schemas.importDoneAnswer, 202: schemas.importStartedAnswer },
};

/** Imports over several integrations, their ledgers and their live progress. */
export function importRoutes(context: Context): ApiRouter {
  const { imports, integrations, syncs } = context;
  const api = createApiRouter();
  const group = 'Imports';

  api.post(
    '/imports',
    {
      group,
      name: 'createImport',
      about: 'Import from several accounts',
      notes: 'Files, folders, pages, projects: by the ids that browsing gave.',
      body: schemas.importItemsRequest,
      ...startsImport,
    },
    async (asked) => {
      const { user } = asked;
      const { items, category, filters, ...scope } = asked.body;
      return startImport(context, asked, 'import', async () => {
        const chosen = await Promise.all(
          [...new Set(items.map((item) => item.integrationId))].map((id) => integrations.get(user, id)),
        );
        const { id } = await imports.create(user, {
          items: items.map(({ integrationId, fileId }) => ({ integrationId, ref: fileId })),
          category: category ?? undefined,
          filters: filters ?? undefined,
          ...scope,
        });
        return { id, platforms: chosen.map((integration) => integration.platform) };
      });
    },
  );

  api.post(
    '/imports/estimate',
    {
      group,
      name: 'estimateImport',
      about: 'Estimate an import',
      notes: 'Counts what an import of the same body would find, for some seconds at most; nothing is imported.',
      body: schemas.importItemsRequest,
      answers: { 200: estimateAnswer },
    },
    async ({ user, body: { items, filters, category: _, ...scope } }) => {
      const selected = items.map(({ integrationId, fileId }) => ({ integrationId, ref: fileId }));
      return toEstimate(
        await context.estimates.estimate(user, { items: selected, filters: filters ?? undefined, ...scope }),
      );
    },
  );

  api.get(
    '/imports',
    {
      group,
      name: 'listImports',
      about: 'List imports and syncs',
      notes: 'The newest first.',
      query: schemas.importsQuery,
      answers: { 200: schemas.importsAnswer },
    },
    async ({ user, query: { cursor } }) => {
      const page = await imports.list(user, { cursor });
      return { imports: page.imports.map(toImportSummary), nextCursor: page.nextCursor };
    },
  );

  api.get(
    '/imports/:id',
    {
      group,
      name: 'getImport',
      about: 'Get an import with its ledger',
      notes: '`finishedAt` is null until the last item has its final state. Items come a page at a time.',
      query: schemas.importQuery,
      answers: { 200: schemas.importAnswer },
    },
    async ({ user, param, query }) => {
      const found = await imports.get(user, param('id'), query);
      const removals = found.held ? await syncs.held(user, found.id) : undefined;
      return {
        ...toImportSummary(found),
        position: found.position,
        removals: removals && toRemovals(removals),
        items: found.items.map(toImportItem),
        nextCursor: found.nextCursor,
      };
    },
  );

  api.get(
    '/imports/:id/events',
    {
      group,
      name: 'followImport',
      about: 'Follow an import live',
      notes:
        'Server-sent events: `progress` (the import without its items), `item` (a row of its ledger), `done`. ' +
        'It goes on where it stopped for a client that comes back with `Last-Event-ID`.',
      query: schemas.importEventsQuery,
      headers: { 'Last-Event-ID': 'The id of the last event that was seen' },
      answers: {
        200: { about: 'Events until it is done', mediaType: 'text/event-stream' },
        204: { about: 'All was seen: there is nothing to come back for' },
      },
    },
    async ({ req, res }) => streamImport(context, req, res),
  );

  api.get(
    '/imports/:id/ledger.csv',
    {
      group,
      name: 'downloadLedger',
      about: 'Download the ledger as CSV',
      query: schemas.ledgerQuery,
      answers: { 200: { about: 'A row for each item', mediaType: 'text/csv' } },
    },
    async ({ res, user, param, query }) =>
      sendLedger(res, await imports.export(user, param('id'), query), query, context),
  );

  api.post(
    '/imports/:id/cancel',
    {
      group,
      name: 'cancelImport',
      about: 'Cancel an import',
      notes: 'What was imported already stays.',
      answers: { 200: schemas.cancelAnswer },
    },
    async ({ user, param }) => {
      const importId = param('id');
      await imports.cancel(user, importId);
      return { success: true as const, importId, message: 'The import is cancelled. What was imported already stays.' };
    },
  );

  api.post(
    '/imports/:id/retry',
    {
      group,
      name: 'retryImport',
      about: 'Try failed items again',
      notes: 'All of them, or the one that is named.',
      body: schemas.retryRequest,
      answers: { 202: schemas.retryAnswer },
    },
    async ({ req, res, user, param, body: { itemId } }) => {
      const importId = param('id');
      const retried = await imports.retry(user, importId, { itemId });
      res.location(importPath(req, importId));
      return {
        success: true as const,
        importId,
        retried,
        message: retried === 1 ? '1 item is tried again.' : `${retried} items are tried again.`,
      };
    },
  );

  return api;
}

/** Where an import is followed. */
export const importPath = (req: Request, importId: string): string => `${req.baseUrl}/imports/${importId}`;

/**
 * Answers a call that begins an import: 202 at once, or with `Prefer: wait=N` 200 and the documents when it is done within N seconds. With an
 * `Idempotency-Key` that came before nothing begins, and the answer is that of the import of then. `begin` gives the platforms of the selected integrations too.
 * Errors: those of `begin`; BadRequestError `invalid_idempotency_key`, AppError 422 `idempotency_key_reused`.
 */
export async function startImport(
  context: Context,
  { req, res, user }: { req: Request; res: Response; user: User },
  kind: ImportKind,
  begin: () => Promise<{ id: string; platforms: Platform[] }>,
): Promise<z.output<typeof schemas.importDoneAnswer> | z.output<typeof schemas.importStartedAnswer> | undefined> {
  let platforms: Platform[] = [];
  const beginning = async () => {
    const begun = await begin();
    ({ platforms } = begun);
    return begun;
  };
  const key = idempotencyKey(req);
  const wait = waitSeconds(req);
  let importId: string;
  if (key === undefined) importId = (await beginning()).id;
  else {
    const content = [req.method, req.baseUrl + req.path, req.body ?? null];
    const { id, replayed } = await context.idempotency.once(user, { key, content }, beginning);
    importId = id;
    if (replayed) res.set('Idempotent-Replayed', 'true');
  }
  if (wait !== undefined) {
    res.set('Preference-Applied', `wait=${wait}`);
    const closed = closedSignal(res);
    const summary = await waitForImport(context, user, importId, wait, closed);
    if (closed.aborted) return undefined;
    if (summary) return toImportDone(context, user, summary, platforms);
  }
  const location = importPath(req, importId);
  res.status(202).location(location);
  return { success: true, importId, message: `The ${kind} has begun. Follow it at ${location}.` };
}
