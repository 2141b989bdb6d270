import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { DropboxConfig } from '../../server/config.ts';
import { sameSecret } from '../constant-time.ts';
import { parseJson } from '../json.ts';
import type { WebhookCall, Webhooks, WebhookVerdict } from '../provider.ts';

/** Which accounts changed, not what. `delta` says the same by older ids. */
const notification = z.object({ list_folder: z.object({ accounts: z.array(z.unknown()) }).nullish() });

/**
 * Dropbox calls one address for all accounts of the app, which the operator registers by hand; calls are signed with the app's secret.
 * Source: https://www.dropbox.com/developers/reference/webhooks (2026).
 */
export const createDropboxWebhooks = ({ clientSecret }: Pick<DropboxConfig, 'clientSecret'>): Webhooks => ({
  address: 'app',
  setUp:
    'Dropbox calls the hub for all accounts at one address, BASE_URL/webhooks/dropbox. Enter it once in the Dropbox App Console: on the app’s tab Settings, under Webhooks, as a webhook URI.',
  receive: (call) => Promise.resolve(read(call, clientSecret?.reveal())),
});

function read({ method, query, headers, body }: WebhookCall, appSecret: string | undefined): WebhookVerdict {
  // Dropbox makes sure of the address before it takes it, and now and then afterwards.
  if (method === 'GET') return query.challenge ? { kind: 'handshake', text: query.challenge } : { kind: 'refused' };
  const given = headers['x-dropbox-signature'];
  // Over the bytes as they came: the same data in another spelling has another signature.
  const expected = appSecret && createHmac('sha256', appSecret).update(body).digest('hex');
  if (!expected || !sameSecret(given?.toLowerCase(), expected)) return { kind: 'refused' };
  const said = notification.safeParse(parseJson(body.toString())).data;
  if (!said) return { kind: 'refused' };
  const accounts = (said.list_folder?.accounts ?? []).filter((account) => typeof account === 'string');
  return { kind: 'news', accounts: [...new Set(accounts)] };
}
