import { createTransport } from 'nodemailer';
import { DeliveryError } from './delivery-error.ts';
import type { Notification } from './events.ts';
import type { MailConfig } from './settings.ts';
import type { Told } from './words.ts';

export type Mailer = {
  /** Hands a mail to the server. Errors: DeliveryError. */
  send(mail: { messageId: string; to: string; subject: string; text: string }): Promise<void>;
  /** Connects and signs in, without sending. Errors: DeliveryError. */
  verify(): Promise<void>;
};

const TIMEOUTS = { dnsTimeout: 10_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };
const MAX_SUBJECT = 150;
const MAX_ANSWER = 200;

/** Mail by SMTP, one connection a message. */
export function createMailer(config: MailConfig): Mailer {
  const { host, port, tls, user, password, from } = config;
  const transport = createTransport({
    host,
    port,
    secure: tls === 'always',
    requireTLS: tls === 'starttls',
    // To this machine nothing is gained by TLS, and no certificate names it.
    ignoreTLS: tls === 'never',
    tls: { minVersion: 'TLSv1.2' },
    auth: user === undefined ? undefined : { user, pass: password?.reveal() ?? '' },
    disableFileAccess: true,
    disableUrlAccess: true,
    ...TIMEOUTS,
  });

  const guarded = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      throw toDeliveryError(error, config);
    }
  };

  return {
    send: ({ messageId, to, subject, text }) =>
      guarded(
        transport.sendMail({
          from,
          // As an object, so that it is one address whatever it looks like.
          to: { name: '', address: to },
          subject: oneLine(subject),
          text,
          messageId: `<${messageId}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
        }),
      ),
    verify: () => guarded(transport.verify()),
  };
}

/** A notification as a mail: plain text, with a link into the hub. */
export function composeMail(
  { createdAt }: Notification,
  { text, detail, link }: Told,
  baseUrl: string,
): { subject: string; text: string } {
  return {
    subject: text.replace(/\.$/, ''),
    text: [
      text,
      ...(detail ? [detail] : []),
      ...(link ? [`${link.label}: ${baseUrl}${link.href}`] : []),
      `-- \nTributary at ${baseUrl}, ${createdAt.toISOString()}`,
    ].join('\n\n'),
  };
}

/** A header is one line: what a vendor calls an account must not begin another. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line.length > MAX_SUBJECT ? `${line.slice(0, MAX_SUBJECT - 1)}…` : line;
}

const NETWORK = new Set(['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EDNS', 'EPROTOCOL', 'ECONNREFUSED', 'ECONNRESET']);

/** In our words; of the server's own only the answer to a message, for a sign-in's may repeat what was sent. */
function toDeliveryError(error: unknown, { host, password }: MailConfig): DeliveryError {
  const { code, responseCode, response, permanent } = error as {
    code?: string;
    responseCode?: number;
    response?: string;
    permanent?: boolean;
  };
  // The library's error is no cause: it carries the whole conversation.
  if (code === 'EAUTH' || code === 'ENOAUTH')
    return new DeliveryError(`The mail server ${host} refused the user name or password of SMTP_URL.`);
  if (code === 'ETLS')
    return new DeliveryError(`The connection to the mail server ${host} could not be encrypted, so nothing was sent.`);
  if (code !== undefined && NETWORK.has(code) && responseCode === undefined)
    return new DeliveryError(`The mail server ${host} could not be reached (${code}).`);
  if (responseCode === undefined) return new DeliveryError(`The mail could not be sent (${code ?? 'unknown error'}).`);
  const secret = password?.reveal();
  const said = oneLine(response ?? '').slice(0, MAX_ANSWER);
  return new DeliveryError(
    `The mail server ${host} did not take the mail: ${secret ? said.replaceAll(secret, '[secret]') : said}`,
    { final: permanent ?? responseCode >= 500 },
  );
}
