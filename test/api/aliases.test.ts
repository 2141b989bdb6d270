import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { consent } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs } from '../helpers/visitor.ts';
import { answer, openClient, problem, type CallOptions, type Client } from './client.ts';

const PLATFORMS = ['jira', 'confluence'] as const;
const LOGINS = PLATFORMS.flatMap((platform) => [
  { platform, base: `/auth/${platform}` },
  { platform, base: `/api/auth/${platform}` },
]);

onOneDatabase('older names of API calls', (open) => {
  let hub: TestHub;
  let client: Client;
  before(async () => {
    hub = await startHub({ database: await open() });
    client = await openClient(hub);
  });
  after(() => hub?.close());

  /** A call at the root, not below the API's own. */
  const call = (method: string, route: string, { user = hub.admin, headers }: CallOptions = {}) =>
    fetch(hub.url + route, {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${client.tokenOf(user)}`, accept: 'application/json', ...headers },
    });
  const disconnect = async () => {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
  };
  const redirectUri = (url: string) => new URL(url).searchParams.get('redirect_uri');

  for (const { platform, base } of LOGINS)
    it(`${base} begins and ends a grant, with one redirect URI at both legs`, async () => {
      const { url } = await answer(await call('GET', `${base}/login`), 200, schemas.connectAnswer);
      expect(redirectUri(url)).to.equal(`${hub.url}/api/v1/integrations/${platform}/callback`);
      const { search } = await consent(url, 'Allow');
      // The stand-in compares the redirect URI of the exchange with that of the authorization.
      const done = await answer(await call('GET', `${base}/callback${search}`), 200, schemas.callbackAnswer);
      expect(done.integration).to.include({ platform, connected: true, status: 'active' });
      await problem(await call('GET', `${base}/callback${search}`), 400, 'invalid_state');
      await disconnect();
    });

  it('send a browser to the consent page, and back to the page of the account', async () => {
    const visitor = await signInAs(hub.url, hub.admin.email);
    for (const { platform, base } of LOGINS) {
      const away = await visitor.get(`${base}/login?redirect=true`);
      expect([away.status, away.headers.get('cache-control')]).to.deep.equal([307, 'no-store']);
      expect(redirectUri(away.location ?? '')).to.equal(`${hub.url}/api/v1/integrations/${platform}/callback`);
      const { search } = await consent(away.location ?? '', 'Allow');
      const landed = await visitor.get(`${base}/callback${search}`);
      expect(landed.status).to.equal(303);
      expect(landed.location).to.match(/^\/admin\/integrations\/[0-9a-f-]{36}$/);
      await problem(await visitor.fetch(`${base}/login?redirect=perhaps`), 422, 'invalid_input');
      await disconnect();
    }
    const stranger = await fetch(`${hub.url}/auth/jira/callback?code=x&state=y`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    });
    expect([stranger.status, stranger.headers.get('location')]).to.deep.equal([303, '/sign-in']);
  });

  it('end grants that were begun by the present name', async () => {
    const { url } = await answer(
      await client.call('GET', '/integrations/jira/connect?format=json'),
      200,
      schemas.connectAnswer,
    );
    const { search } = await consent(url, 'Allow');
    await answer(await call('GET', `/auth/jira/callback${search}`), 200, schemas.callbackAnswer);
    await disconnect();
  });

  for (const platform of PLATFORMS) {
    const fetched = { jira: 'projects', confluence: 'pages' }[platform];

    it(`POST /integrations/${platform}/connect gives the consent page, and what it leads to can be fetched`, async () => {
      const begun = await call('POST', `/integrations/${platform}/connect`);
      expect([begun.status, begun.headers.get('cache-control')]).to.deep.equal([200, 'no-store']);
      const body = (await begun.json()) as { base_url: string; redirect_url: string };
      expect(body).to.have.all.keys('base_url', 'redirect_url');
      expect(body.base_url).to.equal(hub.url);
      const { search } = await consent(body.redirect_url, 'Allow');
      await answer(await call('GET', `/auth/${platform}/callback${search}`), 200, schemas.callbackAnswer);

      const route = `/integrations/${platform}/${fetched}/fetch`;
      const same = async (query: string) => {
        const old = await answer(await call('GET', route + query), 200, schemas.filesAnswer);
        const present = await client.call('GET', `/integrations/${platform}/files${query}`);
        expect(old).to.deep.equal(await answer(present, 200, schemas.filesAnswer));
        return old.files;
      };
      const [first] = await same('');
      expect(first?.isFolder).to.equal(true);
      expect(await same(`?folder_id=${encodeURIComponent(first?.id ?? '')}`)).to.have.length.above(0);
      expect(await same('?q=harbour')).to.be.an('array');
      await problem(await call('GET', route, { user: hub.member }), 404, 'not_found');
      await disconnect();
    });

    it(`those of ${platform} are for callers who are known, and changes by session need the CSRF token`, async () => {
      const routes = [
        ...LOGINS.filter((one) => one.platform === platform).flatMap(({ base }) => [
          ['GET', `${base}/login`],
          ['GET', `${base}/callback?code=x&state=y`],
        ]),
        ['POST', `/integrations/${platform}/connect`],
        ['GET', `/integrations/${platform}/${fetched}/fetch`],
      ] as [string, string][];
      for (const [method, route] of routes) {
        const options = { method, headers: { accept: 'application/json' } };
        await problem(await fetch(hub.url + route, options), 401, 'unauthenticated');
        const wrong = { ...options, headers: { ...options.headers, authorization: 'Bearer trb_wrong' } };
        await problem(await fetch(hub.url + route, wrong), 401, 'unauthenticated');
        const limited = await call(method, route);
        expect(limited.headers.get('ratelimit-policy'), route).to.match(/q=600; w=60/);
      }
      const visitor = await signInAs(hub.url, hub.admin.email);
      const connect = (headers: Record<string, string>) =>
        visitor.fetch(`/integrations/${platform}/connect`, { method: 'POST', headers });
      await problem(await connect({}), 403, 'csrf');
      expect((await connect({ 'x-csrf-token': visitor.csrf() })).status).to.equal(200);
    });
  }

  it('are no others: what is not there is a problem too', async () => {
    for (const route of [
      '/auth/google_drive/login',
      '/integrations/dropbox/pages/fetch',
      '/integrations/jira/pages/fetch',
    ])
      await problem(await call('GET', route), 404, 'not_found');
  });
});
