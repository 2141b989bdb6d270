import { expect } from 'chai';
import { connectGoogle } from '../helpers/connect.ts';
import { onEachDatabase, onOneDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { startMailServer, type MailServer } from '../helpers/receivers.ts';
import { openVisitor, signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const wrong = 'The e-mail address or the password is wrong.';

onOneDatabase('the pages of users', (open) => {
  let hub: TestHub;
  let admin: Visitor;
  before(async () => {
    hub = await startHub({ database: await open() });
    admin = await signInAs(hub.url, hub.admin.email);
  });
  after(() => hub.close());

  const bearer = async (token: string): Promise<number> =>
    (await fetch(`${hub.url}/api/v1/tokens`, { headers: { authorization: `Bearer ${token}` } })).status;
  const page = (id: string): string => `/admin/users/${id}`;

  it('list everybody with role, state, last sign-in and number of integrations', async () => {
    await connectGoogle(hub, hub.admin);
    const { email } = await hub.context.users.create({
      email: 'off@example.com',
      name: 'Off',
      password: PASSWORD,
      role: 'member',
    });
    await hub.context.users.disable(hub.admin, (await hub.context.users.list()).find((one) => one.email === email)!.id);
    const text = textOf((await admin.get('/admin/users')).html);
    expect(text).to.match(/You admin@example\.com Admin Active \d+ \w+ \d{4}, \d\d:\d\d UTC 1 /);
    expect(text).to.contain('off@example.com Member Disabled Not yet 0');
  });

  it('list fifty at a time, and find people by parts of their name or address', async () => {
    const { knex } = hub.context.database;
    const many = Array.from({ length: 60 }, (_, at) => ({
      name: `Deckhand ${at}`,
      email: `hand-${at}@crew.example`,
      password_hash: '-',
      role: 'member',
      created_at: knex.raw(`now() + interval '1 hour'`),
    }));
    expect((await admin.get('/admin/users')).html).not.to.contain('name="q"');
    await knex('users').insert(many);
    try {
      const listed: string[] = [];
      let next: string | undefined = '/admin/users';
      for (let pages = 0; next !== undefined; pages++) {
        expect(pages).to.be.lessThan(2);
        const { html } = await admin.get(next);
        const names = [...html.matchAll(/class="item__name" href="[^"]+">([^<]+)</g)].map(([, name]) => name!);
        expect(names).to.have.length(pages === 0 ? 50 : (await hub.context.users.list()).length - 50);
        listed.push(...names);
        next = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
      }
      expect(listed.sort()).to.deep.equal((await hub.context.users.list()).map(({ name }) => name).sort());
      const one = await admin.get('/admin/users?q=crew.EXAMPLE+hand-37');
      expect(textOf(one.html)).to.contain('Deckhand 37 hand-37@crew.example').and.not.to.contain('Deckhand 36');
      expect(one.html).to.contain('value="crew.EXAMPLE hand-37"');
      const none = textOf((await admin.get('/admin/users?q=%25')).html);
      expect(none).to.contain('Nobody matches').and.to.contain('Show all users');
      expect((await admin.get('/admin/users?cursor=nonsense')).status).to.equal(200);
    } finally {
      await knex('users').whereLike('email', '%@crew.example').delete();
    }
  });

  it('still add a user with a password, and say what is wrong beside the field', async () => {
    const values = { name: 'Ines', email: 'ines@example.com', password: PASSWORD, role: 'member' };
    expect(await admin.post('/admin/users', values)).to.include({ status: 303, location: '/admin/users' });
    const again = await admin.post('/admin/users', values);
    expect(again.status).to.equal(422);
    expect(again.html).to.contain('id="email-error"').and.to.contain('exists already');
    expect(again.html).not.to.contain(PASSWORD);
    await signInAs(hub.url, values.email);
  });

  it('shut a disabled user out at once, by session and by token, and let them in again', async () => {
    const { member } = hub;
    const visitor = await signInAs(hub.url, member.email);
    const token = await hub.token(member);
    expect([(await visitor.get('/admin/search')).status, await bearer(token)]).to.deep.equal([200, 200]);
    const { status, html } = await admin.get(`${page(member.id)}/disable`);
    expect(status).to.equal(200);
    expect(textOf(html)).to.contain('can no longer sign in');
    expect((await admin.post(`${page(member.id)}/disable`)).location).to.equal(page(member.id));

    expect((await visitor.get('/admin/search')).location).to.match(/^\/sign-in/);
    expect(await bearer(token)).to.equal(401);
    const refused = openVisitor(hub.url);
    await refused.get('/sign-in');
    const answer = await refused.post('/sign-in', { email: member.email, password: PASSWORD });
    expect(answer.status).to.equal(422);
    expect(answer.html).to.contain(wrong).and.not.to.contain('isabled');

    await admin.get(page(member.id));
    await admin.post(`${page(member.id)}/enable`);
    expect(await bearer(token)).to.equal(200);
    // The session has ended, and does not come back.
    expect((await visitor.get('/admin/search')).location).to.match(/^\/sign-in/);
    await signInAs(hub.url, member.email);
  });

  it('end what is being told to a disabled user about an import', async () => {
    const { member, context } = hub;
    const [row] = (await context.database
      .knex('imports')
      .insert({ user_id: member.id, status: 'running' })
      .returning('id')) as [{ id: string }];
    const headers = { authorization: `Bearer ${await hub.token(member)}` };
    const stream = await fetch(`${hub.url}/api/v1/imports/${row.id}/events`, { headers });
    expect(stream.status).to.equal(200);
    const reader = stream.body!.getReader();
    expect((await reader.read()).done).to.equal(false);
    await context.users.disable(hub.admin, member.id);
    context.signals.publish('import', row.id);
    for (let done = false; !done;) ({ done } = await reader.read());
    await context.users.enable(hub.admin, member.id);
  });

  it('stop the schedules of a disabled user until they are enabled', async () => {
    const { member, context } = hub;
    const { id } = await connectGoogle(hub, member);
    const integrations = context.database.knex('user_integrations').where({ id });
    await context.users.disable(hub.admin, member.id);
    await integrations.clone().update({ sync_minutes: 15, next_sync_at: new Date(0), news_at: new Date(0) });
    expect(await context.syncs.startDue()).to.equal(0);
    const nextAt = async (): Promise<number> =>
      ((await integrations.clone().first('next_sync_at')) as { next_sync_at: Date }).next_sync_at.getTime();
    expect(await nextAt()).to.equal(0);
    await context.users.enable(hub.admin, member.id);
    // Who holds the account at the moment, to order calls of its vendor, say, has it passed over until the next look.
    await waitFor('the schedule to go on', async () => {
      await context.syncs.startDue();
      return (await nextAt()) > Date.now();
    });
  });

  it('change a role, which counts from the next request on', async () => {
    const { member } = hub;
    const visitor = await signInAs(hub.url, member.email);
    expect((await visitor.get('/admin/users')).status).to.equal(403);
    await admin.get(page(member.id));
    await admin.post(`${page(member.id)}/role`, { role: 'admin' });
    expect((await visitor.get('/admin/users')).status).to.equal(200);
    await admin.post(`${page(member.id)}/role`, { role: 'member' });
    expect((await visitor.get('/admin/users')).status).to.equal(403);
    expect((await admin.post(`${page(member.id)}/role`, { role: 'owner' })).status).to.equal(422);
  });

  it('keep the last admin who can sign in, and say what to do first', async () => {
    const other = await hub.context.users.create({
      email: 'second@example.com',
      name: 'Second',
      password: PASSWORD,
      role: 'admin',
    });
    await hub.context.users.disable(hub.admin, other.id);
    for (const [action, values] of [
      ['role', { role: 'member' }],
      ['disable', {}],
    ] as const) {
      await admin.get(page(hub.admin.id));
      const answer = await admin.post(`${page(hub.admin.id)}/${action}`, values);
      expect(answer.status, action).to.equal(409);
      expect(answer.html, action).to.contain('Make somebody else an admin first.');
    }
    expect(await hub.context.users.get(hub.admin.id)).to.include({ role: 'admin', disabledAt: undefined });
  });

  it('end all sessions of a user and leave their tokens', async () => {
    const visitors = [await signInAs(hub.url, hub.member.email), await signInAs(hub.url, hub.member.email)];
    const token = await hub.token(hub.member);
    await admin.get(page(hub.member.id));
    await admin.post(`${page(hub.member.id)}/sign-out`);
    expect((await admin.get(page(hub.member.id))).html).to.match(/\d+ sessions ended\./);
    for (const visitor of visitors) expect((await visitor.get('/admin')).location).to.match(/^\/sign-in/);
    expect(await bearer(token)).to.equal(200);
  });

  it('change nothing without the token of the form, and nothing for members', async () => {
    const member = await signInAs(hub.url, hub.member.email);
    const posts: [string, Record<string, string>][] = [
      [`${page(hub.member.id)}/role`, { role: 'admin' }],
      [`${page(hub.admin.id)}/disable`, {}],
      [`${page(hub.admin.id)}/enable`, {}],
      [`${page(hub.admin.id)}/sign-out`, {}],
      ['/admin/invitations', { email: 'x@example.com', role: 'admin' }],
      [`/admin/invitations/${hub.admin.id}/withdraw`, {}],
    ];
    for (const [path, values] of posts) {
      const forged = await admin.post(path, { ...values, _csrf: 'forged' });
      expect(forged.status, path).to.equal(403);
      expect(forged.html, path).to.contain('nothing was changed');
      await member.get('/admin/profile');
      const refused = await member.post(path, values);
      expect(refused.status, path).to.equal(403);
      expect(refused.html, path).to.contain('Only admins manage users');
    }
    expect(await hub.context.users.get(hub.member.id)).to.include({ role: 'member' });
    expect(await hub.context.invitations.list()).to.deep.equal([]);
    expect((await admin.get('/admin/users')).status).to.equal(200);
  });
});

onEachDatabase('two admins who take each other’s role at once', (open) => {
  it('leave one admin', async () => {
    const hub = await startHub({ database: await open() });
    const { users } = hub.context;
    const other = await users.create({ email: 'o@example.com', name: 'O', password: PASSWORD, role: 'admin' });
    const done = await Promise.allSettled([
      users.setRole(hub.admin, other.id, 'member'),
      users.disable(other, hub.admin.id),
    ]);
    expect(done.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const left = (await users.list()).filter(({ role, disabledAt }) => role === 'admin' && !disabledAt);
    expect(left).to.have.length(1);
    await hub.close();
  });
});

onOneDatabase('invitations', (open) => {
  let hub: TestHub;
  let mail: MailServer;
  let admin: Visitor;
  before(async () => {
    mail = await startMailServer();
    hub = await startHub({ database: await open(), env: mail.env });
    admin = await signInAs(hub.url, hub.admin.email);
  });
  after(async () => {
    await hub.close();
    await mail.close();
  });

  async function invite(email: string, role = 'member'): Promise<string> {
    await admin.get('/admin/invitations');
    const { status, html, headers } = await admin.post('/admin/invitations', { email, role });
    expect(status).to.equal(201);
    expect(headers.get('cache-control')).to.contain('no-store');
    const link = /id="link-value">([^<]+)</.exec(html)?.[1] ?? '';
    expect(link.startsWith(`${hub.url}/invitation?token=`)).to.equal(true);
    return link.slice(hub.url.length);
  }
  const invitationIds = async (): Promise<string[]> => (await hub.context.invitations.list()).map(({ id }) => id);

  it('are shown and sent once, kept as a hash only, and let in whom they are for', async () => {
    const link = await invite('ada@example.com', 'admin');
    const token = link.split('=')[1] ?? '';
    const sent = mail.mails.at(-1);
    expect(sent?.recipients).to.deep.equal(['ada@example.com']);
    expect(sent?.text).to.contain(hub.url + link);
    const listed = await admin.get('/admin/invitations');
    expect(textOf(listed.html)).to.contain('ada@example.com by admin Admin');
    expect(listed.html).not.to.contain(token);
    const rows = JSON.stringify(await hub.context.database.knex('invitations').select('*'));
    expect(rows).to.contain('ada@example.com').and.not.to.contain(token);

    const guest = openVisitor(hub.url);
    const form = await guest.get(link);
    expect(form.status).to.equal(200);
    expect(form.html).to.contain('ada@example.com');
    const short = await guest.post('/invitation', { token, name: 'Ada', password: 'short' });
    expect(short.status).to.equal(422);
    expect(short.html).to.contain('12 characters or more').and.to.contain('value="Ada"');
    const joined = await guest.post('/invitation', {
      token,
      name: 'Ada',
      password: 'ada has a password',
      email: 'other@example.com',
      role: 'member',
    });
    expect(joined).to.include({ status: 303, location: '/admin' });
    expect((await guest.get('/admin/users')).status).to.equal(200);
    await signInAs(hub.url, 'ada@example.com', 'ada has a password');
    expect(await invitationIds()).to.deep.equal([]);
    const { entries } = await hub.context.audit.list(hub.admin, { who: 'ada@' });
    expect(entries.map(({ action }) => action)).to.deep.equal([
      'sign_in',
      'sign_in',
      'invitation_accepted',
      'user_created',
      'user_invited',
    ]);
    expect(JSON.stringify(entries)).not.to.contain(token);
    expect(hub.logs()).not.to.contain(token).and.not.to.contain('ada has a password');
  });

  it('work once, also when two ask at the same time', async () => {
    const link = await invite('twice@example.com');
    const token = link.split('=')[1] ?? '';
    const guests = [openVisitor(hub.url), openVisitor(hub.url)];
    for (const guest of guests) await guest.get(link);
    const answers = await Promise.all(
      guests.map((guest, at) => guest.post('/invitation', { token, name: `Guest ${at}`, password: PASSWORD })),
    );
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 404]);
    expect((await openVisitor(hub.url).get(link)).status).to.equal(404);
  });

  it('that are unknown, used, withdrawn, replaced or over are answered alike', async () => {
    const replaced = await invite('late@example.com');
    const withdrawn = await invite('late@example.com');
    await admin.get('/admin/invitations');
    const [id] = await invitationIds();
    expect((await admin.post(`/admin/invitations/${id}/withdraw`)).location).to.equal('/admin/invitations');
    expect((await admin.post(`/admin/invitations/${id}/withdraw`)).status).to.equal(404);
    const over = await invite('over@example.com');
    await hub.context.database
      .knex('invitations')
      .where({ email: 'over@example.com' })
      .update({ expires_at: new Date(Date.now() - 1000) });
    expect(textOf((await admin.get('/admin/invitations')).html))
      .to.contain('Over')
      .and.to.contain('Remove');

    const answers = new Set<string>();
    for (const link of ['/invitation', '/invitation?token=nobody-has-this', replaced, withdrawn, over]) {
      const { status, html } = await openVisitor(hub.url).get(link);
      expect(status, link).to.equal(404);
      answers.add(textOf(html).replace(/[0-9a-f-]{36}/, ''));
    }
    expect([...answers]).to.have.length(1);
    const guest = openVisitor(hub.url);
    await guest.get('/sign-in');
    const token = over.split('=')[1] ?? '';
    expect((await guest.post('/invitation', { token, name: 'Late', password: PASSWORD })).status).to.equal(404);
    expect((await hub.context.users.list()).some(({ email }) => /late|over/.test(email))).to.equal(false);
  });

  it('need the token of the form, and are not made for who is here already', async () => {
    const link = await invite('form@example.com');
    const guest = openVisitor(hub.url);
    await guest.get(link);
    const token = link.split('=')[1] ?? '';
    const forged = await guest.post('/invitation', { token, name: 'F', password: PASSWORD, _csrf: 'forged' });
    expect(forged.status).to.equal(403);
    await admin.get('/admin/invitations');
    const here = await admin.post('/admin/invitations', { email: 'MEMBER@example.com', role: 'member' });
    expect(here.status).to.equal(422);
    expect(here.html).to.contain('exists already');
  });

  it('say so when the mail was refused, and show the link all the same', async () => {
    mail.refuseNext(550);
    await admin.get('/admin/invitations');
    const { html } = await admin.post('/admin/invitations', { email: 'nomail@example.com', role: 'member' });
    expect(textOf(html)).to.contain('No mail was sent:').and.to.contain('Hand the link over yourself');
    expect(html).to.contain('id="link-value"');
  });
});
