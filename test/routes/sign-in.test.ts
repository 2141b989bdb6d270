import { expect } from 'chai';
import { startHub, type TestHub, PASSWORD } from '../helpers/hub.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { openVisitor, signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

onOneDatabase('sign-in', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());

  it('sends strangers from any page to the form and back after it', async () => {
    const visitor = openVisitor(hub.url);
    const away = await visitor.get('/admin/documents?q=lease');
    expect(away.status).to.equal(303);
    expect(away.location).to.equal('/sign-in?next=%2Fadmin%2Fdocuments%3Fq%3Dlease');
    await visitor.get(away.location ?? '');
    const back = await visitor.post('/sign-in', {
      email: 'ADMIN@example.com',
      password: PASSWORD,
      next: '/admin/documents?q=lease',
    });
    expect([back.status, back.location]).to.deep.equal([303, '/admin/documents?q=lease']);
  });

  it('never sends anybody to another site after it', async () => {
    for (const next of [
      '//evil.example',
      'https://evil.example/',
      '/\\evil.example',
      '/%0d%0aSet-Cookie:x',
      'javascript:1',
    ]) {
      const visitor = openVisitor(hub.url);
      await visitor.get('/sign-in');
      const page = await visitor.post('/sign-in', { email: 'admin@example.com', password: PASSWORD, next });
      expect(new URL(page.location ?? '', hub.url).origin, next).to.equal(hub.url);
    }
  });

  it('says that address or password is wrong without telling which, keeps the address and never shows the password', async () => {
    for (const email of ['admin@example.com', 'nobody@example.com']) {
      const visitor = openVisitor(hub.url);
      await visitor.get('/sign-in');
      const page = await visitor.post('/sign-in', { email, password: 'not the password' });
      expect(page.status).to.equal(422);
      expect(page.html).to.contain('The e-mail address or the password is wrong.').and.to.contain(email);
      expect(page.html).not.to.contain('not the password');
    }
  });

  it('takes a password exactly as it was chosen: long, of any letters, and with nothing behind it', async () => {
    const password = `  ${'ünï çödé '.repeat(21)}`.padEnd(200, '.');
    await hub.context.users.create({ email: 'long@example.com', name: 'Long', password, role: 'member' });
    for (const [typed, status] of [
      [`${password}!`, 422],
      [password.slice(0, -1), 422],
      [password.trim(), 422],
      [password.toUpperCase(), 422],
      [password, 303],
    ] as const) {
      const visitor = openVisitor(hub.url);
      await visitor.get('/sign-in');
      const page = await visitor.post('/sign-in', { email: 'long@example.com', password: typed });
      expect(page.status, typed).to.equal(status);
    }
  });

  it('starts a new session, so that an id known before is worth nothing', async () => {
    const visitor = openVisitor(hub.url);
    await visitor.get('/sign-in');
    const before = visitor.cookies();
    await visitor.post('/sign-in', { email: 'admin@example.com', password: PASSWORD });
    expect(visitor.cookies()).not.to.equal(before);
    const fixed = await fetch(`${hub.url}/admin/integrations`, { headers: { cookie: before }, redirect: 'manual' });
    expect(fixed.status).to.equal(303);
  });

  it('sets a cookie that scripts and other sites cannot use', async () => {
    const page = await fetch(`${hub.url}/sign-in`);
    const cookie = page.headers.get('set-cookie') ?? '';
    expect(cookie)
      .to.match(/HttpOnly/)
      .and.to.match(/SameSite=Lax/)
      .and.not.to.match(/Secure/);
  });

  it('has a cookie that no other host can set or read, where the hub is at https', async () => {
    const secure = await startHub({
      database: await open(),
      env: { BASE_URL: 'https://hub.example.com', TRUST_PROXY: '1' },
    });
    try {
      const headers = { 'x-forwarded-proto': 'https' };
      const page = await fetch(`${secure.url}/sign-in`, { headers });
      const cookie = page.headers.get('set-cookie') ?? '';
      expect(cookie)
        .to.match(/^__Host-tributary=/)
        .and.to.match(/; Path=\/;/)
        .and.to.match(/; HttpOnly/)
        .and.to.match(/; Secure/)
        .and.to.match(/; SameSite=Lax/)
        .and.not.to.match(/Domain/);
      const body = new URLSearchParams({
        _csrf: /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '',
        email: 'admin@example.com',
        password: PASSWORD,
      });
      const [pair = ''] = cookie.split(';');
      const sent = { ...headers, cookie: pair };
      const done = await fetch(`${secure.url}/sign-in`, { method: 'POST', body, headers: sent, redirect: 'manual' });
      expect([done.status, done.headers.get('set-cookie')?.startsWith('__Host-tributary=')]).to.deep.equal([303, true]);
    } finally {
      await secure.close();
    }
  });

  it('refuses a form without its token, and keeps the session', async () => {
    const visitor = await signInAs(hub.url, 'admin@example.com');
    const page = await visitor.post('/sign-out', { _csrf: 'forged' });
    expect(page.status).to.equal(403);
    expect(page.html).to.contain('nothing was changed');
    const id = page.headers.get('x-request-id') ?? '';
    const line = await waitFor('the line of the request', () =>
      hub
        .logs()
        .split('\n')
        .find((text) => text.includes(id) && text.includes('"status":403')),
    );
    expect(JSON.parse(line)).to.include({
      path: '/sign-out',
      refusal: 'csrf',
      address: '127.0.0.1',
      userId: hub.admin.id,
    });
    expect((await visitor.get('/admin/integrations')).status).to.equal(200);
  });

  it('gives every page after it the same token, also pages that are opened at once', async () => {
    const visitor = openVisitor(hub.url);
    await visitor.get('/sign-in');
    await visitor.post('/sign-in', { email: 'admin@example.com', password: PASSWORD });
    const tokenOn = async (page: string): Promise<string> => {
      const html = await (await visitor.fetch(page)).text();
      return /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? `none on ${page}`;
    };
    const tokens = await Promise.all(['/admin', '/admin/integrations', '/admin/documents'].map(tokenOn));
    expect(new Set(tokens).size, tokens.join(' ')).to.equal(1);
  });

  it('keeps what a form did before its answer leaves, however slow the store is', async () => {
    const { store } = hub.context.sessions;
    const set = store.set.bind(store);
    const visitor = await signInAs(hub.url, 'admin@example.com');
    await visitor.get('/admin/profile');
    store.set = (...asked) => void setTimeout(() => set(...asked), 300);
    try {
      const body = new URLSearchParams({ _csrf: visitor.csrf(), name: 'Harbour Master' });
      // Follows at the first byte of the answer, as browsers do.
      const away = await visitor.fetch('/admin/profile', { method: 'POST', body });
      expect([away.status, away.headers.get('location')]).to.deep.equal([303, '/admin/profile']);
      expect((await visitor.get('/admin/profile')).html).to.contain('Your name is changed.');
    } finally {
      store.set = set;
    }
  });

  it('says that something went wrong where the session cannot be kept', async () => {
    const { store } = hub.context.sessions;
    const set = store.set.bind(store);
    const visitor = openVisitor(hub.url);
    await visitor.get('/sign-in');
    store.set = (_id, _session, done) => done?.(new Error('the store is gone'));
    try {
      const page = await visitor.post('/sign-in', { email: 'admin@example.com', password: PASSWORD });
      expect(page.status).to.equal(500);
      expect(page.html).not.to.contain('the store is gone');
    } finally {
      store.set = set;
    }
  });

  it('ends the session at sign-out', async () => {
    const visitor = await signInAs(hub.url, 'member@example.com');
    const cookies = visitor.cookies();
    expect((await visitor.get('/admin/integrations')).headers.get('cache-control')).to.equal('no-store');
    const away = await visitor.post('/sign-out');
    expect(away.location).to.equal('/sign-in');
    expect(away.headers.get('clear-site-data')).to.equal('"cache", "storage"');
    const again = await fetch(`${hub.url}/admin/integrations`, { headers: { cookie: cookies }, redirect: 'manual' });
    expect(again.status).to.equal(303);
  });

  it('sends strict security headers and a request id, the caller’s where it is sane', async () => {
    const page = await fetch(`${hub.url}/sign-in`, { headers: { 'x-request-id': 'caller-0001' } });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy)
      .to.contain("script-src 'self'")
      .and.to.contain("frame-ancestors 'none'")
      .and.to.contain("object-src 'none'")
      .and.to.contain("base-uri 'none'")
      .and.not.to.contain('unsafe');
    expect(page.headers.get('x-request-id')).to.equal('caller-0001');
    const odd = await fetch(`${hub.url}/sign-in`, { headers: { 'x-request-id': 'bad id<script>' } });
    expect(odd.headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/);
  });

  it('shows an error page with the request id for an address that is not there', async () => {
    const visitor = await signInAs(hub.url, 'admin@example.com');
    const page = await visitor.get('/admin/nothing-here');
    expect(page.status).to.equal(404);
    expect(page.html).to.contain(page.headers.get('x-request-id') ?? 'missing');
  });

  it('slows guessing down: after ten wrong passwords even the right one has to wait', async () => {
    const visitor = openVisitor(hub.url);
    await visitor.get('/sign-in');
    for (let tries = 0; tries < 10; tries++)
      expect(
        (await visitor.post('/sign-in', { email: 'guess@example.com', password: `wrong ${tries}` })).status,
      ).to.equal(422);
    const page = await visitor.post('/sign-in', { email: 'guess@example.com', password: PASSWORD });
    expect(page.status).to.equal(429);
    expect(page.headers.get('retry-after')).to.match(/^\d+$/);
  });
});

onOneDatabase('the first set-up', (open) => {
  it('asks for the code from the log, creates one admin, and is closed after that', async () => {
    const hub = await startHub({
      database: await open(),
      env: { ADMIN_EMAIL: undefined, ADMIN_PASSWORD: undefined },
      users: false,
    });
    try {
      const visitor = openVisitor(hub.url);
      expect((await visitor.get('/sign-in')).location).to.equal('/set-up');
      await visitor.get('/set-up');
      const account = { email: 'first@example.com', name: 'First', password: PASSWORD };
      for (const code of ['000000000', '0'.repeat(32), 'ß'.repeat(32)]) {
        const wrong = await visitor.post('/set-up', { ...account, code });
        expect(wrong.status, code).to.equal(422);
        expect(wrong.html).to.contain('This is not the set-up code');
      }
      const code = /"setupCode":"([0-9a-f]{32})"/.exec(hub.logs())?.[1] ?? '';
      const done = await visitor.post('/set-up', { ...account, code });
      expect([done.status, done.location]).to.deep.equal([303, '/admin/integrations']);
      expect((await visitor.get('/admin/integrations')).html).to.contain('The hub is set up');
      const second = openVisitor(hub.url);
      expect((await second.get('/set-up')).location).to.equal('/sign-in');
    } finally {
      await hub.close();
    }
  });
});
