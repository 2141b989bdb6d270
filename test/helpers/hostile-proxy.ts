import { createHash } from 'node:crypto';
import { request as ask, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { seededChance } from './seeded.ts';

export const FAULTS = ['throttled', 'unavailable', 'fault', 'reset', 'slow', 'truncated'] as const;
export type Fault = (typeof FAULTS)[number];

/** `at` and `until` are milliseconds since 1970. */
export type SeenRequest = {
  at: number;
  host: 'first' | 'second';
  account: string;
  method: string;
  path: string;
  fault?: Fault;
};
export type AskedPause = { at: number; until: number; account: string; path: string };

export type HostileProxy = {
  /** Stands for the origin that `start` names. */
  url: string;
  /** Stands for the other origin that answers of the first redirect to, where there is one. */
  secondUrl: string;
  requests: SeenRequest[];
  pauses: AskedPause[];
  /** From now on requests are handed on to these origins; before this they are refused. */
  start(origin: string, second?: string): void;
  /** From now on this share of the answers is spoiled, each kind of fault as likely as the others. 0 ends it. */
  spoil(share: number): void;
  /** Requests that came though a pause asked for before had not ended, with how many ms too early. */
  early(): { request: SeenRequest; pause: AskedPause; byMs: number }[];
  close(): Promise<void>;
};

const SLOW_MS = 300;
/** What was on its way when the pause was asked for. Time in which this process stood still comes on top: neither side acts in it. */
const ON_ITS_WAY_MS = 100;
const TICK_MS = 20;
const BESIDE_THE_WAY = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host']);

/** How each vendor says it is too much, or that it is broken. `seconds` is the wait in the header beside it. */
const BODIES = {
  google: (status: number) => ({
    error: {
      code: status,
      message: 'Try again.',
      errors: [
        { domain: 'global', reason: status === 429 ? 'rateLimitExceeded' : 'backendError', message: 'Try again.' },
      ],
    },
  }),
  microsoft: (status: number) => ({
    error: {
      code: status === 429 ? 'activityLimitReached' : 'serviceNotAvailable',
      message: 'Try again.',
      innerError: { 'request-id': '0' },
    },
  }),
  dropbox: (status: number) => ({
    error_summary: status === 429 ? 'too_many_requests/..' : 'internal_error/..',
    error: { reason: { '.tag': status === 429 ? 'too_many_requests' : 'internal_error' }, retry_after: 1 },
  }),
};

/**
 * Stands on loopback between the hub and a stand-in (and a second host that it redirects to), and spoils answers by a seeded chance:
 * 429 and 503 that ask for a pause, 500, a connection that ends before the answer or within it, slow answers. Requests go on as they
 * are; addresses of the origins in answers become the proxy's.
 */
export async function startHostileProxy(options: { vendor: keyof typeof BODIES; seed: number }): Promise<HostileProxy> {
  const { vendor } = options;
  const chance = seededChance(options.seed);
  const requests: SeenRequest[] = [];
  const pauses: AskedPause[] = [];
  const origins: { first?: string; second?: string } = {};
  let spoiledShare = 0;
  const stalls: { from: number; to: number }[] = [];
  let tickedAt = Date.now();
  const ticker = setInterval(() => {
    const now = Date.now();
    if (now - tickedAt > 2 * TICK_MS) stalls.push({ from: tickedAt, to: now });
    tickedAt = now;
  }, TICK_MS);

  const stoodStill = (from: number, to: number): number =>
    stalls.reduce((sum, stall) => sum + Math.max(0, Math.min(to, stall.to) - Math.max(from, stall.from)), 0);

  const drawFault = (): Fault | undefined =>
    chance() < spoiledShare ? FAULTS[Math.floor(chance() * FAULTS.length)] : undefined;

  const toProxy = (text: string): string => {
    let mapped = text;
    if (origins.first) mapped = mapped.replaceAll(origins.first, first.url);
    if (origins.second) mapped = mapped.replaceAll(origins.second, second.url);
    return mapped;
  };

  async function handle(host: SeenRequest['host'], req: IncomingMessage, res: ServerResponse): Promise<void> {
    const at = Date.now();
    const origin = origins[host];
    const path = req.url ?? '/';
    const seen: SeenRequest = {
      at,
      host,
      account: accountOf(req),
      method: req.method ?? 'GET',
      path,
      fault: drawFault(),
    };
    requests.push(seen);
    if (!origin) throw new Error(`the proxy was asked for ${path} before it knew whom to ask`);
    const body = await bytesOf(req);
    switch (seen.fault) {
      case 'throttled':
        return refuse(res, seen, 429, '1', Date.now() + 1000);
      case 'unavailable': {
        // A date has whole seconds: between one and two from now.
        const until = Math.ceil(Date.now() / 1000) * 1000 + 1000;
        return refuse(res, seen, 503, new Date(until).toUTCString(), until);
      }
      case 'fault':
        return refuse(res, seen, 500);
      case 'reset':
        return void req.socket.resetAndDestroy();
      case 'slow':
        await sleep(SLOW_MS);
    }
    const answer = await forward(origin, req, body);
    if (answer.headers.location) answer.headers.location = toProxy(answer.headers.location);
    if (/^application\/json/.test(answer.headers['content-type'] ?? ''))
      answer.body = Buffer.from(toProxy(answer.body.toString()));
    if (seen.fault === 'truncated' && answer.body.length < 2) return void req.socket.resetAndDestroy();
    res.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
    if (seen.fault !== 'truncated') return void res.end(answer.body);
    // The half goes out first, so that the line breaks inside of the body.
    res.write(answer.body.subarray(0, Math.floor(answer.body.length / 2)), () =>
      setImmediate(() => req.socket.destroy()),
    );
  }

  function refuse(res: ServerResponse, seen: SeenRequest, status: number, retryAfter?: string, until?: number): void {
    const body = JSON.stringify(BODIES[vendor](status));
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    res.writeHead(status, retryAfter === undefined ? headers : { ...headers, 'retry-after': retryAfter }).end(body);
    if (until !== undefined) pauses.push({ at: Date.now(), until, account: seen.account, path: seen.path });
  }

  const [first, second] = await Promise.all([
    serve((req, res) => handle('first', req, res)),
    serve((req, res) => handle('second', req, res)),
  ]);

  return {
    url: first.url,
    secondUrl: second.url,
    requests,
    pauses,
    start: (origin, other) => void Object.assign(origins, { first: origin, second: other }),
    spoil: (share) => void (spoiledShare = share),
    early: () =>
      requests.flatMap((request) => {
        const broken = pauses.filter(
          ({ at, until }) => request.at > at + ON_ITS_WAY_MS + stoodStill(at, request.at) && request.at < until,
        );
        return broken.slice(0, 1).map((pause) => ({ request, pause, byMs: pause.until - request.at }));
      }),
    async close() {
      clearInterval(ticker);
      await Promise.all([first.close(), second.close()]);
    },
  };
}

const serve = (handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): ReturnType<typeof listen> =>
  listen((req, res) => {
    handle(req, res).catch((error: unknown) => res.writeHead(502).end(String(error)));
  });

type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

const forward = (origin: string, req: IncomingMessage, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { ...kept(req.headers), 'content-length': body.length };
    const sent = ask(
      `${origin}${req.url ?? '/'}`,
      { method: req.method, headers: body.length > 0 ? headers : kept(req.headers) },
      (res) => {
        bytesOf(res).then(
          (bytes) => resolve({ status: res.statusCode ?? 502, headers: kept(res.headers), body: bytes }),
          reject,
        );
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });

/** All headers but those of the one line between two hosts. */
const kept = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !BESIDE_THE_WAY.has(name)));

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Tells tokens apart without keeping them. */
function accountOf({ headers }: IncomingMessage): string {
  const { authorization } = headers;
  return authorization === undefined ? '' : createHash('sha256').update(authorization).digest('hex').slice(0, 12);
}
