import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { SandboxAccount } from '../../providers/sandbox/sandbox-files.ts';
import { consent } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { watchEgress } from '../helpers/grants.ts';
import { PASSWORD, type TestHub } from '../helpers/hub.ts';
import { addSomebody, allowSso, beginSso, startSsoHub, throughSso } from '../helpers/sso.ts';
import { openVisitor, signInAs, textOf, type Page, type Visitor } from '../helpers/visitor.ts';

onOneDatabase('who signs in with an account of another service', (open) => {
  let hub: TestHub;
  let accounts: SandboxAccount[];
  /** In an organisation whose people may come by themselves. */
  let ada: SandboxAccount;
  let watched: ReturnType<typeof watchEgress>;
  before(async () => {
    hub = await startSsoHub({
      database: await open(),
      env: { SSO_ALLOWED_DOMAINS: 'ferries.example', LOG_LEVEL: 'trace' },
    });
    accounts = hub.sandbox.google.state.accounts;
    ada = somebody('ferries.example');
    watched = watchEgress(hub);
  });
  after(() => hub.close());

  const somebody = (domain?: string, more?: Partial<SandboxAccount>) => addSomebody(accounts, domain, more);
  const create = (email: string) => hub.context.users.create({ email, name: 'X', password: PASSWORD, role: 'admin' });
  const isIn = async (visitor: Visitor) => (await visitor.get('/admin/search')).status === 200;
  const count = async (table: string) => (await hub.context.database.knex(table).select('*')).length;
  const rows = async () => [await count('users'), await count('identities'), await count('sign_ins')];
  const tokenCalls = () => hub.sandbox.google.state.requests.filter(({ path }) => path.startsWith('/token')).length;

  /** That a page is the sign-in page with a sentence, and that nobody came in by it. */
  async function expectRefused(page: Page, visitor: Visitor, status: number, sentence: string): Promise<void> {
    expect(page.status, textOf(page.html)).to.equal(status);
    expect(textOf(page.html)).to.contain(sentence).and.to.contain('Sign in with Google');
    expect(await isIn(visitor)).to.equal(false);
  }

  it('is sent away with a state that is forged, missing, spent, too old or another browser’s, and no code is redeemed', async () => {
    const victim = openVisitor(hub.url);
    const back = await allowSso(victim, 'google', ada.email);
    const [before, calls] = [await rows(), tokenCalls()];
    const sentence = 'was not begun in this browser, was finished already, or took over ten minutes';
    const attacker = openVisitor(hub.url);
    const theirs = await allowSso(attacker, 'google', ada.email);
    const stateOf = (path: string) => new URL(path, hub.url).searchParams.get('state') ?? '';
    const withState = (path: string, state: string) => path.replace(stateOf(path), state);
    // Login CSRF: the attacker’s own code and state, brought to the victim’s browser.
    await expectRefused(await victim.get(theirs), victim, 400, sentence);
    await expectRefused(await openVisitor(hub.url).get(back), openVisitor(hub.url), 400, sentence);
    for (const path of [withState(back, 'forged'), withState(back, ''), back.replace(/state=/, 'other=')])
      await expectRefused(await victim.get(path), victim, 400, sentence);
    await expectRefused(await victim.get(`${back}&state=twice`), victim, 400, sentence);
    expect([await rows(), tokenCalls()]).to.deep.equal([before, calls]);

    await hub.context.database.knex('oauth_states').update({ expires_at: new Date(0) });
    await expectRefused(await victim.get(back), victim, 400, sentence);
    expect([await rows(), tokenCalls()]).to.deep.equal([before, calls]);

    const fresh = await allowSso(victim, 'google', ada.email);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => victim.get(fresh)));
    expect(outcomes.filter(({ status }) => status === 303)).to.have.length(1);
    expect(tokenCalls()).to.equal(calls + 1);
  });

  it('cannot bring what one service gave to the address of the other', async () => {
    const visitor = openVisitor(hub.url);
    const back = await allowSso(visitor, 'google', ada.email);
    const mixed = await visitor.get(back.replace('/google/', '/atlassian/'));
    await expectRefused(mixed, visitor, 400, 'was not begun in this browser');
    // Nor what connects an account, which is the signed-in user’s.
    const user = await signInAs(hub.url, hub.member.email);
    const begun = await user.post('/admin/integrations/connect/google_drive');
    const connecting = await consent(begun.location ?? '', 'Allow', { email: ada.email });
    expect((await user.get(`/sign-in/sso/google/callback${connecting.search}`)).status).to.equal(400);
    expect(await hub.context.identities.list(hub.member)).to.deep.equal([]);
    expect((await visitor.get(back)).status).to.equal(303);
  });

  it('cannot use the state of a link to sign in, nor that of a sign-in to link', async () => {
    const user = await signInAs(hub.url, hub.member.email);
    const account = somebody('ferries.example');
    const linking = await allowSso(user, 'google', account.email, { link: true });
    await user.post('/sign-out');
    expect((await user.get(linking)).status).to.equal(400);
    const stranger = openVisitor(hub.url);
    const signingIn = await allowSso(stranger, 'google', account.email);
    await stranger.get('/sign-in');
    await stranger.post('/sign-in', { email: hub.member.email, password: PASSWORD });
    const page = await stranger.get(signingIn);
    expect(page.status).to.equal(400);
    expect(page.headers.get('cache-control')).to.equal('no-store');
    expect(textOf(page.html)).to.contain('was not begun in this browser').and.to.contain('Your profile');
    expect(await hub.context.identities.list(hub.member)).to.deep.equal([]);
  });

  it('proves by a fresh verifier to be the one who began, with one redirect URI at both legs', async () => {
    const verifiers = new Set<string>();
    for (const [provider, times] of [
      ['google', 2],
      ['atlassian', 1],
    ] as const)
      for (let at = 0; at < times; at++) {
        const visitor = openVisitor(hub.url);
        const url = await beginSso(visitor, provider);
        const asked = new URL(url).searchParams;
        const from = watched.sent.length;
        const back = await consent(url, 'Allow', { email: ada.email });
        await visitor.get(back.pathname + back.search);
        const [call, ...more] = watched.sent.slice(from).filter(({ url: { pathname } }) => pathname.endsWith('token'));
        expect(more).to.deep.equal([]);
        const form = Object.fromEntries(call?.form ?? []);
        expect(form.code_verifier).to.match(/^[A-Za-z0-9._~-]{43,128}$/);
        expect(asked.get('code_challenge_method')).to.equal('S256');
        expect(asked.get('code_challenge')).to.equal(
          createHash('sha256')
            .update(form.code_verifier ?? '')
            .digest('base64url'),
        );
        expect(call?.url.search).to.equal('');
        const redirectUri = `${hub.url}/sign-in/sso/${provider}/callback`;
        expect([asked.get('redirect_uri'), form.redirect_uri]).to.deep.equal([redirectUri, redirectUri]);
        verifiers.add(form.code_verifier ?? '');
      }
    expect(verifiers.size).to.equal(3);
  });

  it('is let in by no address that the service has not verified', async () => {
    const { email } = somebody('ferries.example', { emailVerified: false });
    await hub.context.invitations.invite(hub.admin, { email, role: 'member' });
    const before = await rows();
    for (const provider of ['google', 'atlassian'] as const) {
      const visitor = openVisitor(hub.url);
      const page = await throughSso(visitor, provider, email);
      await expectRefused(page, visitor, 403, 'has not verified an e-mail address of this account');
    }
    expect(await rows()).to.deep.equal(before);
    expect(await hub.context.invitations.pending()).to.equal(1);
  });

  it('gets nobody’s account by an address that the service cannot vouch for', async () => {
    const before = await rows();
    for (const [provider, account] of [
      ['google', somebody('ferries.example', { organisation: undefined })],
      ['google', somebody('ferries.example', { organisation: 'evil.example' })],
      ['google', somebody('gmail.com.evil.example', { organisation: 'gmail.com' })],
      ['atlassian', somebody('ferries.example')],
      ['atlassian', somebody('gmail.com')],
    ] as const) {
      await create(account.email);
      before[0]! += 1;
      const visitor = openVisitor(hub.url);
      const page = await throughSso(visitor, provider, account.email);
      await expectRefused(page, visitor, 403, 'alone does not prove that it is yours');
    }
    expect(await rows()).to.deep.equal(before);
  });

  it('gets nobody’s account by an address or a domain that has changed hands', async () => {
    const first = somebody('ferries.example');
    expect((await throughSso(openVisitor(hub.url), 'google', first.email)).status).to.equal(303);
    accounts.splice(accounts.indexOf(first), 1);
    const second = { ...first, id: '999', name: 'Someone Else' };
    accounts.push(second);
    const before = await rows();
    const visitor = openVisitor(hub.url);
    await expectRefused(
      await throughSso(visitor, 'google', second.email),
      visitor,
      403,
      'alone does not prove that it is yours',
    );
    expect(await rows()).to.deep.equal(before);
  });

  it('does not bring back by its address what a user has unlinked', async () => {
    const { email } = somebody('gmail.com');
    const user = await create(email);
    expect((await throughSso(openVisitor(hub.url), 'google', email)).status).to.equal(303);
    const [identity] = await hub.context.identities.list(user);
    await hub.context.identities.unlink(user, identity?.id ?? '');
    for (const id of [undefined, 'another account with this address']) {
      if (id) accounts.find((one) => one.email === email)!.id = id;
      expect((await throughSso(openVisitor(hub.url), 'google', email)).status).to.equal(403);
    }
    expect(await hub.context.identities.list(user)).to.deep.equal([]);
  });

  it('cannot link, see or unlink an identity of another user', async () => {
    const { email } = somebody('ferries.example');
    const owner = openVisitor(hub.url);
    await throughSso(owner, 'google', email);
    const unlink = /href="(\/admin\/profile\/identities\/[^"]+\/unlink)"/.exec(
      (await owner.get('/admin/profile')).html,
    )?.[1];
    const other = await signInAs(hub.url, hub.member.email);
    const page = await throughSso(other, 'google', email, { link: true });
    expect(page.status).to.equal(409);
    expect(textOf(page.html)).to.contain('Somebody else signs in to this hub with this Google account.');
    expect(await hub.context.identities.list(hub.member)).to.deep.equal([]);
    expect((await other.get(unlink ?? '')).status).to.equal(404);
    expect((await other.post(unlink ?? '')).status).to.equal(404);
    expect((await throughSso(openVisitor(hub.url), 'google', email)).status).to.equal(303);
  });

  it('stays out when disabled, whether the identity or only the address is known', async () => {
    const known = somebody('ferries.example');
    await throughSso(openVisitor(hub.url), 'google', known.email);
    const named = somebody('gmail.com');
    await create(named.email);
    for (const { email } of [known, named]) {
      const person = (await hub.context.users.list()).find((one) => one.email === email);
      await hub.context.users.disable(hub.admin, person?.id ?? '');
      const before = await rows();
      const visitor = openVisitor(hub.url);
      await expectRefused(await throughSso(visitor, 'google', email), visitor, 403, 'is disabled');
      expect(await rows()).to.deep.equal(before);
    }
  });

  it('gets a new session, so that an id known before is worth nothing', async () => {
    const visitor = openVisitor(hub.url);
    const back = await allowSso(visitor, 'google', ada.email);
    const known = visitor.cookies();
    expect((await visitor.get(back)).status).to.equal(303);
    expect(visitor.cookies()).not.to.equal(known);
    const fixed = await fetch(`${hub.url}/admin/search`, { headers: { cookie: known }, redirect: 'manual' });
    expect(fixed.status).to.equal(303);
    expect(await isIn(visitor)).to.equal(true);
  });

  it('is never sent to another site after it', async () => {
    for (const next of [
      '//evil.example',
      'https://evil.example/',
      '/\\evil.example',
      '/%0d%0aSet-Cookie:x',
      'javascript:1',
    ]) {
      const page = await throughSso(openVisitor(hub.url), 'google', ada.email, { next });
      expect(page.status).to.equal(303);
      expect(new URL(page.location ?? '', hub.url).origin, next).to.equal(hub.url);
    }
  });

  it('has no password that anybody could guess, and the form takes as long as for others', async () => {
    const { email } = ada;
    const { users } = hub.context;
    for (const guess of ['', 'null', 'nobody has this password'])
      expect(await users.authenticate(email, guess), guess).to.equal(undefined);
    const fastest = new Map([
      [email, Infinity],
      [hub.admin.email, Infinity],
    ]);
    for (let at = 0; at < 10; at++)
      for (const [who, time] of fastest) {
        const from = performance.now();
        await users.authenticate(who, 'not the password');
        fastest.set(who, Math.min(time, performance.now() - from));
      }
    // A hash takes over ten milliseconds, and looking a user up one or two.
    expect(fastest.get(email)).to.be.above(fastest.get(hub.admin.email)! / 3);
  });

  it('leaves no code, state, verifier, token or client secret in the log or the database', async () => {
    const secrets = watched.sent.flatMap(({ form }) =>
      ['code', 'code_verifier', 'client_secret'].flatMap((name) => form.getAll(name)),
    );
    for (const provider of ['google', 'atlassian'] as const) {
      const visitor = openVisitor(hub.url);
      const back = await allowSso(visitor, provider, ada.email);
      secrets.push(new URL(back, hub.url).searchParams.get('state') ?? '');
      if (provider === 'google') hub.sandbox.google.state.failNext((path) => path.includes('token'), { status: 500 });
      await visitor.get(back);
    }
    const { knex } = hub.context.database;
    const { rows: tables } = (await knex.raw(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    )) as { rows: { name: string }[] };
    const places = [
      hub.logs(),
      ...(await Promise.all(tables.map(({ name }) => knex(name).select('*')))).map((all) => JSON.stringify(all)),
    ];
    expect(hub.logs()).to.contain('a user signed in').and.to.contain('a sign-in by another service failed');
    expect(new Set(secrets).size).to.be.above(30);
    for (const text of places) {
      // What access tokens of both begin with.
      expect(text).not.to.match(/ya29\.|"eyJ/);
      for (const secret of secrets) {
        expect(secret).to.have.length.above(8);
        expect(text.includes(secret)).to.equal(false);
      }
    }
  });

  it('is slowed down: after a hundred failures a client waits, and reads why on the sign-in page', async () => {
    const visitor = openVisitor(hub.url);
    let page = await visitor.get('/sign-in/sso/google/callback?state=guess');
    for (let tries = 0; tries < 100 && page.status !== 429; tries++)
      page = await visitor.get('/sign-in/sso/google/callback?state=guess');
    expect(page.status).to.equal(429);
    expect(textOf(page.html)).to.contain('Wait 15 minutes').and.to.contain('Sign in with Google');
    expect(page.headers.get('retry-after')).to.match(/^\d+$/);
  });
});
