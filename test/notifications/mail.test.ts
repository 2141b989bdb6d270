import { expect } from 'chai';
import { parseConfig } from '../../server/config.ts';
import { DeliveryError } from '../../server/notifications/delivery-error.ts';
import { createMailer, type Mailer } from '../../server/notifications/mail.ts';
import type { MailConfig, MailTls } from '../../server/notifications/settings.ts';
import { Secret } from '../../server/secret.ts';
import { startMailServer, type MailServer } from '../helpers/receivers.ts';

describe('a mail', () => {
  let server: MailServer;
  before(async () => {
    server = await startMailServer();
  });
  after(() => server.close());

  function mailer(options: Partial<MailConfig> & { tls: MailTls }): Mailer {
    const { mail } = parseConfig(server.env);
    if (!mail) throw new Error('there is no mail server');
    return createMailer({ ...mail, ...options });
  }
  const mail = { messageId: 'one@hub.example.com', to: 'ada@example.com', subject: 'Hello', text: 'Hello.' };
  const failureOf = async (work: Promise<unknown>): Promise<DeliveryError> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof DeliveryError ? error : expect.fail(`it ended with ${String(error)}`);
  };

  it('is not sent, and nobody signs in, where TLS is demanded and not to be had', async () => {
    const seen = server.signIns();
    for (const tls of ['starttls', 'always'] as const) {
      const failure = await failureOf(mailer({ tls }).send(mail));
      expect(failure.final, tls).to.equal(false);
    }
    expect((await failureOf(mailer({ tls: 'starttls' }).verify())).message).to.equal(
      'The connection to the mail server 127.0.0.1 could not be encrypted, so nothing was sent.',
    );
    expect(server.signIns()).to.equal(seen);
    expect(server.mails).to.deep.equal([]);
  });

  it('says without the password why it was not sent', async () => {
    const wrong = await failureOf(mailer({ tls: 'never', password: new Secret('a wrong password') }).send(mail));
    expect(wrong.message).to.equal('The mail server 127.0.0.1 refused the user name or password of SMTP_URL.');
    expect(wrong.cause).to.equal(undefined);
  });

  it('goes to one address, under a subject of one line', async () => {
    await mailer({ tls: 'never' })
      .send({
        ...mail,
        subject: `Two\r\nlines: ${'x'.repeat(300)}`,
        to: '"a, b" <ada@example.com>, eve@example.com',
      })
      .catch(() => undefined);
    await mailer({ tls: 'never' }).send({ ...mail, subject: `Two\r\nlines: ${'x'.repeat(300)}` });
    expect(server.mails.flatMap(({ recipients }) => recipients)).to.not.include('eve@example.com');
    const sent = server.mails.at(-1);
    expect(sent?.subject).to.match(/^Two lines: x{138}…$/);
    expect(sent).to.include({ messageId: '<one@hub.example.com>' });
  });
});
