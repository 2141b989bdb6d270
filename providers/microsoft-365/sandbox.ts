import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { createTokenMint } from '../google-drive/sandbox-tokens.ts';
import type { PlannedAnswer } from '../google-drive/sandbox.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { createSandboxDownloads } from './sandbox-downloads.ts';
import { createSandboxGraph } from './sandbox-graph.ts';
import { createSandboxOauth } from './sandbox-oauth.ts';
import { sendRefusal } from './sandbox-refusal.ts';
import { createSandboxStore } from './sandbox-store.ts';

/** What tests see and steer. */
export type MicrosoftSandboxState = {
  /** May be changed at any time; the next request sees it. */
  accounts: SandboxAccount[];
  /** Every request of both hosts, in order; `path` with its query. */
  requests: { method: string; path: string }[];
  /** Answers the next `times` (1) requests whose path with its query matches in this way instead. */
  failNext(match: (path: string) => boolean, response: PlannedAnswer, times?: number): void;
  /** Tokens as after a consent to everything, or to `scopes`; the refresh token is the vendor's own, not MSAL's cache. */
  issue(email: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only access tokens issued later are accepted. */
  expireTokens(): void;
  /** Ends all grants of an account, as its administrator can. */
  endGrants(email: string): void;
  /** Milliseconds that every answer is held back. */
  latencyMs: number;
  /** The next `times` (1) downloads break off half way. */
  truncateNext(times?: number): void;
};

export type MicrosoftSandbox = {
  url: string;
  /** Variables that point the hub at this stand-in. */
  env: Record<string, string>;
  state: MicrosoftSandboxState;
  close(): Promise<void>;
};

/** Of the requests remembered: a demo may run for weeks. */
const MOST_REQUESTS = 20_000;

/**
 * Starts a stand-in for Microsoft's sign-in and Graph on 127.0.0.1, as strict as Microsoft about what it is sent, and one for the
 * host that downloads are redirected to, on a port of its own.
 * With the same `signingKey`, tokens stay valid across restarts; without one they end with the process.
 */
export async function startMicrosoftSandbox(options: {
  accounts: SandboxAccount[];
  clientId: string;
  clientSecret: string;
  /** 0 or absent: any free port. */
  port?: number;
  signingKey?: string;
}): Promise<MicrosoftSandbox> {
  const { accounts, clientId, clientSecret } = options;
  let url = '';
  let downloadUrl = '';
  const plans: { match: (path: string) => boolean; answer: PlannedAnswer; left: number }[] = [];
  const mint = createTokenMint(options.signingKey ?? randomBytes(32).toString('hex'));
  const store = createSandboxStore(accounts);
  const oauth = createSandboxOauth({ accounts, clientId, clientSecret, mint, baseUrl: () => url });
  const accountOf = (email: string): SandboxAccount => {
    const account = accounts.find((candidate) => candidate.email === email);
    if (!account) throw new Error(`The stand-in has no account ${email}.`);
    return account;
  };
  let truncations = 0;
  const state: MicrosoftSandboxState = {
    accounts,
    requests: [],
    failNext: (match, answer, times = 1) => void plans.push({ match, answer, left: times }),
    issue: (email, scopes) => oauth.issue(accountOf(email).id, scopes),
    expireTokens: () => oauth.expireTokens(),
    endGrants: (email) => oauth.endGrants(accountOf(email).id),
    latencyMs: 0,
    truncateNext: (times = 1) => void (truncations += times),
  };

  const steered: RequestHandler = async (req, res, next) => {
    state.requests.push({ method: req.method, path: req.originalUrl });
    if (state.requests.length > MOST_REQUESTS) state.requests.shift();
    if (state.latencyMs > 0) await sleep(state.latencyMs);
    const plan = plans.find(({ left, match }) => left > 0 && match(req.originalUrl));
    if (!plan) return next();
    plan.left -= 1;
    const { status, body, headers = {} } = plan.answer;
    res.status(status).set(headers);
    if (body === undefined) res.end();
    else if (typeof body === 'string' || Buffer.isBuffer(body)) res.send(body);
    else res.json(body);
  };

  const api = appWith(
    steered,
    oauth.router,
    createSandboxGraph({
      accounts,
      store,
      mint,
      grantOf: (req) => oauth.grantOf(req),
      baseUrl: () => url,
      downloadUrl: () => downloadUrl,
    }),
  );
  const takeTruncation = (): boolean => truncations > 0 && (truncations -= 1) >= 0;
  const downloads = appWith(steered, createSandboxDownloads({ accounts, store, mint, takeTruncation }));
  const [apiServer, downloadServer] = [createServer(api), createServer(downloads)];
  url = await listen(apiServer, options.port ?? 0);
  downloadUrl = await listen(downloadServer, 0);
  return {
    url,
    env: {
      MICROSOFT_CLIENT_ID: clientId,
      MICROSOFT_CLIENT_SECRET: clientSecret,
      MICROSOFT_AUTHORITY_URL: url,
      MICROSOFT_GRAPH_URL: url,
      EGRESS_ALLOWED_HOSTS: new URL(downloadUrl).host,
    },
    state,
    async close() {
      await Promise.all([stop(apiServer), stop(downloadServer)]);
    },
  };
}

function appWith(...handlers: RequestHandler[]): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(...handlers);
  app.use((req: Request, res: Response) => {
    const message = `Resource not found for the segment '${req.method} ${req.path}'.`;
    sendRefusal(res, { status: 400, code: 'BadRequest', message });
  });
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error);
    const message = error instanceof Error ? error.message : 'Internal Error';
    sendRefusal(res, { status: 500, code: 'generalException', message });
  });
  return app;
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', done);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
}
