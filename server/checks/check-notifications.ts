import type { Config } from '../config.ts';
import { createMailer } from '../notifications/mail.ts';
import { fail, ok, warn, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

/** Signs in to the mail server, where there is one; nothing is sent. */
export async function checkMail({ mail }: Config): Promise<Finding> {
  if (!mail) return ok('mail', 'is not sent; SMTP_URL is not set');
  try {
    await createMailer(mail).verify();
  } catch (error) {
    return fail(
      'mail',
      `${reasonOf(error)}. See that SMTP_URL is right and the server runs, or unset it and MAIL_FROM`,
    );
  }
  const sender = `${mail.host}, from ${mail.from.address}`;
  return mail.tls === 'optional'
    ? warn('mail', `is sent by ${sender}, without TLS where the server offers none: take requireTLS=false off SMTP_URL`)
    : ok('mail', `is sent by ${sender}, which answers`);
}

/** What can be told without posting anything. */
export function checkWebhook({ webhook }: Config): Finding {
  if (!webhook) return ok('webhook', 'is off; WEBHOOK_URL is not set');
  const { origin, protocol, hostname } = new URL(webhook.url);
  return protocol === 'http:' && hostname !== 'localhost' && hostname !== '127.0.0.1'
    ? warn('webhook', `events are posted to ${origin}, unencrypted: use https where it is not inside your own network`)
    : ok('webhook', `events are posted to ${origin}; it was not asked whether it takes them`);
}
