import { expect } from 'chai';
import { ConfigError, parseConfig, type Env } from '../../server/config.ts';
import { hostsOf } from '../../server/egress/egress.ts';
import { sign } from '../../server/notifications/webhook.ts';
import { Secret } from '../../server/secret.ts';
import { WEBHOOK_SECRET } from '../helpers/receivers.ts';

const FROM = { MAIL_FROM: 'Tributary <hub@example.com>' };
const HOOK = { WEBHOOK_URL: 'https://hooks.example.com/tributary', WEBHOOK_SECRET };

function problemsOf(env: Env): string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
const mailOf = (SMTP_URL: string) => parseConfig({ SMTP_URL, ...FROM }).mail;

describe('the settings of notifications', () => {
  it('are off where nothing is set', () => {
    expect(parseConfig({})).to.include({ mail: undefined, webhook: undefined });
  });

  it('demand TLS of a mail server, except of one on this machine or where the operator says otherwise', () => {
    expect(mailOf('smtp://hub:p%40ss@mail.example.com')).to.deep.include({
      host: 'mail.example.com',
      port: 587,
      tls: 'starttls',
      user: 'hub',
      from: { name: 'Tributary', address: 'hub@example.com' },
    });
    expect(mailOf('smtp://hub:p%40ss@mail.example.com')?.password?.reveal()).to.equal('p@ss');
    expect(mailOf('smtps://hub:pass@mail.example.com')).to.include({ port: 465, tls: 'always' });
    expect(mailOf('smtp://mail.example.com:25?requireTLS=false')).to.include({ port: 25, tls: 'optional' });
    expect(mailOf('smtp://mail.example.com:25')).to.include({ user: undefined, password: undefined });
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
      expect(mailOf(`smtp://${host}:1025`), host).to.include({ tls: 'never', port: 1025 });
    expect(mailOf('smtp://127.0.0.1.example.com')).to.include({ tls: 'starttls' });
  });

  it('take the sender with or without a name', () => {
    const fromOf = (MAIL_FROM: string) => parseConfig({ SMTP_URL: 'smtps://mail.example.com', MAIL_FROM }).mail?.from;
    expect(fromOf('hub@example.com')).to.deep.equal({ name: 'Tributary', address: 'hub@example.com' });
    expect(fromOf('"The hub" <hub@example.com>')).to.deep.equal({ name: 'The hub', address: 'hub@example.com' });
  });

  it('are refused with variable, reason and example where they are malformed, and never repeated', () => {
    for (const url of [
      'mail.example.com',
      'http://mail.example.com',
      'smtp://',
      'smtp://hub@mail.example.com',
      'smtp://mail.example.com/path',
      'smtp://mail.example.com?tls.rejectUnauthorized=false',
      'smtps://mail.example.com?requireTLS=false',
      'smtp://hub:%zz-pass@mail.example.com',
    ]) {
      const problems = problemsOf({ SMTP_URL: url, ...FROM });
      expect(problems, url).to.have.length(1);
      expect(problems[0]).to.match(/^SMTP_URL: must be smtp:\/\//);
      expect(problems[0]).not.to.include('zz-pass');
    }
    for (const from of ['hub', 'Hub <hub>', 'a@example.com\r\nBcc: b@example.com', 'a@example.com, b@example.com'])
      expect(problemsOf({ SMTP_URL: 'smtps://mail.example.com', MAIL_FROM: from })[0], from).to.match(
        /^MAIL_FROM: .*example/,
      );
    for (const url of ['hooks.example.com', 'ftp://hooks.example.com', 'https://user:pass@hooks.example.com'])
      expect(problemsOf({ ...HOOK, WEBHOOK_URL: url })[0], url).to.match(/^WEBHOOK_URL: .*for example https:/);
    for (const secret of [
      'secret',
      'whsec_',
      'whsec_c2hvcnQ=',
      'whsec_not base64 at all, and long enough to be one',
      WEBHOOK_SECRET.slice('whsec_'.length),
      `${WEBHOOK_SECRET},whsec_c2hvcnQ=`,
    ]) {
      const problems = problemsOf({ ...HOOK, WEBHOOK_SECRET: secret });
      expect(problems[0], secret).to.match(/^WEBHOOK_SECRET: must be whsec_.*for example/);
      expect(problems.join()).not.to.include(secret === 'whsec_' || secret === 'secret' ? '\0' : secret);
    }
  });

  it('come in pairs', () => {
    expect(problemsOf({ SMTP_URL: 'smtps://mail.example.com' })).to.deep.equal([
      'SMTP_URL and MAIL_FROM: set both or neither',
    ]);
    expect(problemsOf({ WEBHOOK_SECRET })).to.deep.equal(['WEBHOOK_URL and WEBHOOK_SECRET: set both or neither']);
  });

  it('open the host of the webhook, and that port of it only', () => {
    expect(hostsOf(parseConfig(HOOK), []))
      .to.include('hooks.example.com:443')
      .and.not.to.include('hooks.example.com');
  });

  // Source: the test vector of https://docs.svix.com/receiving/verifying-payloads/how-manual and the libraries of Standard Webhooks.
  it('sign as Standard Webhooks does', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
    expect(sign(new Secret(['whsec', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'].join('_')), message)).to.equal(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });
});
