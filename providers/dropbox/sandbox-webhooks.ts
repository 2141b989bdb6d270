import { createHmac, randomBytes } from 'node:crypto';
import express, { type Router } from 'express';
import { escapeHtml } from '../escape-html.ts';
import { mayBeCalled, type Bell } from '../sandbox/bell.ts';
import { createChangeLog } from '../sandbox/change-log.ts';
import { signInHeaders } from '../sandbox/consent-desk.ts';
import { standInPage, type ConsentVendor } from '../sandbox/consent-page.ts';
import { userIdOf, type Node, type Seen } from './sandbox-tree.ts';

const CONSOLE = '/developers/apps';

export type SandboxWebhooks = {
  /** The App Console's page, `/developers/apps`, on which people register addresses, as in a demo. */
  router: Router;
  /** Addresses that are registered. */
  uris: Set<string>;
  /** Registers an address, if it echoes a challenge; false if it does not. */
  register(uri: string): Promise<boolean>;
  /** An account uses the app: its changes are told from now on. */
  joined(accountId: string): void;
  /** It does not any more. */
  left(accountId: string): void;
};

/** Calls the app's addresses when something changes in the Dropbox of an account that uses the app; says which account, not what. */
export function createSandboxWebhooks(deps: {
  appSecret: string;
  bell: Bell;
  vendor: ConsentVendor;
  /** Undefined for an account that is not there any more. */
  seenBy: (accountId: string) => Seen | undefined;
}): SandboxWebhooks {
  const { appSecret, bell, vendor, seenBy } = deps;
  const uris = new Set<string>();
  const using = new Map<string, (() => void) | undefined>();

  const tell = async (accountId: string): Promise<void> => {
    const account = seenBy(accountId)?.accountId;
    if (account === undefined) return;
    // With spaces, as Dropbox writes it.
    const body = `{"list_folder": {"accounts": ["${account}"]}, "delta": {"users": [${userIdOf(accountId)}]}}`;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'DropboxWebhooks/1.0',
      'x-dropbox-signature': createHmac('sha256', appSecret).update(body).digest('hex'),
    };
    await Promise.all([...uris].map((uri) => bell.call(uri, { headers, body })));
  };

  /** Nothing is compared as long as nobody is to be called. */
  const listen = (accountId: string): void => {
    if (uris.size === 0 || using.get(accountId)) return;
    const see = (): Map<string, Node> => {
      const seen = seenBy(accountId);
      const nodes = [seen?.home, seen?.root].flatMap((tree) =>
        [...(tree?.byLower ?? [])].map(([path, node]): [string, Node] => [`${tree?.namespaceId}${path}`, node]),
      );
      return new Map(nodes);
    };
    const log = createChangeLog(see, ({ id, path, file }) => JSON.stringify([id, path, file?.version]));
    using.set(
      accountId,
      bell.watch(
        () => log.position(),
        () => tell(accountId),
      ),
    );
  };

  const register = async (uri: string): Promise<boolean> => {
    if (!mayBeCalled(uri)) return false;
    const challenge = `${randomBytes(24).toString('base64url')} <&+%>`;
    const address = `${uri}${uri.includes('?') ? '&' : '?'}challenge=${encodeURIComponent(challenge)}`;
    const { status, text, headers } = await bell.call(address, { method: 'GET' });
    const isPlain = /^text\/plain\b/.test(headers.get('content-type') ?? '');
    if (status !== 200 || text !== challenge || !isPlain) return false;
    uris.add(uri);
    for (const accountId of using.keys()) listen(accountId);
    return true;
  };

  const page = (problem?: string): string =>
    standInPage(
      vendor,
      'App Console',
      `<h1>App Console: webhooks</h1>
${problem === undefined ? '' : `<p role="alert">${escapeHtml(problem)}</p>`}
<fieldset><legend>Webhook URIs</legend><ul>${[...uris].map((uri) => `<li><span>${escapeHtml(uri)}</span></li>`).join('\n')}</ul></fieldset>
<form method="post">
<label for="uri" style="display: block">Webhook URI</label>
<p style="margin-top: 0"><input id="uri" name="uri" type="url" required style="width: 100%; min-height: 2.75rem; font: inherit"></p>
<div class="actions"><button class="primary" type="submit">Add</button></div>
</form>`,
    );

  const router = express.Router();
  router.use(CONSOLE, signInHeaders);
  router.get(CONSOLE, (_req, res) => void res.type('html').send(page()));
  router.post(CONSOLE, express.urlencoded({ extended: false }), async (req, res) => {
    const { uri = '' } = req.body as { uri?: string };
    if (await register(String(uri))) return res.redirect(303, CONSOLE);
    res.status(400).type('html').send(page('This address did not answer with the challenge.'));
  });

  return {
    router,
    uris,
    register,
    joined(accountId) {
      if (!using.has(accountId)) using.set(accountId, undefined);
      listen(accountId);
    },
    left(accountId) {
      using.get(accountId)?.();
      using.delete(accountId);
    },
  };
}
