import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { AppError, NotFoundError } from '../errors.ts';
import { paths } from '../paths.ts';
import { render } from '../views.ts';
import { csrf } from './csrf.ts';
import { isApi } from './request.ts';

/** Whatever no route took. */
export const notFound: RequestHandler = (req) => {
  throw isApi(req)
    ? new NotFoundError('This address')
    : new AppError(404, 'not_found', 'There is no page at this address.');
};

const CSRF_MESSAGE =
  'This form was open for too long, or was sent from another place, so nothing was changed. Go back, reload the page and send it again.';

/** Errors that libraries throw on purpose, in our words. Undefined: a fault of ours. */
function toAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (error === csrf.invalidCsrfTokenError) return new AppError(403, 'csrf', CSRF_MESSAGE);
  const { status, type } = error as { status?: unknown; type?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (type === 'entity.too.large') return new AppError(413, 'too_large', 'The request is larger than the hub accepts.');
  if (type === 'entity.parse.failed') return new AppError(400, 'invalid_json', 'The body is not valid JSON.');
  if (status === 404) return new AppError(404, 'not_found', 'There is no page at this address.');
  return new AppError(400, 'bad_request', 'The request could not be understood.');
}

/** The one place where errors become answers: problem+json (RFC 9457) for the API, the error page for people; faults are logged once. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, req, res, _next) => {
    const known = toAppError(error);
    if (!known) (req.log ?? logger).error({ err: error, requestId: req.requestId }, 'a request failed');
    const answer =
      known ??
      new AppError(
        500,
        'internal',
        'Something went wrong on our side. Try again; if it happens again, give the request id to the administrator.',
      );
    if (res.headersSent) {
      res.destroy();
      return;
    }
    res.status(answer.status);
    res.locals.refusal = answer.code;
    if (answer.status === 401) res.set('WWW-Authenticate', 'Bearer');
    if (isApi(req)) sendProblem(req, res, answer);
    else sendPage(req, res, answer);
  };
}

function sendProblem(req: Request, res: Response, error: AppError): void {
  res.type('application/problem+json').send(JSON.stringify(problemOf(req, error)));
}

/** A refusal as RFC 9457 has it. */
export const problemOf = (req: Request, error: AppError): Record<string, unknown> => ({
  type: 'about:blank',
  title: STATUS_CODES[error.status] ?? 'Error',
  status: error.status,
  detail: error.message,
  code: error.code,
  requestId: req.requestId,
  ...error.details,
});

const HEADINGS: Record<number, string> = {
  400: 'That did not work',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Not possible just now',
  413: 'Too large',
  422: 'Please check what you entered',
  429: 'Too many tries',
  502: 'The service did not answer as expected',
  503: 'The service is busy',
};

function sendPage(req: Request, res: Response, error: AppError): void {
  const heading = HEADINGS[error.status] ?? (error.status >= 500 ? 'Something went wrong' : 'That did not work');
  render(res, 'error', {
    title: heading,
    status: error.status,
    heading,
    message: error.message,
    requestId: req.requestId,
    action: req.account
      ? { href: paths.integrations, label: 'Go to integrations' }
      : { href: paths.signIn, label: 'Sign in' },
  });
}
