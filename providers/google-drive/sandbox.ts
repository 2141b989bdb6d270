import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { createSandboxDrive, sendRefusal } from './sandbox-drive.ts';
import { createSandboxOauth } from './sandbox-oauth.ts';
import { createSandboxStore } from './sandbox-store.ts';
import { createTokenMint } from './sandbox-tokens.ts';

export type PlannedAnswer = { status: number; body?: unknown; headers?: Record<string, string> };

/** What tests see and steer. */
export type GoogleSandboxState = {
  /** May be changed at any time; the next request sees it. */
  accounts: SandboxAccount[];
  /** E-mail addresses of the accounts whose grants were ended, in order. */
  revoked: string[];
  /** Every request, in order; `path` with its query. */
  requests: { method: string; path: string }[];
  /** Answers the next `times` (1) requests whose path with its query matches in this way instead. */
  failNext(match: (path: string) => boolean, response: PlannedAnswer, times?: number): void;
  /** Tokens as after a consent to everything, or to `scopes`. */
  issue(email: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only access tokens issued later are accepted. */
  expireAccessTokens(): void;
};

export type GoogleSandbox = {
  url: string;
  /** Variables that point the hub at this stand-in. */
  env: Record<string, string>;
  state: GoogleSandboxState;
  close(): Promise<void>;
};

/** Of the requests remembered: a demo may run for weeks. */
const MOST_REQUESTS = 20_000;

/**
 * Starts a stand-in for Google's accounts and Drive on 127.0.0.1, as strict as Google about what it is sent.
 * With the same `signingKey`, tokens stay valid across restarts; without one they end with the process.
 */
export async function startGoogleSandbox(options: {
  accounts: SandboxAccount[];
  clientId: string;
  clientSecret: string;
  /** 0 or absent: any free port. */
  port?: number;
  signingKey?: string;
}): Promise<GoogleSandbox> {
  let url = '';
  const plans: { match: (path: string) => boolean; answer: PlannedAnswer; left: number }[] = [];
  const { accounts } = options;
  const mint = createTokenMint(options.signingKey ?? randomBytes(32).toString('hex'));
  const revoked: string[] = [];
  const requests: GoogleSandboxState['requests'] = [];
  const oauth = createSandboxOauth({
    accounts,
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    mint,
    revoked,
  });
  const state: GoogleSandboxState = {
    accounts,
    revoked,
    requests,
    failNext: (match, answer, times = 1) => void plans.push({ match, answer, left: times }),
    issue(email, scopes) {
      const account = accounts.find((candidate) => candidate.email === email);
      if (!account) throw new Error(`The stand-in has no account ${email}.`);
      return oauth.issue(account.id, scopes);
    },
    expireAccessTokens: () => oauth.expireAccessTokens(),
  };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((req: Request, res: Response, next: NextFunction) => {
    requests.push({ method: req.method, path: req.originalUrl });
    if (requests.length > MOST_REQUESTS) requests.shift();
    const plan = plans.find(({ left, match }) => left > 0 && match(req.originalUrl));
    if (!plan) return next();
    plan.left -= 1;
    const { status, body, headers = {} } = plan.answer;
    res.status(status).set(headers);
    if (body === undefined) res.end();
    else if (typeof body === 'string' || Buffer.isBuffer(body)) res.send(body);
    else res.json(body);
  });
  app.use(oauth.router);
  app.use(
    createSandboxDrive({ store: createSandboxStore(accounts, () => url), mint, grantOf: (req) => oauth.grantOf(req) }),
  );
  app.use((req: Request, res: Response) =>
    sendRefusal(res, { status: 404, reason: 'notFound', message: `The stand-in has no ${req.method} ${req.path}.` }),
  );
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error);
    const message = error instanceof Error ? error.message : 'Internal Error';
    sendRefusal(res, { status: 500, reason: 'internalError', message });
  });

  const server = createServer(app);
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(options.port ?? 0, '127.0.0.1', done);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: {
      GOOGLE_CLIENT_ID: options.clientId,
      GOOGLE_CLIENT_SECRET: options.clientSecret,
      GOOGLE_AUTH_URL: `${url}/o/oauth2/v2/auth`,
      GOOGLE_TOKEN_URL: `${url}/token`,
      GOOGLE_REVOKE_URL: `${url}/revoke`,
      GOOGLE_USERINFO_URL: `${url}/oauth2/v3/userinfo`,
      GOOGLE_API_URL: url,
    },
    state,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
