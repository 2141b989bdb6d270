/**
 * Of the accounts' storage, Dropbox shows: My Drive as the person's own Dropbox; folders and files shared with the person mounted
 * in it; shared drives as folders of a team space; native documents as `.paper` (exported as HTML or Markdown), sheets and slides
 * as `.gsheet` and `.gslides` (exported to Office), forms without an export, shortcuts as symbolic links. A file whose owner has
 * switched off downloading has restricted content; a folder like that is listed but cannot be opened.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { createSandboxApi } from './sandbox-api.ts';
import { Refusal, sendRefusal } from './sandbox-args.ts';
import { createSandboxOauth } from './sandbox-oauth.ts';
import { createDropboxMint } from './sandbox-tokens.ts';
import { createTrees } from './sandbox-tree.ts';

export type PlannedAnswer = { status: number; body?: unknown; headers?: Record<string, string> };

/** What tests see and steer. */
export type DropboxSandboxState = {
  /** May be changed at any time; the next request sees it. */
  accounts: SandboxAccount[];
  /** E-mail addresses of the accounts whose grants were ended, in order. */
  revoked: string[];
  /** Every request, in order; `path` with its query, `arg` and `pathRoot` as those headers came. */
  requests: { method: string; path: string; arg?: string; pathRoot?: string }[];
  /** Answers the next `times` (1) requests whose path with its query matches in this way instead. */
  failNext(match: (path: string) => boolean, response: PlannedAnswer, times?: number): void;
  /** The next `times` (1) downloads or exports whose path matches break off in the middle. */
  truncateNext(match?: (path: string) => boolean, times?: number): void;
  /** Every answer waits this long. */
  latencyMs: number;
  /** Pages as odd as Dropbox allows: one entry more than asked for, and an empty page after each. */
  oddPages: boolean;
  /** Tokens as after a consent to everything, or to `scopes`. */
  issue(email: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only access tokens issued later are accepted. */
  expireTokens(): void;
};

export type DropboxSandbox = {
  url: string;
  /** Variables that point the hub at this stand-in. */
  env: Record<string, string>;
  state: DropboxSandboxState;
  close(): Promise<void>;
};

/** Of the requests remembered: a demo may run for weeks. */
const MOST_REQUESTS = 20_000;

/**
 * Starts a stand-in for Dropbox on 127.0.0.1, as strict as Dropbox about what it is sent.
 * With the same `signingKey`, tokens stay valid across restarts; without one they end with the process.
 */
export async function startDropboxSandbox(options: {
  accounts: SandboxAccount[];
  appKey: string;
  appSecret: string;
  /** 0 or absent: any free port. */
  port?: number;
  signingKey?: string;
}): Promise<DropboxSandbox> {
  type Plan<T> = { match: (path: string) => boolean; left: number } & T;
  const answers: Plan<{ answer: PlannedAnswer }>[] = [];
  const breaks: Plan<object>[] = [];
  const take = <T extends Plan<object>>(plans: T[], path: string): T | undefined => {
    const plan = plans.find(({ left, match }) => left > 0 && match(path));
    if (plan) plan.left -= 1;
    return plan;
  };
  const { accounts, appKey, appSecret } = options;
  const mint = createDropboxMint(options.signingKey ?? randomBytes(32).toString('hex'));
  const revoked: string[] = [];
  const requests: DropboxSandboxState['requests'] = [];
  const oauth = createSandboxOauth({ accounts, appKey, appSecret, mint, revoked });
  const state: DropboxSandboxState = {
    accounts,
    revoked,
    requests,
    latencyMs: 0,
    oddPages: false,
    failNext: (match, answer, times = 1) => void answers.push({ match, answer, left: times }),
    truncateNext: (match = () => true, times = 1) => void breaks.push({ match, left: times }),
    issue(email, scopes) {
      const account = accounts.find((candidate) => candidate.email === email);
      if (!account) throw new Error(`The stand-in has no account ${email}.`);
      return oauth.issue(account.id, scopes);
    },
    expireTokens: () => oauth.expireTokens(),
  };

  const send = (req: Request, res: Response, bytes: Buffer): void => {
    res.set('content-length', String(bytes.length));
    if (!take(breaks, req.originalUrl)) {
      res.end(bytes);
      return;
    }
    // The half goes out first, so that the line breaks inside of the body.
    res.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => setImmediate(() => res.destroy()));
  };
  const trees = createTrees();
  const seenBy = (accountId: string) => {
    const account = accounts.find(({ id }) => id === accountId);
    if (!account) throw new Refusal(401, { '.tag': 'invalid_access_token' });
    return trees(account);
  };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(async (req: Request, res: Response, next: NextFunction) => {
    requests.push({
      method: req.method,
      path: req.originalUrl,
      arg: req.get('dropbox-api-arg'),
      pathRoot: req.get('dropbox-api-path-root'),
    });
    if (requests.length > MOST_REQUESTS) requests.shift();
    res.set('x-dropbox-request-id', randomBytes(16).toString('hex'));
    if (state.latencyMs > 0) await delay(state.latencyMs);
    const plan = take(answers, req.originalUrl);
    if (!plan) return next();
    const { status, body, headers = {} } = plan.answer;
    res.status(status).set(headers);
    if (body === undefined) res.end();
    else if (typeof body === 'string' || Buffer.isBuffer(body)) res.send(body);
    else res.json(body);
  });
  app.use(oauth.router);
  app.use(
    createSandboxApi({
      mint,
      grantOf: (req) => oauth.grantOf(req),
      seenBy,
      endGrant: (grant) => oauth.endGrant(grant),
      oddPages: () => state.oddPages,
      send,
    }),
  );
  app.use((req: Request, res: Response) =>
    sendRefusal(res, new Refusal(404, `The stand-in has no ${req.method} ${req.path}.`)),
  );
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error);
    sendRefusal(res, new Refusal(500, error instanceof Error ? error.message : 'Internal Server Error'));
  });

  const server = createServer(app);
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(options.port ?? 0, '127.0.0.1', done);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: {
      DROPBOX_APP_KEY: appKey,
      DROPBOX_APP_SECRET: appSecret,
      DROPBOX_AUTH_URL: `${url}/oauth2/authorize`,
      DROPBOX_TOKEN_URL: `${url}/oauth2/token`,
      DROPBOX_API_URL: url,
      DROPBOX_CONTENT_URL: url,
    },
    state,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
