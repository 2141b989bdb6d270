import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { currentUser, param } from '../middleware/request.ts';
import { toImportItem, toImportSummary } from './answers.ts';
import { watch } from '../signals/signals.ts';
import { closedSignal, openEventStream, pause } from './connection.ts';
import { queryOf } from './input.ts';
import * as schemas from './schemas.ts';

/** Between two looks at the database, however often something changes. */
const GAP_MS = 400;
const HEARTBEAT_MS = 15_000;
/** A stream ends after this long; the browser comes back by itself, and is checked again who it is. */
const MAX_STREAM_MS = 15 * 60_000;
/** `imports.changes` gives at most this many items; a full page is followed by the next one at once. */
const PAGE = 200;

/**
 * Server-sent events of one import until it is done or the client leaves: `progress` (the summary, whenever it differs), `item`
 * (a ledger row, after each change) and `done` (the final summary). Ids are `changed` values, that of `done` ends in `.done`.
 * Looked for when a signal says that something changed. A client that returns with `Last-Event-ID` gets what changed since; one that has seen
 * everything gets 204, which ends its attempts. `?since=` is where a client begins that has rows already; else it gets all of them.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 * Errors: NotFoundError; InvalidInputError.
 */
export async function streamImport(
  context: Pick<Context, 'imports' | 'signals' | 'logger'>,
  req: Request,
  res: Response,
): Promise<void> {
  const { imports, signals, logger } = context;
  const user = currentUser(req);
  const importId = param(req, 'id');
  const last = /^(\d{1,18})(\.done)?$/.exec(req.get('last-event-id') ?? '');
  let position = last?.[1] ?? queryOf(req, schemas.importEventsQuery).since;
  const closed = closedSignal(res);
  // Begun before the first look, so that nothing falls between.
  const news = watch(signals, 'import', importId);
  closed.addEventListener('abort', news.close, { once: true });
  let found = await imports.changes(user, importId, position);
  if (last?.[2] && found.finishedAt && found.changedItems.length === 0) return void res.status(204).end();

  const write = openEventStream(res);
  res.write('retry: 2000\n\n');

  const startedAt = Date.now();
  let writtenAt = startedAt;
  let lastProgress = '';
  const send = async (event: string, data: string, id?: string) => {
    writtenAt = Date.now();
    await write(event, data, id);
  };

  try {
    for (;;) {
      for (const item of found.changedItems) await send('item', JSON.stringify(toImportItem(item)), item.changed);
      position = found.changedItems.at(-1)?.changed ?? position;
      const progress = JSON.stringify(toImportSummary(found));
      // Rows and summary are read one after the other, so the end is believed only when nothing is left to tell.
      if (found.finishedAt && found.changedItems.length === 0) {
        await send('done', progress, `${position ?? '0'}.done`);
        break;
      }
      if (progress !== lastProgress) await send('progress', progress);
      lastProgress = progress;
      if (found.changedItems.length < PAGE && !found.finishedAt) {
        await pause(GAP_MS, closed);
        await news.next(closed);
      }
      if (closed.aborted) return;
      if (Date.now() - startedAt > MAX_STREAM_MS) break;
      if (Date.now() - writtenAt > HEARTBEAT_MS) {
        res.write(': still here\n\n');
        writtenAt = Date.now();
      }
      // Nothing is told any more to whom it is not meant for any more.
      if (req.isStillIn && !(await req.isStillIn())) break;
      found = await imports.changes(user, importId, position);
    }
  } catch (error) {
    // The answer has begun: ending it lets the client come back, and it then hears what is wrong.
    logger.error({ err: error, requestId: req.requestId, importId }, 'A progress stream broke off');
  }
  res.end();
}
