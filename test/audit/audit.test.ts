import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { auditAnswer } from '../../server/api/audit.ts';
import type { AuditEntry } from '../../server/audit/events.ts';
import { withOrigin } from '../../server/audit/origin.ts';
import { ConfigError, parseConfig } from '../../server/config.ts';
import type { Database } from '../../server/database/database.ts';
import { rotateKeys } from '../../server/services/key-rotation.ts';
import { recordAudit } from '../../server/stores/audit-store.ts';
import { answer, openClient, problem } from '../api/client.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onEachDatabase, onOneDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { importDrive } from '../helpers/imports.ts';
import { openVisitor, signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

const DAY_MS = 24 * 3600 * 1000;

onEachDatabase('the table of the audit log', (open) => {
  let database: Database;
  before(async () => {
    database = await open();
  });
  after(() => database.close());

  const refused = (work: () => Promise<unknown>): Promise<string> =>
    work().then(
      () => 'nothing refused it',
      (error: Error) => error.message,
    );

  it('takes new rows, and refuses to change or lose any', async () => {
    const { knex } = database;
    await recordAudit(knex, { action: 'sign_in', actor: { id: crypto.randomUUID(), email: 'ada@example.com' } });
    const old = { action: 'sign_out', actor_kind: 'hub', at: new Date(Date.now() - 400 * DAY_MS) };
    await knex('audit_log').insert(old);
    for (const work of [
      async () => knex('audit_log').update({ action: 'sign_out' }),
      async () => knex('audit_log').delete(),
      async () => knex.raw('truncate audit_log'),
      () =>
        database.transaction(async (trx) => {
          await trx.raw(`select set_config('tributary.audit_retention', 'on', true)`);
          await trx('audit_log').update({ action: 'sign_out' });
        }),
      // Not even the retention may take what is of today.
      () =>
        database.transaction(async (trx) => {
          await trx.raw(`select set_config('tributary.audit_retention', 'on', true)`);
          await trx('audit_log').delete();
        }),
    ])
      expect(await refused(work)).to.contain('append-only');
    expect(await knex('audit_log').pluck('action')).to.have.members(['sign_in', 'sign_out']);
  });

  it('keeps what was written only if the change itself was kept', async () => {
    const { knex } = database;
    const count = async () => (await knex('audit_log').pluck('id')).length;
    const before = await count();
    await database
      .transaction(async (trx) => {
        await recordAudit(trx, { action: 'keys_rotated' });
        throw new Error('roll back');
      })
      .catch(() => undefined);
    expect(await count()).to.equal(before);
  });
});

onOneDatabase('the retention of the audit log', (open) => {
  it('takes what is older than it says, and nothing else', async () => {
    const hub = await startHub({ database: await open(), env: { AUDIT_RETENTION_DAYS: '30' } });
    const { knex } = hub.context.database;
    for (const days of [29, 31, 400])
      await knex('audit_log').insert({
        action: 'sign_out',
        actor_kind: 'hub',
        request_id: `${days} days`,
        at: new Date(Date.now() - days * DAY_MS),
      });
    expect(await hub.context.audit.prune()).to.equal(2);
    expect(await knex('audit_log').whereNotNull('request_id').pluck('request_id')).to.deep.equal(['29 days']);
    expect(await hub.context.audit.prune()).to.equal(0);
    await hub.close();
  });

  it('is a year by default, and a whole number of days', () => {
    expect(parseConfig({}).auditRetentionDays).to.equal(365);
    for (const AUDIT_RETENTION_DAYS of ['0', '-1', 'for ever', '1.5'])
      expect(() => parseConfig({ AUDIT_RETENTION_DAYS }), AUDIT_RETENTION_DAYS).to.throw(
        ConfigError,
        'AUDIT_RETENTION_DAYS',
      );
  });
});

onOneDatabase('the audit log', (open) => {
  let hub: TestHub;
  let admin: Visitor;
  before(async () => {
    hub = await startHub({ database: await open() });
    admin = await signInAs(hub.url, hub.admin.email);
  });
  after(() => hub.close());

  const entries = async (filter = {}): Promise<AuditEntry[]> =>
    (await hub.context.audit.list(hub.admin, filter, { limit: 200 })).entries;
  const newest = async (action: AuditEntry['action']): Promise<AuditEntry> => {
    const [found] = await entries({ action });
    if (!found) throw new Error(`there is no ${action}`);
    return found;
  };
  const csvOf = async (query = ''): Promise<Record<string, string>[]> => {
    const response = await admin.fetch(`/admin/audit.csv${query}`);
    expect(response.headers.get('content-type')).to.contain('text/csv');
    return parse(await response.text(), { bom: true, columns: true });
  };

  it('tells who signed in or failed to, from where, and keeps nothing of what was typed', async () => {
    const visitor = openVisitor(hub.url);
    await visitor.get('/sign-in');
    const typed = 'my secret typed in the wrong field';
    await visitor.post('/sign-in', { email: typed, password: 'x' });
    expect(await newest('sign_in_failed')).to.deep.include({
      actor: { kind: 'stranger', id: undefined, email: undefined },
    });
    expect((await newest('sign_in_failed')).subject).to.equal(undefined);
    await visitor.post('/sign-in', { email: hub.member.email, password: 'not the password' });
    const failed = await newest('sign_in_failed');
    expect(failed.subject).to.deep.equal({ kind: 'user', id: hub.member.id, name: hub.member.email });
    expect(failed.address).to.equal('127.0.0.1');
    expect(failed.userAgent).to.equal('node');

    const member = await signInAs(hub.url, hub.member.email);
    expect((await newest('sign_in')).actor).to.deep.equal({
      kind: 'user',
      id: hub.member.id,
      email: hub.member.email,
    });
    await member.get('/admin/profile');
    const left = await member.post('/sign-out');
    const out = await newest('sign_out');
    expect(out.actor.id).to.equal(hub.member.id);
    expect(out.requestId).to.equal(left.headers.get('x-request-id'));
    expect(JSON.stringify(await entries()))
      .not.to.contain(typed)
      .and.not.to.contain('not the password');
  });

  it('has a line for each change of users, passwords, sessions and tokens', async () => {
    const { users, tokens, invitations, signIns } = hub.context;
    const person = await users.create(
      { email: 'p@example.com', name: 'P', password: PASSWORD, role: 'member' },
      hub.admin,
    );
    await users.setRole(hub.admin, person.id, 'admin');
    await users.rename(person, 'Pia');
    await users.changePassword(person, { present: PASSWORD, password: `${PASSWORD} new`, keepSignInId: person.id });
    await users.disable(hub.admin, person.id);
    await users.enable(hub.admin, person.id);
    const here = await signIns.start(person);
    await signIns.start(person);
    await signIns.endOthers(person, here);
    const { invitation } = await invitations.invite(hub.admin, { email: 'guest@example.com', role: 'member' });
    await invitations.withdraw(hub.admin, invitation.id);
    const { id } = await tokens.create(person, { name: 'a telling name' });
    await tokens.delete(person, id);
    const actions = (await entries({ who: 'p@example.com' })).map(({ action, actor }) => `${action} by ${actor.email}`);
    expect(actions).to.deep.equal([
      'token_deleted by p@example.com',
      'token_created by p@example.com',
      'sessions_ended by p@example.com',
      'sign_in by p@example.com',
      'sign_in by p@example.com',
      'user_enabled by admin@example.com',
      'user_disabled by admin@example.com',
      'password_changed by p@example.com',
      'user_renamed by p@example.com',
      'role_changed by admin@example.com',
      'user_created by admin@example.com',
    ]);
    expect((await entries({ who: 'guest' })).map(({ action }) => action)).to.deep.equal([
      'invitation_withdrawn',
      'user_invited',
    ]);
    const text = JSON.stringify(await entries());
    expect(text).not.to.contain(PASSWORD).and.not.to.contain('a telling name').and.not.to.contain('argon2');
    expect((await newest('role_changed')).details).to.deep.equal({ from: 'member', to: 'admin' });
  });

  it('has a line for what is done with accounts, imports and documents, by ids and counts only', async () => {
    const { context } = hub;
    const { integration } = await importDrive(hub);
    expect((await newest('grant_connected')).subject).to.deep.equal({
      kind: 'integration',
      id: integration.id,
      name: 'google_drive',
    });
    await context.syncs.start(hub.admin, integration.id);
    expect((await newest('sync_started')).subject?.id).to.equal(integration.id);
    const [document] = (await context.documents.list(hub.admin)).documents;
    await context.documents.delete(hub.admin, document!.id);
    expect((await newest('document_deleted')).subject).to.include({ kind: 'document', id: document?.id });
    const { items } = await context.browse.list(hub.admin, integration.id, {});
    const { id } = await context.imports.create(hub.admin, {
      items: items.map(({ ref }) => ({ integrationId: integration.id, ref })),
    });
    expect((await newest('import_started')).details).to.deep.equal({ selected: items.length });
    await context.imports.cancel(hub.admin, id).catch(() => undefined);
    await context.credentials.giveUp(integration, 'Reconnect the account.').catch(() => undefined);
    expect((await newest('grant_refresh_failed')).actor.kind).to.equal('hub');
    await connectGoogle(hub, hub.admin);
    expect((await newest('grant_reconnected')).actor.id).to.equal(hub.admin.id);
    const { documents } = await context.integrations.disconnect(hub.admin, integration.id, { documents: 'delete' });
    expect((await newest('grant_disconnected')).details).to.deep.equal(documents);
    expect((await newest('grant_revoked')).subject?.id).to.equal(integration.id);
    const { database, vault } = context;
    await withOrigin({ kind: 'command' }, () => rotateKeys({ database, vault }));
    expect((await newest('keys_rotated')).actor.kind).to.equal('operator');
    const text = JSON.stringify(await entries());
    expect(text)
      .not.to.contain(document?.title ?? '-')
      .and.not.to.contain(integration.accountEmail ?? '-');
    expect(textOf((await admin.get('/admin/audit')).html)).to.contain('Account disconnected Google Drive');
  });

  it('tells of an import and its end only together with them', async () => {
    const { context, admin: user } = hub;
    const integration = await connectGoogle(hub, user);
    const { items } = await context.browse.list(user, integration.id, {});
    const ids = async (action: AuditEntry['action']) => (await entries({ action })).map(({ subject }) => subject?.id);
    const before = [await ids('import_started'), await ids('import_cancelled')];
    let id = '';
    const work = (fails: boolean) =>
      context.database.transaction(async () => {
        const selected = [{ integrationId: integration.id, ref: items[0]!.ref }];
        ({ id } = await context.imports.create(user, { items: selected }));
        await context.imports.cancel(user, id);
        if (fails) throw new Error('roll back');
      });
    await work(true).catch(() => undefined);
    expect([await ids('import_started'), await ids('import_cancelled')]).to.deep.equal(before);
    await work(false);
    expect([(await ids('import_started'))[0], (await ids('import_cancelled'))[0]]).to.deep.equal([id, id]);
  });

  it('is read by admins with filters and page by page, newest first', async () => {
    const { knex } = hub.context.database;
    const at = new Date('2020-03-10T12:00:00Z');
    for (let day = 0; day < 60; day++)
      await recordAudit(knex, {
        action: 'import_started',
        actor: { id: crypto.randomUUID(), email: 'many@example.com' },
      });
    await knex('audit_log').insert({ action: 'sign_out', actor_kind: 'hub', actor_name: '100%_odd@example.com', at });

    const first = await admin.get('/admin/audit?who=MANY%40example');
    expect(first.html.match(/many@example\.com<\/td>/g)).to.have.length(50);
    const next = /href="([^"]+)" rel="next"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await admin.get(next);
    expect(second.html.match(/many@example\.com<\/td>/g)).to.have.length(10);
    expect(second.html).to.contain('First page');
    expect(second.html).not.to.contain('rel="next"');

    expect(await csvOf('?who=many')).to.have.length(60);
    expect(await csvOf('?who=many&action=sign_in')).to.have.length(0);
    // What would be a pattern is a word.
    expect(await csvOf(`?who=${encodeURIComponent('%_odd')}`)).to.have.length(1);
    expect(await csvOf(`?who=${encodeURIComponent('1%odd')}`)).to.have.length(0);
    expect(await csvOf('?since=2020-03-10&until=2020-03-10')).to.have.length(1);
    expect(await csvOf('?since=2020-03-11&until=2020-03-12')).to.have.length(0);
    expect(await csvOf('?until=2020-03-09')).to.have.length(0);
    expect((await admin.get('/admin/audit?who=zebra')).html).to.contain('Nothing matches');
    for (const odd of ['?since=yesterday&until=2020-13-45', '?action=drop', '?cursor=xyz', '?who=a&who=b'])
      expect((await admin.get(`/admin/audit${odd}`)).status, odd).to.equal(200);
    const times = (await csvOf('?since=2021-01-01')).map((row) => row.at ?? '');
    expect(times).to.deep.equal([...times].sort().reverse());
  });

  it('is read by the API with the same filters and pages', async () => {
    const { call } = await openClient(hub);
    const first = await answer(await call('GET', '/audit?who=many'), 200, auditAnswer);
    expect(first.events).to.have.length(50);
    const rest = `/audit?who=many&cursor=${encodeURIComponent(first.nextCursor ?? '')}`;
    const second = await answer(await call('GET', rest), 200, auditAnswer);
    expect(second.events).to.have.length(10);
    expect(second.nextCursor).to.equal(undefined);
    const old = await answer(await call('GET', '/audit?since=2020-03-10&until=2020-03-11'), 200, auditAnswer);
    expect(old.events.map(({ action }) => action)).to.deep.equal(['sign_out']);
    const wrong = await problem(await call('GET', '/audit?action=drop&since=soon'), 422, 'invalid_input');
    expect(wrong.errors?.map(({ field }) => field)).to.deep.equal(['action', 'since']);
    await problem(await call('GET', '/audit', { user: hub.member }), 403, 'forbidden');
  });

  it('comes as a file that no spreadsheet takes for formulas', async () => {
    await withOrigin({ kind: 'request', address: '127.0.0.1', userAgent: '=HYPERLINK("http://evil.example")' }, () =>
      recordAudit(hub.context.database.knex, {
        action: 'user_created',
        actor: { id: hub.admin.id, email: '@admin' },
        subject: { kind: 'user', name: '+1@example.com' },
      }),
    );
    const [row] = await csvOf('?action=user_created');
    expect(row).to.include({
      who: `'@admin`,
      about: `'+1@example.com`,
      'user agent': `'=HYPERLINK("http://evil.example")`,
      what: 'User added',
    });
  });

  it('is closed to members, by page, file and service', async () => {
    const member = await signInAs(hub.url, hub.member.email);
    for (const path of ['/admin/audit', '/admin/audit.csv']) {
      const { status, html } = await member.get(path);
      expect(status, path).to.equal(403);
      expect(html, path).to.contain('Only admins').and.not.to.contain('admin@example.com');
    }
    expect((await member.get('/admin/search')).html).not.to.contain('/admin/audit');
    expect(() => hub.context.audit.export(hub.member)).to.throw('Only admins');
    expect(await hub.context.audit.list(hub.member).catch((error: Error) => error.message)).to.contain('Only admins');
  });
});
