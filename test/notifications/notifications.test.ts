import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { VENDORS, type Vendor } from '../faults/vendors.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { isToken } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import {
  startMailServer,
  startWebhookReceiver,
  type MailServer,
  type ReceivedEvent,
  type WebhookReceiver,
} from '../helpers/receivers.ts';
import { connectScripted, createScriptedProvider, type ScriptedProvider } from '../helpers/scripted-provider.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

onOneDatabase('what happens', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let mail: MailServer;
  let hook: WebhookReceiver;
  before(async () => {
    [mail, hook] = await Promise.all([startMailServer(), startWebhookReceiver()]);
    hub = await startHub({ database: await open(), env: { ...mail.env, ...hook.env } });
    visitor = await signInAs(hub.url, 'admin@example.com');
  });
  after(async () => {
    await hub.close();
    await Promise.all([mail.close(), hook.close()]);
  });
  const forgetAll = async (): Promise<void> => {
    await allTold();
    await hub.context.database.knex('notifications').delete();
    mail.mails.length = hook.received.length = 0;
  };
  const disconnectAll = async (): Promise<void> => {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
    await forgetAll();
  };

  const banners = async (path = '/admin/search'): Promise<string[]> =>
    [...(await visitor.get(path)).html.matchAll(/<li class="banner">[^]*?<p>([^<]*)/g)].map(([, text = '']) =>
      text.trim(),
    );
  /** Ends when everything that was written has gone to all its channels. */
  const allTold = () =>
    waitFor('all to be told', async () => {
      const { knex } = hub.context.database;
      const open = await knex('notifications')
        .leftJoin('notification_deliveries', 'notification_id', 'notifications.id')
        .whereNull('routed_at')
        .orWhere({ state: 'waiting' })
        .first('notifications.id');
      return open === undefined;
    });
  const told = (type: string): ReceivedEvent[] => hook.received.filter(({ event }) => event.type === type);
  const subjects = (): (string | undefined)[] => mail.mails.map(({ subject }) => subject);

  describe('to an import', () => {
    let provider: ScriptedProvider;
    let integration: Integration;
    beforeEach(async () => {
      provider = createScriptedProvider({
        roots: [{ name: 'Ferries', below: ['One', 'Two', 'Three'].map((name) => ({ name, text: `${name} boat.` })) }],
        listsDeep: true,
        pageSize: 50,
      });
      integration = await connectScripted(hub, provider, hub.admin);
    });
    afterEach(disconnectAll);
    const start = async (): Promise<string> =>
      (
        await hub.context.imports.create(hub.admin, {
          items: [{ integrationId: integration.id, ref: provider.refOf('Ferries') }],
        })
      ).id;
    const fail = (...names: string[]): void =>
      names.forEach((name) => provider.failNext('open', name, new ProviderError('gone', 'confluence', 'It is gone.')));

    it('is told to the webhook alone when all went well', async () => {
      const id = await start();
      await finishedImport(hub, id);
      await allTold();
      expect(await banners()).to.deep.equal([]);
      expect(mail.mails).to.deep.equal([]);
      const [one, ...others] = hook.received;
      expect(others).to.deep.equal([]);
      expect(one?.signed).to.equal(true);
      expect(one?.id).to.match(/^msg_[0-9a-f-]{36}$/);
      const { type, timestamp, data } = one?.event ?? expect.fail('nothing came');
      expect(type).to.equal('import.finished');
      expect(new Date(timestamp).toISOString()).to.equal(timestamp);
      expect(data).to.deep.include({ importId: id, userId: hub.admin.id, kind: 'import', status: 'finished' });
      expect(data.counts).to.include({ total: 3, indexed: 3, failed: 0 });
      expect(data.url).to.equal(`${hub.url}/admin/imports/${id}`);
    });

    it('raises a banner and one mail when items failed, until they are in', async () => {
      fail('One', 'Two');
      const id = await start();
      await finishedImport(hub, id);
      await allTold();
      expect(await banners()).to.deep.equal(['2 items of an import failed.']);
      expect(await banners(`/admin/imports/${id}`), 'the page says it itself').to.deep.equal([]);
      const [sent, ...others] = mail.mails;
      expect(others).to.deep.equal([]);
      expect(sent).to.include({ subject: '2 items of an import failed' });
      expect(sent?.recipients).to.deep.equal(['admin@example.com']);
      expect(sent?.from).to.deep.include({ name: 'Tributary', address: 'hub@example.com' });
      expect(sent?.text).to.include(`${hub.url}/admin/imports/${id}?state=failed`).and.include('1 indexed, 2 failed.');
      expect(sent?.html).to.equal(undefined);
      expect(sent?.headers.find(({ key }) => key === 'auto-submitted')?.value).to.equal('auto-generated');
      expect(told('import.finished')[0]?.event.data.counts).to.include({ failed: 2 });

      fail('One');
      await hub.context.imports.retry(hub.admin, id);
      await finishedImport(hub, id);
      await allTold();
      expect(await banners()).to.deep.equal(['1 item of an import failed.']);
      await hub.context.imports.retry(hub.admin, id);
      await finishedImport(hub, id);
      await allTold();
      expect(await banners()).to.deep.equal([]);
      expect(mail.mails, 'who tries again by hand is not written to').to.have.length(1);
      expect(told('import.finished')).to.have.length(3);
    });

    it('stands no more when a later import has brought in what failed', async () => {
      fail('One', 'Two');
      await finishedImport(hub, await start());
      fail('Two');
      await finishedImport(hub, await start());
      expect(await banners()).to.have.length(2);
      await finishedImport(hub, await start());
      expect(await banners()).to.deep.equal([]);
    });

    it('is told of a cancelled one without asking for attention', async () => {
      provider.failNext(
        'list',
        'Ferries',
        new ProviderError('rate_limited', 'confluence', 'Wait.', { retryAt: soon() }),
      );
      const id = await start();
      await hub.context.imports.cancel(hub.admin, id);
      await allTold();
      expect(told('import.finished')[0]?.event.data).to.include({ status: 'cancelled', importId: id });
      expect(await banners()).to.deep.equal([]);
      expect(mail.mails).to.deep.equal([]);
    });

    it('can be dismissed by a form, which goes back to the page it stood on', async () => {
      fail('One');
      await finishedImport(hub, await start());
      const { html } = await visitor.get('/admin/documents?q=boat');
      const action = /action="(\/admin\/notifications\/[^"]+\/dismiss)"/.exec(html)?.[1] ?? '';
      const back = /name="return" value="([^"]+)"/.exec(html)?.[1] ?? '';
      expect(await visitor.post(action, { return: back })).to.include({
        status: 303,
        location: '/admin/documents?q=boat',
      });
      expect(await banners()).to.deep.equal([]);
      expect((await visitor.post(action, { return: 'https://evil.example' })).location).to.equal('/');
      const page = await visitor.get('/admin/notifications');
      expect(page.html).to.contain('1 item of an import failed.').and.to.contain('Dismissed');
      expect((await visitor.post(action, { _csrf: 'forged' })).status).to.equal(403);
    });

    it('is shown in three lines at most, and in full on its page', async () => {
      for (let at = 0; at < 4; at++) {
        fail('One', 'Two', 'Three');
        await finishedImport(hub, await start());
      }
      expect(await banners()).to.have.length(3);
      expect((await visitor.get('/admin/search')).html).to.contain('Show all notifications');
      const { html } = await visitor.get('/admin/notifications');
      expect(html.match(/<h3>3 items of an import failed\.<\/h3>/g)).to.have.length(4);
      expect(html).not.to.contain('class="banner"');
    });
  });

  const soon = (): Date => new Date(Date.now() + 60_000);

  describe('to an account', () => {
    afterEach(disconnectAll);

    it('is told once when its grant is dead, until it is reconnected', async () => {
      const integration = await connectGoogle(hub, hub.admin);
      const die = async () => {
        await hub.context.database.knex('integration_credentials').update({ expires_at: new Date(0) });
        hub.sandbox.google.state.failNext(isToken, { status: 400, body: { error: 'invalid_grant' } });
        for (let at = 0; at < 3; at++) await visitor.get('/admin/browse');
        await allTold();
      };
      await die();
      const line = `Google Drive (${integration.accountEmail}) needs to be reconnected.`;
      expect(await banners()).to.deep.equal([line]);
      expect(subjects()).to.deep.equal([line.replace(/\.$/, '')]);
      expect(mail.mails[0]?.text).to.include(`${hub.url}/admin/integrations/${integration.id}`);
      expect(told('integration.needs_reconnect').map(({ event }) => event.data)).to.deep.equal([
        {
          userId: hub.admin.id,
          integrationId: integration.id,
          platform: 'google_drive',
          account: integration.accountEmail,
          detail: (await hub.context.integrations.get(hub.admin, integration.id)).statusDetail,
          url: `${hub.url}/admin/integrations/${integration.id}`,
        },
      ]);

      const { html } = await visitor.get('/admin/search');
      await visitor.post(/action="(\/admin\/notifications\/[^"]+\/dismiss)"/.exec(html)?.[1] ?? '');
      await hub.context.credentials.giveUp(integration, 'Reconnect the account.').catch(() => undefined);
      await allTold();
      expect(await banners(), 'it is the same news').to.deep.equal([]);
      expect(mail.mails).to.have.length(1);

      await connectGoogle(hub, hub.admin);
      await die();
      expect(await banners()).to.deep.equal([line]);
      expect(mail.mails).to.have.length(2);
      await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'keep' });
      expect(await banners()).to.deep.equal([]);
    });

    it('is told when a permission is missing', async () => {
      const integration = await connectGoogle(hub, hub.admin);
      const failure = new ProviderError('scope', 'google_drive', 'Google Drive does not let the hub read files.');
      for (let at = 0; at < 2; at++) await hub.context.connections.noteFailure(integration, failure);
      await allTold();
      expect(await banners()).to.deep.equal([`A permission of Google Drive (${integration.accountEmail}) is missing.`]);
      expect(mail.mails).to.have.length(1);
      expect(told('integration.missing_scope')).to.have.length(1);
      await hub.context.credentials.giveUp(integration, 'Reconnect the account.').catch(() => undefined);
      expect(await banners()).to.deep.equal([`Google Drive (${integration.accountEmail}) needs to be reconnected.`]);
      await connectGoogle(hub, hub.admin);
      expect(await banners()).to.deep.equal([]);
    });

    it('makes no header and no recipient of a mail, whatever it is called', async () => {
      const integration = await connectScripted(
        hub,
        createScriptedProvider({ roots: [], listsDeep: true, pageSize: 1 }),
        hub.admin,
      );
      await hub.context.database
        .knex('user_integrations')
        .update({ account_name: 'Harbour\r\nBcc: thief@example.com\u2028\n\nX: <b>y</b>' });
      await hub.context.credentials
        .giveUp(integration, 'Reconnect.\r\n.\r\nRCPT TO:<thief@example.com>')
        .catch(() => 0);
      await allTold();
      const [sent] = mail.mails;
      expect(sent?.recipients).to.deep.equal(['admin@example.com']);
      expect(sent?.bcc).to.equal(undefined);
      expect(sent?.headers.map(({ key }) => key)).not.to.include.members(['bcc', 'x']);
      expect(sent?.subject).to.equal(
        'Harbour Wiki (Harbour Bcc: thief@example.com X: <b>y</b>) needs to be reconnected',
      );
      expect((await visitor.get('/admin/search')).html).not.to.contain('<b>y</b>');
    });
  });

  describe('to a sync', () => {
    let integration: Integration;
    let files: SandboxFile[];
    before(async () => {
      ({ integration, files } = await followFolder(hub, VENDORS[0] as Vendor));
      await forgetAll();
    });
    afterEach(forgetAll);
    const start = async (): Promise<string> => (await hub.context.syncs.start(hub.admin, integration.id)).id;
    const run = async (): Promise<ImportDetail> => finishedImport(hub, await start());
    const breakChanges = (): void =>
      hub.sandbox.google.state.failNext((path) => path.includes('/changes?'), {
        status: 403,
        body: { error: { code: 403, message: 'No.', errors: [{ reason: 'domainPolicy', domain: 'global' }] } },
      });
    const line = () => `The sync of Google Drive (${integration.accountEmail}) failed.`;

    it('is not told when nothing changed, and by the webhook when something did', async () => {
      await run();
      await run();
      await allTold();
      expect(hook.received).to.deep.equal([]);
      files.push(entry('new.txt', files.find(({ name }) => name === 'Inner')?.id ?? '', 'The winter lights are on.'));
      const { id } = await run();
      await allTold();
      expect(hook.received.map(({ event }) => event.data)).to.have.length(1);
      expect(hook.received[0]?.event.data).to.include({
        kind: 'sync',
        importId: id,
        integrationId: integration.id,
        account: integration.accountEmail,
      });
      expect(mail.mails).to.deep.equal([]);
    });

    it('is mailed once while it fails time after time, and again after a success', async () => {
      for (let at = 0; at < 3; at++) {
        breakChanges();
        expect(await run()).to.include({ status: 'failed' });
        await allTold();
      }
      expect(await banners()).to.deep.equal([line()]);
      expect(subjects()).to.deep.equal([line().replace(/\.$/, '')]);
      expect(told('import.finished').map(({ event }) => event.data.status)).to.deep.equal(['failed']);
      expect(await run()).to.include({ status: 'finished' });
      expect(await banners()).to.deep.equal([]);
      breakChanges();
      await run();
      await allTold();
      expect(await banners()).to.deep.equal([line()]);
      expect(mail.mails).to.have.length(2);
    });

    it('is told when it asks, until it is answered', async () => {
      for (let at = 0; at < 12; at++)
        files.splice(
          files.findIndex(({ name }) => name === `log ${at}.txt`),
          1,
        );
      const id = await start();
      await waitFor('the question', async () => (await hub.context.imports.get(hub.admin, id)).held);
      await allTold();
      const question = `A sync of Google Drive (${integration.accountEmail}) asks before it removes 12 documents.`;
      expect(await banners()).to.deep.equal([question]);
      expect(subjects()).to.deep.equal([question.replace(/\.$/, '')]);
      expect(mail.mails[0]?.text).to.include('That is 12 of 34.').and.include(`${hub.url}/admin/imports/${id}`);
      expect(told('sync.held')[0]?.event.data).to.include({ count: 12, of: 34, importId: id });
      await hub.context.syncs.answer(hub.admin, id, 'remove');
      expect(await banners()).to.deep.equal([]);
      await finishedImport(hub, id);
      await allTold();
      expect(told('import.finished')[0]?.event.data.counts).to.include({ removed: 12 });
      expect(mail.mails).to.have.length(1);
    });
  });
});
