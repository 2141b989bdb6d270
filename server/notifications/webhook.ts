import { createHmac } from 'node:crypto';
import { EgressError, type Egress } from '../egress/egress.ts';
import { paths } from '../paths.ts';
import type { Secret } from '../secret.ts';
import { DeliveryError } from './delivery-error.ts';
import type { Notification } from './events.ts';
import type { WebhookConfig } from './settings.ts';

export type WebhookSender = {
  /** Posts a body; `id` is the same at every attempt. Errors: DeliveryError. */
  send(message: { id: string; body: string }): Promise<void>;
};

const TIMEOUT_MS = 15_000;
const PREFIX = 'whsec_';

/** The operator's receiver of events, by Standard Webhooks. Source: https://github.com/standard-webhooks/standard-webhooks, spec 1.0.0. */
export function createWebhookSender({ url, secrets }: WebhookConfig, egress: Egress): WebhookSender {
  const { host } = new URL(url);
  return {
    async send({ id, body }) {
      const timestamp = Math.floor(Date.now() / 1000);
      const signatures = secrets.map((secret) => sign(secret, { id, timestamp, body }));
      let response: Response;
      try {
        response = await egress.fetch(url, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.timeout(TIMEOUT_MS),
          headers: {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': String(timestamp),
            'webhook-signature': signatures.join(' '),
          },
          body,
        });
      } catch (error) {
        if (error instanceof EgressError) throw new DeliveryError(error.message, { cause: error });
        throw new DeliveryError(`${host} did not answer within ${TIMEOUT_MS / 1000} seconds.`);
      }
      await response.body?.cancel().catch(() => undefined);
      if (response.ok) return;
      const redirects = response.status >= 300 && response.status < 400;
      throw new DeliveryError(
        `${host} answered ${response.status}${redirects ? ', and redirects are not followed' : ''}.`,
      );
    },
  };
}

/** `v1,` and the base64 of HMAC-SHA256 over id, timestamp (seconds) and body. */
export function sign(secret: Secret, message: { id: string; timestamp: number; body: string }): string {
  const key = Buffer.from(secret.reveal().slice(PREFIX.length), 'base64');
  const { id, timestamp, body } = message;
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** A notification as the receiver gets it: type, time, and ids with what is told of them. */
export function composeWebhook(notification: Notification, baseUrl: string): string {
  const { event, payload, userId, integrationId, importId, createdAt } = notification;
  const path =
    importId !== undefined
      ? paths.import(importId)
      : integrationId !== undefined
        ? paths.integration(integrationId)
        : undefined;
  return JSON.stringify({
    type: event,
    timestamp: createdAt.toISOString(),
    data: { userId, integrationId, importId, ...payload, url: path && baseUrl + path },
  });
}
