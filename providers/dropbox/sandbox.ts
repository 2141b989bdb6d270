/**
 * Of the accounts' storage, Dropbox shows: My Drive as the person's own Dropbox; folders and files shared with the person mounted
 * in it; shared drives as folders of a team space; native documents as `.paper` (exported as HTML or Markdown), sheets and slides
 * as `.gsheet` and `.gslides` (exported to Office), forms without an export, shortcuts as symbolic links. A file whose owner has
 * switched off downloading has restricted content; a folder like that is listed but cannot be opened.
 */
import { randomBytes } from 'node:crypto';
import type { RequestHandler } from 'express';
import { createBell, type MadeCall } from '../sandbox/bell.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { accountOf, appOf, createStandIn, listen, type StandInState } from '../sandbox/stand-in.ts';
import { createTokenMint } from '../sandbox/token-mint.ts';
import { createSandboxApi } from './sandbox-api.ts';
import { Refusal, sendRefusal } from './sandbox-args.ts';
import { createSandboxOauth, DROPBOX } from './sandbox-oauth.ts';
import { createTrees, type Seen } from './sandbox-tree.ts';
import { createSandboxWebhooks } from './sandbox-webhooks.ts';

/** What tests see and steer; of a request `path` is with its query, `arg` and `pathRoot` are as those headers came. */
export type DropboxSandboxState = StandInState<{ method: string; path: string; arg?: string; pathRoot?: string }> & {
  /** E-mail addresses of the accounts whose grants were ended, in order. */
  revoked: string[];
  /** Pages as odd as Dropbox allows: one entry more than asked for, and an empty page after each. */
  oddPages: boolean;
  /** Tokens as after a consent to everything, or to `scopes`. */
  issue(email: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only access tokens issued later are accepted. */
  expireTokens(): void;
  /** Registers an address for calls in the App Console, if it echoes a challenge; false if it does not. */
  registerWebhook(uri: string): Promise<boolean>;
  /** Every call made to such addresses. */
  calls: MadeCall[];
};

export type DropboxSandbox = {
  url: string;
  /** Variables that point the hub at this stand-in. */
  env: Record<string, string>;
  state: DropboxSandboxState;
  close(): Promise<void>;
};

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
  const { accounts, appKey, appSecret, port, signingKey } = options;
  const mint = createTokenMint({
    vendor: 'dropbox',
    signingKey,
    prefixes: { access: 'sl.u.', refresh: 'r-', page: 'AA' },
  });
  const revoked: string[] = [];
  const oauth = createSandboxOauth({ accounts, appKey, appSecret, mint, revoked });
  const trees = createTrees();
  const seenBy = (accountId: string): Seen | undefined => {
    const account = accounts.find(({ id }) => id === accountId);
    return account && trees(account);
  };
  const bell = createBell();
  const webhooks = createSandboxWebhooks({ appSecret, bell, vendor: DROPBOX, seenBy });
  const standIn = createStandIn(accounts, (req) => ({
    method: req.method,
    path: req.originalUrl,
    arg: req.get('dropbox-api-arg'),
    pathRoot: req.get('dropbox-api-path-root'),
  }));
  const state: DropboxSandboxState = Object.assign(standIn.state, {
    revoked,
    oddPages: false,
    issue: (email: string, scopes?: string[]) => oauth.issue(accountOf(accounts, email).id, scopes),
    expireTokens: () => oauth.expireTokens(),
    registerWebhook: (uri: string) => webhooks.register(uri),
    calls: bell.calls,
  });
  const api = createSandboxApi({
    mint,
    grantOf(req) {
      const grant = oauth.grantOf(req);
      webhooks.joined(grant.accountId);
      return grant;
    },
    seenBy(accountId) {
      const seen = seenBy(accountId);
      if (!seen) throw new Refusal(401, { '.tag': 'invalid_access_token' });
      return seen;
    },
    endGrant(grant) {
      oauth.endGrant(grant);
      webhooks.left(grant.accountId);
    },
    oddPages: () => state.oddPages,
    send: standIn.send,
  });
  const named: RequestHandler = (_req, res, next) => {
    res.set('x-dropbox-request-id', randomBytes(16).toString('hex'));
    next();
  };
  const app = appOf([named, standIn.steer, oauth.router, webhooks.router, api], {
    unknown: (req, res) => sendRefusal(res, new Refusal(404, `The stand-in has no ${req.method} ${req.path}.`)),
    fault: (res, message) => sendRefusal(res, new Refusal(500, message)),
  });
  const { url, close } = await listen(app, port);
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
      bell.close();
      await close();
    },
  };
}
