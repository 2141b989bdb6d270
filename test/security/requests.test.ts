import { request } from 'node:http';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { paths } from '../../server/paths.ts';
import { onOneDatabase } from '../helpers/database.ts';
import type { TestHub } from '../helpers/hub.ts';
import { aliasRoutesOf, apiRoutesOf, pageRoutesOf, type Route } from '../helpers/routes.ts';
import { openVisitor, signInAs, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';
import { addressOf, startOwnedHub, type Owned, type OwnedHub } from './owned.ts';

/** What a page that is only looked at may write: when its reader was seen, what was asked of a vendor, consents that were begun. */
const WRITTEN_BY_READING = new Set([
  'sessions',
  'sign_ins',
  'vendor_requests',
  'model_usage',
  'integrations',
  'credentials',
  'worker_activity',
  'vendor_pace',
]);
/** They begin or end something at a vendor or in the session, each by a state that cannot be guessed. */
const BEGUN_BY_LINK =
  /^GET (\/api\/v1\/integrations\/:platform\/(connect|callback)|(\/api)?\/auth\/\w+\/(login|callback)|\/sign-in\/sso\/:provider\/callback)$/;
const NEVER_ENDING = /\/events$/;
/** Pieces of other languages, and what parsers stumble over. */
const HOSTILE = [
  "' or 1=1; drop table users; --",
  '") OR ("1"="1',
  "\\' in parents or name contains '",
  '\0',
  '%00',
  '\r\nSet-Cookie: pwned=1',
  '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>',
  '{{7*7}}${7*7}<%= 7*7 %>',
  '../../../../etc/passwd',
  '%',
  '_',
  '\u202e\ud800',
  '99999999999999999999',
  '-1',
  'a'.repeat(5000),
];
/** Names that the hub's forms, addresses and bodies use, and some that it must not take. */
const FIELDS =
  'q cursor ref integration folder_id state item id ids email name role userId user_id category platform every answer do documents limit mode since until who action sort from next page view fileIds items query question expected return disabled_at isAdmin __proto__ constructor prototype'.split(
    ' ',
  );

/** Headers by which an address could be forged. */
const FORGED: Record<string, string>[] = [
  { host: 'evil.example' },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
  { 'x-original-url': '//evil.example', 'x-rewrite-url': '//evil.example' },
];

onOneDatabase('requests that no page of the hub would make', (open) => {
  let world: OwnedHub;
  let hub: TestHub;
  let owned: Owned;
  let visitor: Visitor;
  before(async () => {
    world = await startOwnedHub(await open());
    ({ hub, owned } = world);
    visitor = await signInAs(hub.url, hub.admin.email);
    const { knex } = hub.context.database;
    await waitFor(
      'the notifications to be handed on',
      async () => !(await knex('notifications').whereNull('routed_at').first('id')),
    );
  });
  after(() => world.close());

  const nameOf = ({ method, pattern }: Route) => `${method} ${pattern}`;
  const allRoutes = () =>
    [...pageRoutesOf(hub.context), ...apiRoutesOf(hub.context), ...aliasRoutesOf(hub.context)].filter(
      ({ pattern }) => !NEVER_ENDING.test(pattern),
    );
  const changing = () => allRoutes().filter(({ method }) => method !== 'GET');

  it('change nothing when they only read, whatever the address', async () => {
    const routes = allRoutes().filter((route) => route.method === 'GET' && !BEGUN_BY_LINK.test(nameOf(route)));
    expect(routes.length).to.be.above(40);
    for (const route of routes) {
      const before = await contentOf(hub.context.database.knex);
      const answer = await visitor.fetch(addressOf(route.pattern, owned));
      await answer.text();
      expect(answer.status, nameOf(route)).to.be.below(500);
      expect(await contentOf(hub.context.database.knex), nameOf(route)).to.deep.equal(before);
    }
  });

  it('are refused without the session’s own token, however it is sent otherwise', async () => {
    const other = await signInAs(hub.url, hub.member.email);
    const before = await contentOf(hub.context.database.knex);
    const routes = changing().filter(({ pattern }) => pattern !== '/sign-in' && pattern !== '/set-up');
    expect(routes.length).to.be.above(40);
    for (const route of routes) {
      const address = addressOf(route.pattern, owned);
      const forms: [what: string, query: string, init: RequestInit][] = [
        ['no token', '', { body: new URLSearchParams({ documents: 'delete' }) }],
        ['another session’s', '', { headers: { 'x-csrf-token': other.csrf() } }],
        ['in the address', `?_csrf=${visitor.csrf()}`, {}],
        [
          'twice',
          '',
          {
            body: new URLSearchParams([
              ['_csrf', visitor.csrf()],
              ['_csrf', 'x'],
            ]),
          },
        ],
        ['as plain text', '', { body: `_csrf=${visitor.csrf()}`, headers: { 'content-type': 'text/plain' } }],
        ['in JSON of a form', '', { body: `{"_csrf":"${visitor.csrf()}"}`, headers: { 'content-type': 'text/plain' } }],
      ];
      for (const [what, query, init] of forms) {
        const { status } = await visitor.fetch(address + query, { method: route.method, ...init });
        expect(status, `${nameOf(route)}, ${what}`).to.equal(403);
      }
    }
    expect(await contentOf(hub.context.database.knex)).to.deep.equal(before);
  });

  it('are what they say: no header and no field makes another method of them', async () => {
    const before = await contentOf(hub.context.database.knex);
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE', 'x-http-method': 'DELETE' };
    for (const query of ['', '?_method=DELETE']) {
      const read = await visitor.fetch(`/api/v1/documents/${owned.document}${query}`, { headers });
      expect(read.status).to.equal(200);
      const posted = await visitor.fetch(`/api/v1/documents/${owned.document}${query}`, {
        method: 'POST',
        headers: { ...headers, 'x-csrf-token': visitor.csrf(), 'content-type': 'application/json' },
        body: JSON.stringify({ _method: 'DELETE' }),
      });
      expect(posted.status).to.equal(404);
    }
    expect(await contentOf(hub.context.database.knex)).to.deep.equal(before);
  });

  it('never end as a fault of the hub, however their parameters look, and answer with no header of theirs', async () => {
    const member = await signInAs(hub.url, hub.member.email);
    const faults: string[] = [];
    for (const route of allRoutes()) {
      if (/sign-out|profile|sessions/.test(route.pattern)) continue;
      for (const [at, value] of HOSTILE.entries()) {
        const values = FIELDS.map((field): [string, string] => [field, value]);
        // Repeated, nested and as lists, too.
        const pairs = [
          ...values,
          ...values.slice(0, at),
          ...FIELDS.map((field): [string, string] => [`${field}[a][]`, value]),
        ];
        const query = new URLSearchParams(route.method === 'GET' ? pairs : pairs.slice(0, 20)).toString();
        const isApi = /^\/(api|auth|integrations)\//.test(route.pattern);
        const body =
          route.method === 'GET'
            ? undefined
            : isApi
              ? `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},${FIELDS.map((field) => `${JSON.stringify(field)}:${JSON.stringify(at % 2 ? [value] : value)}`).join()}}`
              : new URLSearchParams([['_csrf', member.csrf()], ...pairs]);
        const answer = await member.fetch(`${addressOf(route.pattern, owned)}?${query}`, {
          method: route.method,
          headers: { 'x-csrf-token': member.csrf(), ...(isApi ? { 'content-type': 'application/json' } : {}) },
          body,
        });
        const text = await answer.text();
        if (answer.status >= 500 && answer.status !== 503) faults.push(`${nameOf(route)} ${at}: ${answer.status}`);
        const isPage = answer.headers.get('content-type')?.startsWith('text/html');
        if (isPage && (text.includes('<img src=x onerror') || text.includes('<script>alert(1)')))
          faults.push(`${nameOf(route)} ${at}: its markup`);
        if (answer.headers.getSetCookie().some((cookie) => cookie.startsWith('pwned')))
          faults.push(`${nameOf(route)} ${at}: its cookie`);
      }
    }
    expect(faults).to.deep.equal([]);
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
    expect((await hub.context.users.list()).map(({ role }) => role).sort()).to.deep.equal(['admin', 'member']);
  });

  it('with another host’s name get no link, redirect or redirect URI that leads there', async () => {
    const { origin } = new URL(hub.url);
    for (const path of [
      '/',
      '/sign-in',
      paths.overview,
      paths.integrations,
      '/api/v1/integrations/google_drive/connect',
    ])
      for (const sent of FORGED) {
        const answer = await raw(origin, path, { ...sent, cookie: visitor.cookies() });
        expect(answer, `${path} ${JSON.stringify(sent)}`).not.to.include('evil.example');
      }
  });

  it('cannot be made by a frame, and tell no other site where they came from', async () => {
    for (const path of ['/sign-in', paths.overview, paths.browse(), '/openapi.json', '/nowhere']) {
      const { headers } = await visitor.fetch(path);
      expect(headers.get('content-security-policy'), path).to.include("frame-ancestors 'none'");
      expect(headers.get('x-frame-options'), path).to.equal('SAMEORIGIN');
      expect(headers.get('x-content-type-options'), path).to.equal('nosniff');
      expect(headers.get('referrer-policy'), path).to.equal('same-origin');
      expect(headers.get('cross-origin-opener-policy'), path).to.equal('same-origin');
      expect(headers.get('x-powered-by'), path).to.equal(null);
    }
  });

  it('with the cookie of a session that was ended are a stranger’s', async () => {
    const leaving = await signInAs(hub.url, hub.member.email);
    const cookie = leaving.cookies();
    expect((await fetch(hub.url + paths.overview, { headers: { cookie } })).status).to.equal(200);
    await leaving.post('/sign-out');
    const asked = async (path: string) =>
      (await fetch(hub.url + path, { headers: { cookie }, redirect: 'manual' })).status;
    expect([await asked(paths.overview), await asked('/api/v1/documents')]).to.deep.equal([303, 401]);
    const stranger = openVisitor(hub.url);
    await stranger.get('/sign-in');
    expect(stranger.cookies()).not.to.equal(cookie);
  });
});

/** A digest of every table that reading must leave as it is. */
async function contentOf(knex: Knex): Promise<Record<string, string>> {
  const tables = (await knex('pg_tables').where({ schemaname: 'public' }).pluck('tablename')) as string[];
  const found: Record<string, string> = {};
  for (const table of tables.filter((name) => !WRITTEN_BY_READING.has(name)).sort()) {
    const answer = await knex.raw<{ rows: { digest: string }[] }>(
      `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ?? t`,
      [table],
    );
    found[table] = answer.rows[0]?.digest ?? '';
  }
  return found;
}

/** Everything that comes back, headers included: `fetch` would not send these headers. */
const raw = (origin: string, path: string, headers: Record<string, string>): Promise<string> =>
  new Promise((resolve, reject) => {
    request(`${origin}${path}`, { headers }, (answer) => {
      let text = JSON.stringify(answer.headers);
      answer.on('data', (part: Buffer) => (text += part.toString()));
      answer.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
