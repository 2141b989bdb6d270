import { createBell, type MadeCall } from '../sandbox/bell.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { accountOf, appOf, createStandIn, listen, type StandInState } from '../sandbox/stand-in.ts';
import { createTokenMint } from '../sandbox/token-mint.ts';
import type { SandboxChannel } from './sandbox-channels.ts';
import { createSandboxDrive, sendRefusal } from './sandbox-drive.ts';
import { createSandboxOauth } from './sandbox-oauth.ts';
import { createSandboxStore } from './sandbox-store.ts';

/** What tests see and steer; `path` of a request is with its query. */
export type GoogleSandboxState = StandInState<{ method: string; path: string }> & {
  /** E-mail addresses of the accounts whose grants were ended, in order. */
  revoked: string[];
  /** Standing orders to call, by their ids. */
  channels: Map<string, SandboxChannel>;
  /** Every call made because of them. */
  calls: MadeCall[];
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
  const { accounts, clientId, clientSecret, port, signingKey } = options;
  let url = '';
  const revoked: string[] = [];
  const prefixes = { access: 'ya29.', refresh: '1//', page: '~!!~' };
  const mint = createTokenMint({ vendor: 'google', signingKey, prefixes });
  const oauth = createSandboxOauth({ accounts, clientId, clientSecret, mint, revoked });
  const { state, steer, send } = createStandIn(accounts, ({ method, originalUrl }) => ({ method, path: originalUrl }));
  const store = createSandboxStore(accounts, () => url);
  const bell = createBell();
  const drive = createSandboxDrive({
    store,
    mint,
    grantOf: (req) => oauth.grantOf(req),
    send,
    bell,
    baseUrl: () => url,
  });
  const app = appOf([steer, oauth.router, drive.router], {
    unknown: (req, res) =>
      sendRefusal(res, {
        status: 404,
        reason: 'notFound',
        message: `The stand-in has no ${req.method} ${req.path}.`,
      }),
    fault: (res, message) => sendRefusal(res, { status: 500, reason: 'internalError', message }),
  });
  const server = await listen(app, port);
  ({ url } = server);
  return {
    url,
    env: {
      GOOGLE_CLIENT_ID: clientId,
      GOOGLE_CLIENT_SECRET: clientSecret,
      GOOGLE_AUTH_URL: `${url}/o/oauth2/v2/auth`,
      GOOGLE_TOKEN_URL: `${url}/token`,
      GOOGLE_REVOKE_URL: `${url}/revoke`,
      GOOGLE_USERINFO_URL: `${url}/oauth2/v3/userinfo`,
      GOOGLE_API_URL: url,
    },
    state: Object.assign(state, {
      revoked,
      channels: drive.channels,
      calls: bell.calls,
      issue: (email: string, scopes?: string[]) => oauth.issue(accountOf(accounts, email).id, scopes),
      expireAccessTokens: () => oauth.expireAccessTokens(),
    }),
    async close() {
      bell.close();
      await server.close();
    },
  };
}
