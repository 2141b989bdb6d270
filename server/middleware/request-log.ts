import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';

/** What machines ask every few seconds. Whatever is not well is logged where it is found. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/** One line a request: method, path without its query (which may carry a code or a state), status, why it was refused, time, user, client and request id. */
export function requestLog(logger: Logger): RequestHandler {
  return pinoHttp({
    logger,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'requestId' },
    genReqId: (req) => (req as unknown as { requestId: string }).requestId,
    serializers: { req: () => undefined, res: () => undefined, err: () => undefined },
    customLogLevel: levelOf,
    customSuccessMessage: (req, res) => `${req.method ?? ''} ${pathOf(req)} ${res.statusCode}`,
    customErrorMessage: (req, res) => `${req.method ?? ''} ${pathOf(req)} ${res.statusCode}`,
    customProps: (req, res) => ({
      method: req.method,
      path: pathOf(req),
      status: res.statusCode,
      refusal: (res as Response).locals.refusal as string | undefined,
      address: (req as { ip?: string }).ip,
      userId: (req as { account?: { id: string } }).account?.id,
    }),
  }) as RequestHandler;
}

function levelOf(req: IncomingMessage, res: ServerResponse): 'debug' | 'info' | 'error' {
  if (PROBES.has(pathOf(req))) return 'debug';
  return res.statusCode >= 500 ? 'error' : 'info';
}

const pathOf = (req: IncomingMessage): string =>
  ((req as { originalUrl?: string }).originalUrl ?? req.url ?? '').split('?')[0] ?? '';
