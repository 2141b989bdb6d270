import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { Env } from '../../server/config.ts';

/** Passwords that no page, log or column may show. */
export const SMTP_PASSWORD = 'mail password/42';
export const WEBHOOK_SECRET = `whsec_${Buffer.from('the key that events are signed with').toString('base64')}`;

export type MailServer = {
  env: Env;
  /** What came in, with the addresses of the envelope. */
  mails: (Email & { recipients: string[] })[];
  /** How often somebody has tried to sign in. */
  signIns(): number;
  /** The next mails are refused with this code. */
  refuseNext(code: number, times?: number): void;
  close(): Promise<void>;
};

/** A mail server on loopback that wants a sign-in. */
export async function startMailServer(): Promise<MailServer> {
  const mails: MailServer['mails'] = [];
  let refusals: number[] = [];
  let signIns = 0;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      signIns += 1;
      if (username === 'hub' && password === SMTP_PASSWORD) done(null, { user: 'hub' });
      else done(new Error('who are you'));
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const code = refusals.shift();
        if (code !== undefined)
          return done(Object.assign(new Error(`not now, ${SMTP_PASSWORD}`), { responseCode: code }));
        void PostalMime.parse(Buffer.concat(parts)).then((mail) => {
          mails.push({ ...mail, recipients: session.envelope.rcptTo.map(({ address }) => address) });
          done();
        });
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    env: {
      SMTP_URL: `smtp://hub:${encodeURIComponent(SMTP_PASSWORD)}@127.0.0.1:${port}`,
      MAIL_FROM: 'Tributary <hub@example.com>',
    },
    mails,
    signIns: () => signIns,
    refuseNext: (code, times = 1) => void (refusals = [...refusals, ...Array<number>(times).fill(code)]),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export type ReceivedEvent = {
  id: string;
  signed: boolean;
  event: { type: string; timestamp: string; data: Record<string, unknown> };
};

export type WebhookReceiver = {
  env: Env;
  url: string;
  /** Everything that came in, refused or not. */
  received: ReceivedEvent[];
  /** The next requests are answered so. */
  answerNext(status: number, options?: { times?: number; location?: string }): void;
  close(): Promise<void>;
};

/** A receiver on loopback that checks signatures as Standard Webhooks tells receivers to. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedEvent[] = [];
  const answers: { status: number; location?: string }[] = [];
  const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      const header = (name: string) => String(req.headers[`webhook-${name}`] ?? '');
      const content = `${header('id')}.${header('timestamp')}.${body}`;
      const expected = `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
      const isFresh = Math.abs(Date.now() / 1000 - Number(header('timestamp'))) < 60;
      received.push({
        id: header('id'),
        signed: isFresh && header('signature').split(' ').includes(expected),
        event: JSON.parse(body) as ReceivedEvent['event'],
      });
      const { status, location } = answers.shift() ?? { status: 204 };
      res.writeHead(status, location ? { location } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    env: { WEBHOOK_URL: `${url}/hook?key=of-the-address`, WEBHOOK_SECRET },
    url,
    received,
    answerNext: (status, { times = 1, location } = {}) =>
      void answers.push(...Array.from({ length: times }, () => ({ status, location }))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
