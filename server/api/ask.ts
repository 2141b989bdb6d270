import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import { problemOf } from '../middleware/errors.ts';
import { currentUser } from '../middleware/request.ts';
import type { Answer, AskInput, AskProblem } from '../services/ask-service.ts';
import { toAnswer } from './answers.ts';
import { rateLimit } from './authentication.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { closedSignal, openEventStream } from './connection.ts';
import { withoutNulls } from './input.ts';
import * as schemas from './schemas.ts';

/** Questions a minute and user: each may cost a model's work. */
export const ASKED_PER_MINUTE = 20;

/** Questions to the imported documents. */
export function askRoutes(context: Context): ApiRouter {
  const api = createApiRouter();

  api.post(
    '/ask',
    {
      group: 'Search and ask',
      name: 'ask',
      about: 'Ask a question',
      notes:
        'Answered from the imported documents alone, with what bears it out. With `Accept: text/event-stream` as server-sent events: ' +
        '`delta` (`{text}`, to be appended), `error` (a problem), `done` (the answer). ' +
        `At most ${ASKED_PER_MINUTE} questions a minute.`,
      body: schemas.askRequest,
      guards: [rateLimit(ASKED_PER_MINUTE, 'questions')],
      answers: { 200: schemas.askAnswer },
      orAs: 'text/event-stream',
    },
    async ({ req, res, user, body }) => {
      const input = withoutNulls(body);
      if (req.accepts(['application/json', 'text/event-stream']) === 'text/event-stream')
        return streamAnswer(context, req, res, input, async (answer) => toAnswer(answer));
      const signal = closedSignal(res);
      try {
        return toAnswer(await context.ask.ask(user, input, { signal }));
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  );

  return api;
}

/**
 * An answer as server-sent events: `delta` (a checked piece of a model's answer, to be appended), `error` (problem+json: the model
 * failed, and `done` follows with what there is; without `done`, the hub failed), `done` (the answer, as `toDone` shows it).
 * A client that leaves stops the model. Errors, before the first event: InvalidInputError.
 */
export async function streamAnswer(
  { ask, logger }: Pick<Context, 'ask' | 'logger'>,
  req: Request,
  res: Response,
  input: AskInput,
  toDone: (answer: Answer) => Promise<unknown>,
): Promise<void> {
  const signal = closedSignal(res);
  let write: ReturnType<typeof openEventStream> | undefined;
  let last = Promise.resolve();
  const send = (event: string, data: unknown) => {
    write ??= openEventStream(res);
    const open = write;
    last = last.then(() => open(event, JSON.stringify(data)));
  };
  const onProblem = ({ status, code, message, retryAt }: AskProblem) =>
    send('error', problemOf(req, new AppError(status, code, message, { details: retryAt && { retryAt } })));
  try {
    const answer = await ask.ask(currentUser(req), input, {
      signal,
      onDelta: (text) => send('delta', { text }),
      onProblem,
    });
    send('done', await toDone(answer));
  } catch (error) {
    if (signal.aborted) return;
    if (!write) throw error;
    logger.error({ err: error, requestId: req.requestId }, 'a streamed answer broke off');
    onProblem({ status: 500, code: 'internal', message: 'Something went wrong on our side. Ask again.' });
  }
  await last;
  res.end();
}
