import { expect } from 'chai';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import {
  SMTP_PASSWORD,
  startMailServer,
  startWebhookReceiver,
  WEBHOOK_SECRET,
  type MailServer,
  type WebhookReceiver,
} from '../helpers/receivers.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

type Row = { channel: string; state: string; attempts: number; problem: string | null };

onOneDatabase('a notification on its way', (open) => {
  let hub: TestHub;
  let admin: Visitor;
  let member: Visitor;
  let mail: MailServer;
  let hook: WebhookReceiver;
  let integration: Integration;
  before(async () => {
    [mail, hook] = await Promise.all([startMailServer(), startWebhookReceiver()]);
    hub = await startHub({ database: await open(), env: { ...mail.env, ...hook.env, LOG_LEVEL: 'trace' } });
    admin = await signInAs(hub.url, 'admin@example.com');
    member = await signInAs(hub.url, 'member@example.com');
  });
  after(async () => {
    await hub.close();
    await Promise.all([mail.close(), hook.close()]);
  });
  beforeEach(async () => {
    integration = await connectGoogle(hub, hub.admin);
    await hub.context.database.knex('notifications').delete();
    mail.mails.length = hook.received.length = 0;
  });

  const knex = () => hub.context.database.knex;
  const die = () => hub.context.credentials.giveUp(integration, 'Reconnect the account.').catch(() => undefined);
  const row = async (channel: string): Promise<Row | undefined> =>
    (await knex()('notification_deliveries').where({ channel }).first()) as Row | undefined;
  const reached = (channel: string, state: string): Promise<Row> =>
    waitFor(`${channel} to be ${state}`, async () => {
      const found = await row(channel);
      return found?.state === state && found;
    });
  const firstFailure = (channel: string): Promise<Row> =>
    waitFor(`the first attempt of ${channel}`, async () => {
      const found = await row(channel);
      return found !== undefined && found.problem !== null && found;
    });
  const shown = async (visitor: Visitor): Promise<string> =>
    (await visitor.get('/admin/notifications')).html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

  it('is tried again when the receiver fails, under the same id and signed anew', async () => {
    hook.answerNext(500);
    await die();
    const failed = await firstFailure('webhook');
    expect(failed).to.include({ state: 'waiting', attempts: 1 });
    expect(failed.problem).to.equal(`${new URL(hook.url).host} answered 500.`);
    expect(await shown(admin)).to.match(/Webhook Waiting \S+ answered 500\. Tried again at \d+ \w+ \d{4}/);
    expect(await reached('webhook', 'sent')).to.include({ attempts: 2, problem: null });
    const [first, second, ...others] = hook.received;
    expect(others).to.deep.equal([]);
    expect(second?.id).to.equal(first?.id);
    expect(second?.event).to.deep.equal(first?.event);
    expect([first?.signed, second?.signed]).to.deep.equal([true, true]);
    expect(mail.mails).to.have.length(1);
    expect(await shown(admin))
      .to.contain('Webhook Sent')
      .and.to.contain('Mail Sent');
  });

  it('is given up after a day of attempts, and says so', async () => {
    hook.answerNext(503, { times: 2 });
    await die();
    await firstFailure('webhook');
    await knex()('notification_deliveries').where({ channel: 'webhook' }).update({ attempts: 8 });
    expect(await reached('webhook', 'failed')).to.include({ attempts: 9 });
    expect(await shown(admin)).to.match(/Webhook Given up \S+ answered 503\./);
    expect(hub.logs()).to.contain('a notification could not be delivered and is given up');
    expect((await admin.get('/admin/search')).html).to.contain('needs to be reconnected.');
  });

  it('is not sent to where the receiver redirects', async () => {
    hook.answerNext(307, { location: `${hook.url}/elsewhere` });
    await die();
    const failed = await firstFailure('webhook');
    expect(failed.problem).to.contain('answered 307, and redirects are not followed.');
    expect(hook.received).to.have.length(1);
    await reached('webhook', 'sent');
  });

  it('is tried again when the mail server is busy, and not when it refuses for good', async () => {
    mail.refuseNext(451);
    await die();
    const failed = await firstFailure('mail');
    expect(failed).to.include({ state: 'waiting', attempts: 1 });
    expect(failed.problem).to.match(/^The mail server 127\.0\.0\.1 did not take the mail: 451 /);
    expect(failed.problem).to.contain('[secret]');
    await reached('mail', 'sent');
    expect(mail.mails).to.have.length(1);
    expect(mail.mails[0]?.messageId).to.match(/^<[0-9a-f-]{36}@localhost>$|^<[0-9a-f-]{36}@127\.0\.0\.1>$/);
    await knex()('notifications').delete();
    await connectGoogle(hub, hub.admin);
    mail.refuseNext(550);
    await die();
    expect(await reached('mail', 'failed')).to.include({ attempts: 1 });
  });

  it('finds a worker again when its job was lost', async () => {
    hook.answerNext(500);
    await die();
    await firstFailure('webhook');
    await knex().raw(`delete from pgboss.job where name = 'notify' and state < 'active'`);
    await knex()('notification_deliveries')
      .where({ channel: 'webhook' })
      .update({ due_at: new Date(Date.now() - 3_600_000) });
    await hub.context.notifications.revive();
    await reached('webhook', 'sent');
    // What comes late would be taken for the next test's.
    await reached('mail', 'sent');
    await Promise.all([1, 2].map(() => hub.context.notifications.revive()));
    expect(hook.received).to.have.length(2);
  });

  it('can be tried out by admins, with the outcome at once', async () => {
    for (const channel of ['mail', 'webhook']) {
      expect(await admin.post('/admin/notifications/test', { channel })).to.include({
        status: 303,
        location: '/admin/notifications',
      });
      expect((await row(channel))?.state).to.equal('sent');
    }
    const page = await shown(admin);
    expect(page)
      .to.contain('The test mail was taken by the mail server.')
      .and.to.contain('The test of the webhook was accepted.');
    expect(page).to.contain('This is a test of the notifications of Tributary.');
    expect(hook.received[0]).to.deep.include({ signed: true });
    expect(hook.received[0]?.event).to.deep.include({ type: 'notification.test' });
    expect(mail.mails[0]).to.include({ subject: 'This is a test of the notifications of Tributary' });

    hook.answerNext(401);
    await admin.post('/admin/notifications/test', { channel: 'webhook' });
    expect(await shown(admin)).to.match(/The test of the webhook failed\. \S+ answered 401\./);
    expect(hook.received, 'a test is tried once').to.have.length(2);

    expect((await admin.post('/admin/notifications/test', { channel: 'pigeon' })).status).to.equal(400);
    expect((await admin.post('/admin/notifications/test', { channel: 'mail', _csrf: 'forged' })).status).to.equal(403);
    expect((await member.post('/admin/notifications/test', { channel: 'mail' })).status).to.equal(403);
    expect(await shown(member)).not.to.contain('Send a test');
  });

  it('is nobody else’s', async () => {
    await die();
    await reached('mail', 'sent');
    const { id } = (await knex()('notifications').first('id')) as { id: string };
    for (const page of ['/admin/notifications', '/admin/search', '/admin/integrations'])
      expect((await member.get(page)).html, page)
        .not.to.contain('Google Drive (')
        .and.not.to.contain(integration.accountEmail);
    expect((await member.post(`/admin/notifications/${id}/dismiss`)).status).to.equal(404);
    expect((await member.post('/admin/notifications/nonsense/dismiss')).status).to.equal(404);
    expect((await admin.get('/admin/search')).html).to.contain('needs to be reconnected');
    expect(mail.mails.flatMap(({ recipients }) => recipients)).to.deep.equal(['admin@example.com']);
  });

  it('leaves its secrets in no log, page or column', async () => {
    hook.answerNext(500);
    mail.refuseNext(451);
    await die();
    await reached('webhook', 'sent');
    await reached('mail', 'sent');
    const places = new Map([['the log', hub.logs()]]);
    for (const table of ['notifications', 'notification_deliveries', 'pgboss.job'])
      places.set(table, JSON.stringify(await knex()(table).select('*')));
    for (const [name, visitor] of Object.entries({ admin, member }))
      places.set(`the page of the ${name}`, (await visitor.get('/admin/notifications')).html);
    const secrets = [SMTP_PASSWORD, encodeURIComponent(SMTP_PASSWORD), WEBHOOK_SECRET, WEBHOOK_SECRET.slice(6)];
    for (const [place, text] of places) {
      expect(text.length, place).to.be.above(2);
      for (const secret of [...secrets, 'of-the-address'])
        expect(text.includes(secret), `${secret} in ${place}`).to.equal(false);
    }
    expect(places.get('the page of the admin')).to.contain(hook.url).and.to.contain('127.0.0.1');
  });
});

onOneDatabase('without mail server and webhook', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());

  it('people are told on the pages, and how to switch the others on', async () => {
    const visitor = await signInAs(hub.url, 'admin@example.com');
    const empty = (await visitor.get('/admin/notifications')).html;
    expect(empty).to.contain('Nothing to tell yet').and.to.contain('SMTP_URL and MAIL_FROM are not set');
    const integration = await connectGoogle(hub, hub.admin);
    await hub.context.credentials.giveUp(integration, 'Reconnect the account.').catch(() => undefined);
    expect((await visitor.get('/admin/search')).html).to.contain('needs to be reconnected.');
    await waitFor('it to be handed on', async () =>
      hub.context.database.knex('notifications').whereNotNull('routed_at').first('id'),
    );
    expect(await hub.context.database.knex('notification_deliveries')).to.deep.equal([]);
    for (const channel of ['mail', 'webhook'])
      expect((await visitor.post('/admin/notifications/test', { channel })).status).to.equal(400);
    const member = await signInAs(hub.url, 'member@example.com');
    expect((await member.get('/admin/notifications')).html).not.to.contain('SMTP_URL');
  });

  it('the list goes on page by page', async () => {
    const rows = Array.from({ length: 35 }, (_, at) => ({
      user_id: hub.member.id,
      event: 'notification.test',
      subject: 'test',
      mail: false,
      created_at: new Date(Date.UTC(2026, 0, 1, 0, at)),
      routed_at: new Date(),
      resolved_at: new Date(),
    }));
    await hub.context.database.knex('notifications').insert(rows);
    const visitor = await signInAs(hub.url, 'member@example.com');
    const first = (await visitor.get('/admin/notifications')).html;
    expect(first.match(/<h3>This is a test/g)).to.have.length(30);
    const next = /href="([^"]+)" rel="next"/.exec(first)?.[1] ?? '';
    const second = (await visitor.get(next)).html;
    expect(second.match(/<h3>This is a test/g)).to.have.length(5);
    expect(second).to.contain('1 Jan 2026, 00:00 UTC').and.to.contain('First page').and.not.to.contain('rel="next"');
  });
});
