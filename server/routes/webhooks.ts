import { Router, type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Context } from '../context.ts';
import { param } from '../middleware/request.ts';
import type { Hearing } from '../services/webhook-service.ts';

/** A batch of a vendor's notifications may be long; none is as long as this. */
const MOST_BYTES = 1024 * 1024;
/** Refused calls and handshakes in a minute from one address. What was believed is not counted: vendors send from few addresses. */
const MOST_REFUSED = 300;

/**
 * Where vendors call. Mounted before session, CSRF and body parsers: a signature is over the bytes as they came, and nobody signs in here.
 * Answers at once: what a call says is handed over, no vendor is asked. Whatever is wrong with a call is answered alike, with an empty 401.
 */
export function webhookRoutes(context: Context, options: { refusedPerMinute?: number } = {}): Router {
  const believed = new WeakSet<object>();

  const receive: RequestHandler = async (req, res) => {
    const { method } = req;
    // Express takes HEAD for GET.
    if (method !== 'GET' && method !== 'POST') return refuse(res);
    const body = await readBody(req);
    // What was not read is not waited for.
    if (body === 'too large') return void res.status(413).set('Connection', 'close').end();
    const integrationId = req.params.integrationId === undefined ? undefined : param(req, 'integrationId');
    const call = { method, query: texts(req.query), headers: texts(req.headers), body } as const;
    const hearing: Hearing = await context.webhooks.receive(param(req, 'platform'), integrationId, call);
    if (hearing.kind === 'refused') return refuse(res);
    if (hearing.kind === 'handshake') return void res.type('text/plain').send(hearing.text);
    believed.add(res);
    res.status(200).end();
  };

  // Express knows an error handler by its four parameters.
  const failed: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
    // An address that cannot be decoded, or a caller who hung up, is no fault of ours.
    if (error === HUNG_UP || (error as { status?: unknown }).status === 400) return refuse(res);
    context.logger.error({ err: error }, 'a call of a vendor could not be handed over');
    // Vendors call again after it.
    res.status(503).end();
  };

  const router = Router();
  router.use('/webhooks', (_req, res, next) => void next(void res.set('Cache-Control', 'no-store')));
  router.use(
    '/webhooks',
    rateLimit({
      windowMs: 60_000,
      limit: options.refusedPerMinute ?? MOST_REFUSED,
      standardHeaders: false,
      legacyHeaders: false,
      skipSuccessfulRequests: true,
      requestWasSuccessful: (_req, res) => believed.has(res),
      handler: (_req, res) => void res.status(429).set('Retry-After', '60').end(),
    }),
  );
  for (const address of ['/webhooks/:platform', '/webhooks/:platform/:integrationId']) {
    router.get(address, receive);
    router.post(address, receive);
  }
  router.use('/webhooks', (_req, res) => refuse(res));
  router.use('/webhooks', failed);
  return router;
}

const refuse = (res: Response): void => void res.status(401).end();

const HUNG_UP = new Error('the caller hung up');

/** The body as it came; no vendor packs it, and packed it would not fit its signature. Errors: HUNG_UP. */
function readBody(req: Request): Promise<Buffer | 'too large'> {
  if (Number(req.get('content-length') ?? 0) > MOST_BYTES) return Promise.resolve('too large');
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    req.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MOST_BYTES) return void parts.push(part);
      req.pause();
      resolve('too large');
    });
    req.once('end', () => resolve(Buffer.concat(parts)));
    req.once('error', () => reject(HUNG_UP));
    req.once('close', () => reject(HUNG_UP));
  });
}

/** What came once: names that came several times mean nothing. */
const texts = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
