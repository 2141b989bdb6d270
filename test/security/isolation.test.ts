import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { PASSWORD, type TestHub } from '../helpers/hub.ts';
import { aliasRoutesOf, apiRoutesOf, pageRoutesOf, type Route } from '../helpers/routes.ts';
import { openVisitor, signInAs, type Visitor } from '../helpers/visitor.ts';
import { addressOf, startOwnedHub, type Owned, type OwnedHub } from './owned.ts';

/** Routes that anybody may call, signed in or not. */
const PUBLIC = new Set([
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /docs',
  'GET /docs/swagger-ui.css',
  'GET /docs/swagger-ui-bundle.js',
  'GET /sign-in',
  'POST /sign-in',
  'POST /sign-in/sso/:provider',
  'GET /sign-in/sso/:provider/callback',
  'POST /sign-out',
  'GET /set-up',
  'POST /set-up',
  'GET /invitation',
  'POST /invitation',
  'GET /',
]);

/** Pages for admins, whoever is asked about. */
const FOR_ADMINS = /^\/admin\/(users|invitations|audit)/;

/** What a route without an id in its address is sent in addition: the owner's ids where others hide them. */
const PROBES: Record<
  string,
  (owned: Owned) => { query?: string; json?: unknown; form?: Record<string, string>; status: number }
> = {
  'GET /admin/browse': ({ integration }) => ({ query: `?integration=${integration}`, status: 404 }),
  'GET /admin/browse/preview': ({ integration, ref }) => ({
    query: `?${new URLSearchParams({ integration, ref }).toString()}`,
    status: 404,
  }),
  'GET /admin/documents': ({ integration }) => ({ query: `?integration=${integration}`, status: 404 }),
  'GET /admin/documents/change': ({ document }) => ({ query: `?do=delete&id=${document}`, status: 404 }),
  'POST /admin/documents/change': ({ document }) => ({
    form: { do: 'delete', id: document, expected: '1' },
    status: 404,
  }),
  'GET /admin/search': () => ({ query: '?q=harbour+opens+at+six', status: 200 }),
  'POST /admin/imports': ({ integration, ref }) => ({
    form: {
      item: Buffer.from(JSON.stringify({ integrationId: integration, ref, name: 'x', kind: 'file' })).toString(
        'base64url',
      ),
    },
    status: 404,
  }),
  'POST /api/v1/imports': ({ integration, ref }) => ({
    json: { items: [{ integrationId: integration, fileId: ref }] },
    status: 404,
  }),
  'POST /api/v1/integrations/:target/import': ({ ref }) => ({ json: { fileIds: [ref] }, status: 404 }),
  'POST /api/v1/search': () => ({ json: { query: 'harbour opens at six' }, status: 200 }),
  'POST /admin/integrations/:id/disconnect': () => ({ form: { documents: 'delete' }, status: 404 }),
  'POST /admin/integrations/:id/schedule': () => ({ form: { every: '1h' }, status: 404 }),
  'POST /admin/imports/:id/removals': () => ({ form: { answer: 'remove' }, status: 404 }),
  'PUT /api/v1/integrations/:target/schedule': () => ({ json: { every: '1h' }, status: 404 }),
  'POST /api/v1/imports/:id/removals': () => ({ json: { answer: 'remove' }, status: 404 }),
  'POST /admin/notifications/:id/dismiss': () => ({ form: { return: '/admin/search' }, status: 404 }),
  'GET /api/v1/documents': () => ({ query: '?q=note', status: 200 }),
};

onOneDatabase('two users', (open) => {
  let world: OwnedHub;
  let hub: TestHub;
  let owned: Owned;
  before(async () => {
    world = await startOwnedHub(await open());
    ({ hub, owned } = world);
    await hub.context.users.create({
      email: 'other-admin@example.com',
      name: 'Other',
      password: PASSWORD,
      role: 'admin',
    });
  });
  after(() => world.close());

  const allRoutes = () => [...pageRoutesOf(hub.context), ...apiRoutesOf(hub.context), ...aliasRoutesOf(hub.context)];

  const isPage = ({ pattern }: Route) => !/^\/(api|auth|integrations)\//.test(pattern);

  async function send(visitor: Visitor, route: Route): Promise<{ status: number; text: string; expected: number }> {
    const probe = PROBES[`${route.method} ${route.pattern}`]?.(owned);
    const isApi = !isPage(route);
    const headers: Record<string, string> = { accept: isApi ? 'application/json' : 'text/html' };
    let body: RequestInit['body'];
    if (route.method !== 'GET') headers['x-csrf-token'] = visitor.csrf();
    if (probe?.json !== undefined) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(probe.json);
    } else if (route.method === 'POST' && !isApi) body = new URLSearchParams({ _csrf: visitor.csrf(), ...probe?.form });
    const answer = await visitor.fetch(addressOf(route.pattern, owned) + (probe?.query ?? ''), {
      method: route.method,
      headers,
      body,
    });
    const expected = probe?.status ?? (/:(id|target)/.test(route.pattern) ? 404 : 0);
    return { status: answer.status, text: await answer.text(), expected };
  }

  for (const email of ['member@example.com', 'other-admin@example.com'])
    it(`keeps every route of ${email} apart from what belongs to somebody else`, async () => {
      const routes = allRoutes().filter(({ method, pattern }) => !PUBLIC.has(`${method} ${pattern}`));
      expect(routes.length).to.be.above(35);
      expect(routes.filter(({ pattern }) => /:(id|target)/.test(pattern)).length).to.be.above(20);
      const visitor = await signInAs(hub.url, email);
      for (const route of routes) {
        const name = `${route.method} ${route.pattern}`;
        const { status, text, expected: otherwise } = await send(visitor, route);
        const expected = email.startsWith('member') && FOR_ADMINS.test(route.pattern) ? 403 : otherwise;
        if (expected > 0) expect(status, `${name} answered ${text.slice(0, 200)}`).to.equal(expected);
        expect(status, name).to.be.below(500);
        expect(text, name).not.to.contain('sandbox@tributary.example').and.not.to.contain('opens at six.');
        expect(text, name).not.to.contain('the owner’s script').and.not.to.contain('secret-note');
      }
      const { context, admin } = hub;
      expect((await context.integrations.list(admin)).map(({ status }) => status)).to.deep.equal(['active']);
      expect((await context.syncs.selections(admin, owned.integration)).map(({ id }) => id)).to.deep.equal([
        owned.selection,
      ]);
      expect((await context.syncs.schedule(admin, owned.integration)).every).to.equal(null);
      expect((await context.documents.facets(admin)).total).to.equal(1);
      expect((await context.imports.list(admin)).imports.map(({ id }) => id)).to.deep.equal([owned.import]);
      expect((await context.signIns.list(admin)).map(({ id }) => id)).to.include(owned.session);
      expect((await context.identities.list(admin)).map(({ id }) => id)).to.include(owned.identity);
      expect((await context.tokens.list(admin)).map(({ id }) => id)).to.include(owned.token);
      expect((await context.notifications.list(admin)).notifications[0]?.dismissedAt).to.equal(undefined);
      expect(hub.sandbox.google.state.revoked).to.deep.equal([]);
    });

  it('lets nobody without a session or a token into any of them', async () => {
    const stranger = openVisitor(hub.url);
    await stranger.get('/sign-in');
    for (const route of allRoutes()) {
      const name = `${route.method} ${route.pattern}`;
      if (PUBLIC.has(name)) continue;
      const { status, text } = await send(stranger, route);
      expect(status, name).to.equal(isPage(route) ? 303 : 401);
      expect(text, name).not.to.contain('opens at six.');
    }
  });

  it('lets members neither see nor make users', async () => {
    const visitor = await signInAs(hub.url, 'member@example.com');
    expect((await visitor.get('/admin/users')).status).to.equal(403);
    expect((await visitor.get('/admin/audit.csv')).status).to.equal(403);
    expect(
      (await visitor.post('/admin/users', { email: 'x@example.com', name: 'X', password: PASSWORD, role: 'admin' }))
        .status,
    ).to.equal(403);
    for (const call of ['users', 'audit']) expect((await visitor.fetch(`/api/v1/${call}`)).status, call).to.equal(403);
    expect((await hub.context.users.list()).some(({ email }) => email === 'x@example.com')).to.equal(false);
  });
});
