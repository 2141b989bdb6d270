import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import type { SandboxAccount } from './sandbox-files.ts';

export type PlannedAnswer = { status: number; body?: unknown; headers?: Record<string, string> };
type Match = (path: string) => boolean;

/** What tests see and steer at every stand-in. `Seen` is what is remembered of a request. */
export type StandInState<Seen> = {
  /** May be changed at any time; the next request sees it. */
  accounts: SandboxAccount[];
  /** Every request, in order. */
  requests: Seen[];
  /** Answers the next `times` (1) requests whose path with its query matches in this way instead. */
  failNext(match: Match, response: PlannedAnswer, times?: number): void;
  /** The next `times` (1) downloads whose path matches break off in the middle. */
  truncateNext(match?: Match, times?: number): void;
  /** Milliseconds that every answer is held back. */
  latencyMs: number;
};

/** Of the requests remembered: a demo may run for weeks. */
const MOST_REQUESTS = 20_000;

export type StandIn<Seen> = {
  state: StandInState<Seen>;
  /** Stands before everything else: remembers the request, and answers as planned. */
  steer: RequestHandler;
  /** Sends the bytes of a file, or half of them where that was planned. */
  send: (req: Request, res: Response, bytes: Buffer) => void;
};

/** The part of a stand-in that is the same for every vendor. `seen` says what is remembered of a request. */
export function createStandIn<Seen>(accounts: SandboxAccount[], seen: (req: Request) => Seen): StandIn<Seen> {
  type Plan<T> = { match: Match; left: number } & T;
  const answers: Plan<{ answer: PlannedAnswer }>[] = [];
  const breaks: Plan<object>[] = [];
  const take = <T extends Plan<object>>(plans: T[], path: string): T | undefined => {
    const plan = plans.find(({ left, match }) => left > 0 && match(path));
    if (plan) plan.left -= 1;
    return plan;
  };
  const state: StandInState<Seen> = {
    accounts,
    requests: [],
    latencyMs: 0,
    failNext: (match, answer, times = 1) => void answers.push({ match, answer, left: times }),
    truncateNext: (match = () => true, times = 1) => void breaks.push({ match, left: times }),
  };
  return {
    state,
    async steer(req, res, next) {
      state.requests.push(seen(req));
      if (state.requests.length > MOST_REQUESTS) state.requests.shift();
      if (state.latencyMs > 0) await sleep(state.latencyMs);
      const plan = take(answers, req.originalUrl);
      if (!plan) return next();
      const { status, body, headers = {} } = plan.answer;
      res.status(status).set(headers);
      if (body === undefined) res.end();
      else if (typeof body === 'string' || Buffer.isBuffer(body)) res.send(body);
      else res.json(body);
    },
    send(req, res, bytes) {
      res.set('content-length', String(bytes.length));
      if (!take(breaks, req.originalUrl)) return void res.end(bytes);
      // The half goes out first, so that the line breaks inside of the body.
      res.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => setImmediate(() => res.destroy()));
    },
  };
}

/** An account by its address. Errors: Error for an address that is nobody's. */
export function accountOf(accounts: SandboxAccount[], email: string): SandboxAccount {
  const account = accounts.find((candidate) => candidate.email === email);
  if (!account) throw new Error(`The stand-in has no account ${email}.`);
  return account;
}

/** Handlers in order; what none of them answers, and what fails in them, is refused in the vendor's manner. */
export function appOf(
  handlers: RequestHandler[],
  refuse: { unknown(req: Request, res: Response): void; fault(res: Response, message: string): void },
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(...handlers);
  app.use((req: Request, res: Response) => refuse.unknown(req, res));
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error);
    refuse.fault(res, error instanceof Error ? error.message : 'Internal Error');
  });
  return app;
}

/** Serves on loopback; port 0 is any free one. Gives the address and how to end it at once. */
export async function listen(app: RequestListener, port = 0): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(app);
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', done);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
