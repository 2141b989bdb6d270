import { expect } from 'chai';
import { browserLabel } from '../../server/user-agent.ts';
import { databaseKinds, onOneDatabase, openTestDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

const NEW_PASSWORD = 'a wholly new password';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0';

const isIn = async (visitor: Visitor): Promise<boolean> => (await visitor.get('/admin/profile')).status === 200;

onOneDatabase('the profile', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());
  beforeEach(async () => {
    visitor = await signInAs(hub.url, hub.member.email);
    await visitor.get('/admin/profile');
  });

  it('changes the name, and says what is wrong with one', async () => {
    const empty = await visitor.post('/admin/profile', { name: ' ' });
    expect(empty.status).to.equal(422);
    expect(empty.html).to.contain('Enter a name.');
    expect((await visitor.post('/admin/profile', { name: 'Mo <b>Ember</b>' })).location).to.equal('/admin/profile');
    const { html } = await visitor.get('/admin/profile');
    expect(html).to.contain('Mo &lt;b&gt;Ember').and.to.contain('Your name is changed.').and.not.to.contain('<b>Ember');
  });

  it('changes the password with the present one only, and ends all other sessions', async () => {
    const other = await signInAs(hub.url, hub.member.email);
    for (const [values, message] of [
      [{ present: 'not this one', password: NEW_PASSWORD }, 'This is not your present password.'],
      [{ present: '', password: NEW_PASSWORD }, 'Enter your present password.'],
      [{ present: PASSWORD, password: 'short' }, 'Enter a password of 12 characters or more.'],
    ] as const) {
      const { status, html } = await visitor.post('/admin/profile/password', values);
      expect(status, message).to.equal(422);
      expect(html).to.contain(message).and.not.to.contain(NEW_PASSWORD).and.not.to.contain('not this one');
    }
    expect(await isIn(other)).to.equal(true);
    const done = await visitor.post('/admin/profile/password', { present: PASSWORD, password: NEW_PASSWORD });
    expect(done.location).to.equal('/admin/profile');
    expect([await isIn(visitor), await isIn(other)]).to.deep.equal([true, false]);
    const { users } = hub.context;
    expect(await users.authenticate(hub.member.email, PASSWORD)).to.equal(undefined);
    expect(await users.authenticate(hub.member.email, NEW_PASSWORD)).to.include({ id: hub.member.id });
    await visitor.post('/admin/profile/password', { present: NEW_PASSWORD, password: PASSWORD });
    await signInAs(hub.url, hub.member.email);
  });

  it('needs the token of its forms', async () => {
    for (const path of ['', '/password', '/sessions/end-others']) {
      const forged = await visitor.post(`/admin/profile${path}`, { _csrf: 'forged', name: 'X', present: PASSWORD });
      expect(forged.status, path).to.equal(403);
    }
  });

  it('lists where one is signed in, and ends one or all others', async () => {
    await visitor.post('/admin/profile/sessions/end-others');
    const there = await fetch(`${hub.url}/sign-in`);
    const cookie = there.headers.get('set-cookie')?.split(';')[0] ?? '';
    const token = /name="_csrf" value="([^"]+)"/.exec(await there.text())?.[1] ?? '';
    await fetch(`${hub.url}/sign-in`, {
      method: 'POST',
      headers: { cookie, 'user-agent': FIREFOX },
      body: new URLSearchParams({ _csrf: token, email: hub.member.email, password: PASSWORD }),
      redirect: 'manual',
    });
    const third = await signInAs(hub.url, hub.member.email);
    const { html } = await visitor.get('/admin/profile');
    expect(textOf(html)).to.contain('Firefox on Windows from 127.0.0.1');
    expect(html.match(/This one/g)).to.have.length(1);
    expect(html.match(/\/sessions\/[0-9a-f-]{36}\/end/g)).to.have.length(3);

    const firefox = (await hub.context.signIns.list(hub.member)).find(({ userAgent }) => userAgent === FIREFOX);
    const path = `/admin/profile/sessions/${firefox?.id}/end`;
    expect((await visitor.post(path)).location).to.equal('/admin/profile');
    expect((await visitor.post(path)).status).to.equal(404);
    expect(await isIn(third)).to.equal(true);
    await visitor.get('/admin/profile');
    await visitor.post('/admin/profile/sessions/end-others');
    expect(await isIn(third)).to.equal(false);
    expect(textOf((await visitor.get('/admin/profile')).html)).to.contain('1 other session ended.');
  });

  it('signs out by ending the session that is in use', async () => {
    const { html } = await visitor.get('/admin/profile');
    const row = html.split('This one')[1] ?? '';
    const path = /action="([^"]+\/end)"/.exec(row)?.[1] ?? '';
    const away = await visitor.post(path);
    expect(away.location).to.equal('/sign-in');
    expect(away.headers.get('clear-site-data')).to.equal('"cache", "storage"');
    expect(await isIn(visitor)).to.equal(false);
  });

  it('slows down who guesses the present password', async () => {
    const hurry = await signInAs(hub.url, hub.admin.email);
    await hurry.get('/admin/profile');
    const tries: number[] = [];
    for (let at = 0; at < 11; at++)
      tries.push((await hurry.post('/admin/profile/password', { present: `${at}`, password: NEW_PASSWORD })).status);
    expect(new Set(tries.slice(0, 10))).to.deep.equal(new Set([422]));
    expect(tries[10]).to.equal(429);
  });
});

const redisUrl = process.env.TEST_REDIS_URL;
for (const redis of [undefined, ...(redisUrl ? [redisUrl] : [])])
  describe(`a session in ${redis ? 'Redis' : 'the database'}`, function () {
    this.timeout(120_000);

    it('ends 30 days after its sign-in however often it is used, and 14 days after its last use', async () => {
      const hub = await startHub({ database: await openTestDatabase(databaseKinds.at(-1)), env: { REDIS_URL: redis } });
      const { knex } = hub.context.database;
      const visitor = await signInAs(hub.url, hub.member.email);
      const daysAgo = (started: number, seen: number) =>
        knex('sign_ins').update({
          started_at: knex.raw(`now() - ? * interval '1 day'`, [started]),
          seen_at: knex.raw(`now() - ? * interval '1 day'`, [seen]),
        });
      const states: boolean[] = [];
      for (const [started, seen] of [
        [29.9, 0],
        [13.9, 13.9],
        [30.1, 0],
        [14.1, 14.1],
      ] as const) {
        await daysAgo(started, seen);
        states.push(await isIn(visitor));
      }
      expect(states).to.deep.equal([true, true, false, false]);
      await hub.context.signIns.prune();
      expect(await knex('sign_ins').where({ user_id: hub.member.id }).pluck('id')).to.deep.equal([]);
      await hub.close();
    });

    it('ends for every process when its user is disabled, and is not worth more than its sign-in', async () => {
      const hub = await startHub({
        database: await openTestDatabase(databaseKinds.at(-1)),
        env: { REDIS_URL: redis },
      });
      const visitor = await signInAs(hub.url, hub.member.email);
      await hub.context.database.knex('sign_ins').delete();
      expect(await isIn(visitor)).to.equal(false);
      const again = await signInAs(hub.url, hub.member.email);
      await hub.context.users.disable(hub.admin, hub.member.id);
      await hub.context.users.enable(hub.admin, hub.member.id);
      expect(await isIn(again)).to.equal(false);
      await hub.close();
    });
  });

describe('a browser’s name', () => {
  it('is said in short words', () => {
    const names: Record<string, string> = {
      [FIREFOX]: 'Firefox on Windows',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15':
        'Safari on macOS',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1':
        'Safari on iPhone',
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36':
        'Chrome on Android',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0':
        'Edge on Windows',
      'curl/8.14.1': 'curl',
      node: 'node',
      'python-requests/2.32': 'python-requests',
      'Mozilla/5.0 (compatible)': 'Unknown browser',
      '<script>': 'Unknown browser',
    };
    for (const [agent, name] of Object.entries(names)) expect(browserLabel(agent), agent).to.equal(name);
    expect(browserLabel(undefined)).to.equal('Unknown browser');
  });
});
