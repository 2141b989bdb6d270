import type { RequestHandler } from 'express';
import { createBell, type MadeCall } from '../sandbox/bell.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { accountOf, appOf, createStandIn, listen, type StandInState } from '../sandbox/stand-in.ts';
import { createTokenMint } from '../sandbox/token-mint.ts';
import { createSandboxDownloads } from './sandbox-downloads.ts';
import { createSandboxGraph } from './sandbox-graph.ts';
import { createSandboxOauth } from './sandbox-oauth.ts';
import { sendRefusal } from './sandbox-refusal.ts';
import { createSandboxStore } from './sandbox-store.ts';
import type { LifecycleEvent, SandboxSubscription } from './sandbox-subscriptions.ts';

/** What tests see and steer; the requests of both hosts stand in one list, `path` is with its query. */
export type MicrosoftSandboxState = StandInState<{ method: string; path: string }> & {
  /** Tokens as after a consent to everything, or to `scopes`; the refresh token is the vendor's own, not MSAL's cache. */
  issue(email: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only access tokens issued later are accepted. */
  expireTokens(): void;
  /** Ends all grants of an account, as its administrator can. */
  endGrants(email: string): void;
  /** Standing orders to call, by their ids. */
  subscriptions: Map<string, SandboxSubscription>;
  /** Every call made because of them. */
  calls: MadeCall[];
  /** Tells of what happens to a subscription itself; one that is told to be removed is. */
  sendLifecycle(id: string, event: LifecycleEvent): Promise<void>;
};

export type MicrosoftSandbox = {
  url: string;
  /** Variables that point the hub at this stand-in. */
  env: Record<string, string>;
  state: MicrosoftSandboxState;
  close(): Promise<void>;
};

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
  const { accounts, clientId, clientSecret, port, signingKey } = options;
  let url = '';
  let downloadUrl = '';
  const mint = createTokenMint({ vendor: 'microsoft', signingKey, prefixes: { access: 'EwB', refresh: '1.A' } });
  const store = createSandboxStore(accounts);
  const oauth = createSandboxOauth({ accounts, clientId, clientSecret, mint, baseUrl: () => url });
  const { state, steer, send } = createStandIn(accounts, ({ method, originalUrl }) => ({ method, path: originalUrl }));
  const bell = createBell();
  const graph = createSandboxGraph({
    accounts,
    store,
    mint,
    clientId,
    bell,
    grantOf: (req) => oauth.grantOf(req),
    baseUrl: () => url,
    downloadUrl: () => downloadUrl,
  });
  const api = await listen(appWith(steer, oauth.router, graph.router), port);
  const downloads = await listen(appWith(steer, createSandboxDownloads({ accounts, store, mint, send })));
  ({ url } = api);
  ({ url: downloadUrl } = downloads);
  return {
    url,
    env: {
      MICROSOFT_CLIENT_ID: clientId,
      MICROSOFT_CLIENT_SECRET: clientSecret,
      MICROSOFT_AUTHORITY_URL: url,
      MICROSOFT_GRAPH_URL: url,
      EGRESS_ALLOWED_HOSTS: new URL(downloadUrl).host,
    },
    state: Object.assign(state, {
      issue: (email: string, scopes?: string[]) => oauth.issue(accountOf(accounts, email).id, scopes),
      expireTokens: () => oauth.expireTokens(),
      endGrants: (email: string) => oauth.endGrants(accountOf(accounts, email).id),
      subscriptions: graph.subscriptions.all,
      calls: bell.calls,
      sendLifecycle: graph.subscriptions.sendLifecycle,
    }),
    async close() {
      bell.close();
      await Promise.all([api.close(), downloads.close()]);
    },
  };
}

const appWith = (...handlers: RequestHandler[]) =>
  appOf(handlers, {
    unknown: (req, res) =>
      sendRefusal(res, {
        status: 400,
        code: 'BadRequest',
        message: `Resource not found for the segment '${req.method} ${req.path}'.`,
      }),
    fault: (res, message) => sendRefusal(res, { status: 500, code: 'generalException', message }),
  });
