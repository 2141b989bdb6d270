import { expect } from 'chai';
import type { SandboxAccount } from '../../providers/sandbox/sandbox-files.ts';
import { ConfigError, parseConfig } from '../../server/config.ts';
import { consent } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { addSomebody, allowSso, beginSso, startSsoHub, throughSso } from '../helpers/sso.ts';
import { openVisitor, signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

const NEW_PASSWORD = 'a wholly new password';

onOneDatabase('sign-in with an account of another service', (open) => {
  let hub: TestHub;
  let accounts: SandboxAccount[];
  before(async () => {
    hub = await startSsoHub({ database: await open(), env: { SSO_ALLOWED_DOMAINS: 'ferries.example, other.example' } });
    accounts = hub.sandbox.google.state.accounts;
  });
  after(() => hub.close());

  const somebody = (domain?: string, more?: Partial<SandboxAccount>) => addSomebody(accounts, domain, more);
  const userOf = async (email: string) => (await hub.context.users.list()).find((one) => one.email === email);
  const isIn = async (visitor: Visitor) => (await visitor.get('/admin/profile')).status === 200;
  const newest = async (action: string) => (await hub.context.audit.list(hub.admin, { action } as object)).entries[0];

  it('is offered on the sign-in page, by forms that need no scripts', async () => {
    const { html } = await openVisitor(hub.url).get('/sign-in?next=%2Fadmin%2Fsearch');
    for (const [provider, label] of [
      ['google', 'Google'],
      ['atlassian', 'Atlassian'],
    ]) {
      const form = html.split(`action="/sign-in/sso/${provider}"`)[1]?.split('</form>')[0] ?? '';
      expect(form).to.contain('name="_csrf"').and.to.contain('name="next" value="/admin/search"');
      expect(textOf(form)).to.contain(`Sign in with ${label}`);
    }
  });

  it('lets an invited person in, once, and brings them to the page that they asked for', async () => {
    for (const provider of ['google', 'atlassian'] as const) {
      const { email, name } = somebody();
      const { link } = await hub.context.invitations.invite(hub.admin, { email: email.toUpperCase(), role: 'admin' });
      const visitor = openVisitor(hub.url);
      const done = await throughSso(visitor, provider, email, { next: '/admin/documents?q=lease' });
      expect([done.status, done.location]).to.deep.equal([303, '/admin/documents?q=lease']);
      expect((await visitor.get('/admin')).html).to.contain(`Welcome, ${name}.`);
      expect(await userOf(email.toUpperCase())).to.deep.include({
        name,
        role: 'admin',
        hasPassword: false,
        identityProviders: [provider],
      });
      expect((await openVisitor(hub.url).get(link)).status).to.equal(404);
      expect((await newest('sign_in'))?.details).to.deep.equal({ by: provider });
      expect((await newest('identity_linked'))?.details).to.deep.equal({ by: provider });
      // The identity is known now, and its address counts for nothing any more.
      const account = accounts.find((one) => one.email === email)!;
      account.email = `renamed-${email}`;
      const again = openVisitor(hub.url);
      expect((await throughSso(again, provider, account.email)).location).to.equal('/');
      expect(textOf((await again.get('/admin/profile')).html)).to.contain(account.email);
      expect(await userOf(account.email)).to.equal(undefined);
    }
  });

  it('makes a member of whoever has a verified address of an allowed domain, and of nobody else', async () => {
    const { email } = somebody('ferries.example');
    expect((await throughSso(openVisitor(hub.url), 'atlassian', email)).status).to.equal(303);
    expect(await userOf(email)).to.include({ role: 'member', hasPassword: false });
    for (const domain of [
      'saltmarsh.example',
      'notferries.example',
      'sub.ferries.example',
      'ferries.example.evil.example',
    ]) {
      const stranger = somebody(domain);
      const refused = await throughSso(openVisitor(hub.url), 'google', stranger.email);
      expect(refused.status, domain).to.equal(403);
      expect(textOf(refused.html)).to.contain('Nobody on this hub has the address of this Google account.');
      expect(await userOf(stranger.email)).to.equal(undefined);
    }
    expect(await newest('sign_in_failed')).to.deep.include({
      actor: { kind: 'stranger', id: undefined, email: undefined },
      subject: undefined,
      details: { by: 'google', because: 'unknown' },
    });
  });

  it('links a user by the address where Google alone gives it out', async () => {
    const { email } = somebody('gmail.com', { organisation: undefined });
    await hub.context.users.create({ email: email.toUpperCase(), name: 'Gil', password: PASSWORD, role: 'member' });
    const visitor = openVisitor(hub.url);
    expect((await throughSso(visitor, 'google', email)).status).to.equal(303);
    expect(textOf((await visitor.get('/admin')).html)).to.contain('Your Google account has your address');
    expect(await userOf(email.toUpperCase())).to.deep.include({ hasPassword: true, identityProviders: ['google'] });
  });

  it('says that access was denied, that a service is away or asks for a pause, and leaves nothing behind', async () => {
    const { email } = somebody('ferries.example');
    const { google, atlassian } = hub.sandbox;
    const denied = await consent(await beginSso(openVisitor(hub.url), 'google'), 'Deny');
    // Of another browser: its own state is not this one's.
    expect((await openVisitor(hub.url).get(denied.pathname + denied.search)).status).to.equal(400);
    const visitor = openVisitor(hub.url);
    const own = await consent(await beginSso(visitor, 'google', { next: '/admin/search' }), 'Deny');
    const page = await visitor.get(own.pathname + own.search);
    expect(page.status).to.equal(400);
    expect(textOf(page.html)).to.contain('Google was not allowed to say who you are, so nothing was changed.');
    expect(page.html).to.contain('name="next" value="/admin/search"');

    const cases = [
      { path: '/token', status: 500, body: { error: 'broken' }, expected: [502, 'could not say who you are'] },
      { path: '/token', status: 400, body: { error: 'invalid_grant' }, expected: [400, 'did not accept the sign-in'] },
      { path: '/token', status: 401, body: { error: 'invalid_client' }, expected: [502, 'does not accept the app'] },
      { path: '/userinfo', status: 429, body: {}, expected: [503, 'asks for a pause'] },
      { path: '/userinfo', status: 200, body: {}, expected: [502, 'could not say who you are'] },
    ] as const;
    for (const { path, status, body, expected } of cases) {
      const somewhere = openVisitor(hub.url);
      const back = await allowSso(somewhere, 'google', email);
      google.state.failNext((asked) => asked.includes(path), { status, body });
      const failed = await somewhere.get(back);
      expect(failed.status, path).to.equal(expected[0]);
      expect(textOf(failed.html)).to.contain(expected[1]).and.to.contain('Sign in with Google');
      // The code and the state are spent.
      expect((await somewhere.get(back)).status).to.equal(400);
    }
    const there = openVisitor(hub.url);
    const back = await allowSso(there, 'atlassian', email);
    atlassian.state.failNext((asked) => asked.includes('/me'), { status: 503 });
    expect((await there.get(back)).status).to.equal(502);
    expect(await userOf(email)).to.equal(undefined);
    const { knex } = hub.context.database;
    expect(await knex('identities').where({ email })).to.deep.equal([]);
    expect(await knex('oauth_states').whereNull('user_id').where({ return_to: '/admin/search' })).to.deep.equal([]);
  });

  it('asks for no more than who the person is, and keeps no token', async () => {
    const { email } = somebody('ferries.example');
    const sealed = async () => hub.context.database.knex('integration_credentials').select('*');
    const before = await sealed();
    for (const [provider, scope] of [
      ['google', 'openid email profile'],
      ['atlassian', 'read:me'],
    ] as const) {
      const url = new URL(await beginSso(openVisitor(hub.url), provider));
      expect(url.searchParams.get('scope')).to.equal(scope);
      expect(url.searchParams.get('access_type')).to.equal(null);
      expect((await throughSso(openVisitor(hub.url), provider, email)).status).to.equal(
        provider === 'google' ? 303 : 403,
      );
    }
    expect(await sealed()).to.deep.equal(before);
  });

  describe('on the profile page', () => {
    it('is linked by a user who is signed in, used by them, and unlinked after a question', async () => {
      const { email } = somebody('elsewhere.example', { emailVerified: false, organisation: undefined });
      const visitor = await signInAs(hub.url, hub.member.email);
      expect((await throughSso(visitor, 'atlassian', email, { link: true })).location).to.equal('/admin/profile');
      const { html } = await visitor.get('/admin/profile');
      expect(textOf(html)).to.contain('You can sign in with Atlassian from now on.').and.to.contain(email);
      // Again changes nothing.
      expect((await throughSso(visitor, 'atlassian', email, { link: true })).location).to.equal('/admin/profile');
      expect(await hub.context.identities.list(hub.member)).to.have.length(1);

      const elsewhere = openVisitor(hub.url);
      expect((await throughSso(elsewhere, 'atlassian', email)).location).to.equal('/');
      expect(textOf((await elsewhere.get('/admin/profile')).html)).to.contain(`You sign in as ${hub.member.email}.`);

      const unlink = /href="(\/admin\/profile\/identities\/[^"]+\/unlink)"/.exec(html)?.[1] ?? '';
      expect(textOf((await visitor.get(unlink)).html))
        .to.contain('Unlink this Atlassian account?')
        .and.to.contain(email);
      expect((await visitor.post(unlink)).location).to.equal('/admin/profile');
      expect((await visitor.post(unlink)).status).to.equal(404);
      expect((await newest('identity_unlinked'))?.details).to.deep.equal({ by: 'atlassian' });
      const gone = await throughSso(openVisitor(hub.url), 'atlassian', email);
      expect(gone.status).to.equal(403);
      expect(textOf(gone.html)).to.contain('was unlinked');
      // Whoever has given it up may be followed by somebody else.
      const admin = await signInAs(hub.url, hub.admin.email);
      expect((await throughSso(admin, 'atlassian', email, { link: true })).location).to.equal('/admin/profile');
      expect(await hub.context.identities.list(hub.admin)).to.have.length(1);
    });

    it('is kept as the last way in, until there is a password', async () => {
      const { email } = somebody('ferries.example');
      const visitor = openVisitor(hub.url);
      await throughSso(visitor, 'google', email);
      const other = openVisitor(hub.url);
      await throughSso(other, 'google', email);
      const { html } = await visitor.get('/admin/profile');
      expect(html).not.to.contain('name="present"');
      const unlink = /href="(\/admin\/profile\/identities\/[^"]+\/unlink)"/.exec(html)?.[1] ?? '';
      const refused = await visitor.post(unlink);
      expect(refused.status).to.equal(409);
      expect(textOf(refused.html)).to.contain('Set a password first');

      const short = await visitor.post('/admin/profile/password', { password: 'short' });
      expect([short.status, textOf(short.html).includes('Enter a password of 12')]).to.deep.equal([422, true]);
      expect((await visitor.post('/admin/profile/password', { password: NEW_PASSWORD })).status).to.equal(303);
      expect(textOf((await visitor.get('/admin/profile')).html)).to.contain('Your password is set.');
      expect(await isIn(other)).to.equal(false);
      expect(await hub.context.users.authenticate(email, NEW_PASSWORD)).to.include({ email });
      // From now on it is changed with the present one only.
      const again = await visitor.post('/admin/profile/password', { password: 'yet another password' });
      expect(textOf(again.html)).to.contain('Enter your present password.');
      expect((await visitor.post(unlink)).location).to.equal('/admin/profile');
      expect(await userOf(email)).to.deep.include({ hasPassword: true, identityProviders: [] });
    });

    it('needs the token of its forms', async () => {
      const visitor = await signInAs(hub.url, hub.member.email);
      expect((await visitor.post('/admin/profile/identities/link/google', { _csrf: 'forged' })).status).to.equal(403);
      const stranger = openVisitor(hub.url);
      await stranger.get('/sign-in');
      expect((await stranger.post('/sign-in/sso/google', { _csrf: 'forged' })).status).to.equal(403);
    });
  });

  it('is shown to admins: how each person signs in', async () => {
    const { email } = somebody('ferries.example');
    await throughSso(openVisitor(hub.url), 'google', email);
    const admin = await signInAs(hub.url, hub.admin.email);
    const { html } = await admin.get('/admin/users');
    const row = textOf(
      html
        .split('<tr')
        .find((part) => part.includes(email))
        ?.split('</tr>')[0] ?? '',
    );
    expect(row).to.contain('Google').and.not.to.contain('Password');
    const { id = '' } = (await userOf(email)) ?? {};
    expect(textOf((await admin.get(`/admin/users/${id}`)).html)).to.contain('Signs in by Google');
    const audit = textOf((await admin.get('/admin/audit')).html);
    expect(audit).to.contain('Account to sign in with linked by Google').and.to.contain('Signed in by Google');
  });

  it('has its findings on the set-up page', async () => {
    const admin = await signInAs(hub.url, hub.admin.email);
    const text = textOf((await admin.get('/admin/setup')).html);
    expect(text).to.contain(
      'by password, Google and Atlassian; whoever has an address of ferries.example, other.example',
    );
    expect(text).to.contain(`Redirect URI to register: ${hub.url}/sign-in/sso/google/callback`);
    expect(text).to.contain(`Redirect URI to register: ${hub.url}/sign-in/sso/atlassian/callback`);
  });
});

onOneDatabase('sign-in without the services', (open) => {
  it('shows no buttons and takes no way round them', async () => {
    const hub = await startHub({ database: await open() });
    try {
      const visitor = openVisitor(hub.url);
      expect((await visitor.get('/sign-in')).html).not.to.contain('/sign-in/sso');
      for (const provider of ['google', 'nonsense'])
        expect((await visitor.post(`/sign-in/sso/${provider}`)).status).to.equal(404);
      expect((await visitor.get('/sign-in/sso/google/callback?state=x&code=y')).status).to.equal(404);
      const admin = await signInAs(hub.url, hub.admin.email);
      expect((await admin.get('/admin/profile')).html).not.to.contain('identities');
      expect((await admin.post('/admin/profile/identities/link/google')).status).to.equal(404);
      expect(textOf((await admin.get('/admin/setup')).html)).to.contain('by password only; SSO_PROVIDERS is not set');
    } finally {
      await hub.close();
    }
  });
});

describe('the settings of sign-in with other services', () => {
  const CLIENTS = { GOOGLE_CLIENT_ID: 'shared', GOOGLE_CLIENT_SECRET: 'shared-secret' };
  const problemsOf = (env: Record<string, string>): string[] => {
    try {
      parseConfig(env);
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
    }
    return [];
  };

  it('are off by default, and take an app of their own before the one that accounts are connected by', () => {
    expect(parseConfig(CLIENTS).sso).to.deep.equal({ google: undefined, atlassian: undefined, allowedDomains: [] });
    const shared = parseConfig({ ...CLIENTS, SSO_PROVIDERS: 'Google' }).sso.google;
    expect([shared?.clientId, shared?.clientSecret?.reveal()]).to.deep.equal(['shared', 'shared-secret']);
    const own = { SSO_GOOGLE_CLIENT_ID: 'own', SSO_GOOGLE_CLIENT_SECRET: 'own-secret' };
    const { sso, google } = parseConfig({ ...CLIENTS, ...own, SSO_PROVIDERS: 'google' });
    expect([sso.google?.clientId, sso.google?.clientSecret?.reveal()]).to.deep.equal(['own', 'own-secret']);
    expect(google.clientId).to.equal('shared');
    expect(parseConfig({ SSO_ALLOWED_DOMAINS: 'Example.COM,b.example' }).sso.allowedDomains).to.deep.equal([
      'example.com',
      'b.example',
    ]);
  });

  it('are refused with the names of what is wrong', () => {
    expect(problemsOf({ SSO_PROVIDERS: 'google' })).to.deep.equal([
      'SSO_PROVIDERS: google needs SSO_GOOGLE_CLIENT_ID and SSO_GOOGLE_CLIENT_SECRET, or GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET',
    ]);
    expect(problemsOf({ SSO_PROVIDERS: 'atlassian', SSO_ATLASSIAN_CLIENT_ID: 'x' })[0]).to.contain(
      'SSO_ATLASSIAN_CLIENT_ID and SSO_ATLASSIAN_CLIENT_SECRET: set both or neither',
    );
    expect(problemsOf({ ...CLIENTS, SSO_PROVIDERS: 'google,okta' })[0]).to.match(/^SSO_PROVIDERS: must be/);
    for (const SSO_ALLOWED_DOMAINS of ['@example.com', 'example', '*.example.com', 'a b.example'])
      expect(problemsOf({ SSO_ALLOWED_DOMAINS })[0], SSO_ALLOWED_DOMAINS).to.match(/^SSO_ALLOWED_DOMAINS: must be/);
  });
});
