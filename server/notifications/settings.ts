import { z } from 'zod';
import { Secret } from '../secret.ts';

/** `always`: TLS from the start. `starttls`: nothing is said before TLS. `optional`: TLS where it is offered. `never`: to this machine only. */
export type MailTls = 'always' | 'starttls' | 'optional' | 'never';

/** The operator's mail server, and whom mails come from. */
export type MailConfig = {
  host: string;
  port: number;
  tls: MailTls;
  user?: string;
  password?: Secret;
  from: { name: string; address: string };
};

/** Where events are posted. Every secret signs, so that one can be replaced by another. */
export type WebhookConfig = { url: string; secrets: Secret[] };

/** What Standard Webhooks allows for a secret. */
const SECRET_BYTES = { min: 24, max: 64 };

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** `smtp://user:password@host:587` or `smtps://…`; the one option is `requireTLS=false`. */
export const smtpUrl = z.string().transform((value, issues): Omit<MailConfig, 'from'> => {
  const server = readSmtpUrl(value);
  if (server) return server;
  issues.addIssue({ code: 'custom' });
  return z.NEVER;
});

function readSmtpUrl(value: string): Omit<MailConfig, 'from'> | undefined {
  try {
    const url = new URL(value);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
    const secure = url.protocol === 'smtps:';
    const plainAllowed = url.search === '?requireTLS=false';
    if (!secure && url.protocol !== 'smtp:') return undefined;
    if (!/^[a-z0-9.:_-]+$/.test(host) || !/^\/?$/.test(url.pathname) || url.hash) return undefined;
    if (url.search && (secure || !plainAllowed)) return undefined;
    if (Boolean(url.username) !== Boolean(url.password)) return undefined;
    return {
      host,
      port: Number(url.port) || (secure ? 465 : 587),
      tls: secure ? 'always' : isLoopback(host) ? 'never' : plainAllowed ? 'optional' : 'starttls',
      user: url.username ? decodeURIComponent(url.username) : undefined,
      password: url.password ? new Secret(decodeURIComponent(url.password)) : undefined,
    };
  } catch {
    return undefined;
  }
}

/** `hub@example.com` or `Tributary <hub@example.com>`. */
export const mailFrom = z
  .string()
  .regex(/^[^\r\n]*$/)
  .transform((value) => {
    const [, name = '', address = ''] = /^(?:"?([^"<>]*?)"?\s*<([^<>]+)>)$/.exec(value.trim()) ?? [];
    return address ? { name: name.trim(), address } : { name: 'Tributary', address: value.trim() };
  })
  .refine(({ address }) => z.email().safeParse(address).success);

/** An http or https address; user names and passwords in it would not be sent. */
export const webhookUrl = z.url({ protocol: /^https?$/ }).refine((value) => {
  if (!URL.canParse(value)) return false;
  const { username, password, hash } = new URL(value);
  return !username && !password && !hash;
});

/** `whsec_` and base64, comma-separated. */
export const webhookSecrets = z.string().transform((value, issues) => {
  const secrets = value.split(',').map((part) => part.trim());
  if (secrets.every(isWebhookSecret)) return secrets.map((secret) => new Secret(secret));
  issues.addIssue({ code: 'custom' });
  return z.NEVER;
});

function isWebhookSecret(value: string): boolean {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value)?.[1];
  if (base64 === undefined || base64.length % 4 !== 0) return false;
  const { length } = Buffer.from(base64, 'base64');
  return length >= SECRET_BYTES.min && length <= SECRET_BYTES.max;
}
