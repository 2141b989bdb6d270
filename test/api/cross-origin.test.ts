import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { ConfigError, parseConfig } from '../../server/config.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs } from '../helpers/visitor.ts';
import { openClient, problem, type Client } from './client.ts';

const APP = 'https://app.example.com';
const OTHER = 'https://other.example.com';

onOneDatabase('the JSON API from pages of other origins', (open) => {
  let hub: TestHub;
  let call: Client['call'];
  before(async () => {
    hub = await startHub({ database: await open(), env: { API_CORS_ORIGINS: `${APP}, http://localhost:5173` } });
    ({ call } = await openClient(hub));
  });
  after(() => hub?.close());

  const preflight = (origin: string, method: string, path = '/api/v1/imports') =>
    fetch(hub.url + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,idempotency-key',
      },
    });
  /** As a browser that goes there, which fetch cannot be. Gives the status. */
  const navigate = async (path: string, cookie: string): Promise<number | undefined> => {
    const sent = get(hub.url + path, { headers: { cookie, origin: 'null', 'sec-fetch-mode': 'navigate' } });
    const [answered] = (await once(sent, 'response')) as [IncomingMessage];
    answered.resume();
    return answered.statusCode;
  };
  const names = (response: Response, header: string) =>
    (response.headers.get(header) ?? '').split(',').map((name) => name.trim().toLowerCase());

  it('answers the preflight of a named origin before anybody is known', async () => {
    for (const origin of [APP, 'http://localhost:5173'])
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const response = await preflight(origin, method);
        expect(response.status).to.equal(204);
        expect(response.headers.get('access-control-allow-origin')).to.equal(origin);
        expect(response.headers.get('vary')).to.match(/\bOrigin\b/);
        expect(response.headers.get('access-control-allow-methods')).to.include(method);
        expect(response.headers.get('access-control-allow-credentials')).to.equal(null);
        expect(names(response, 'access-control-allow-headers')).to.deep.equal([
          'authorization',
          'content-type',
          'prefer',
          'idempotency-key',
          'if-none-match',
          'last-event-id',
          'x-request-id',
        ]);
      }
  });

  it('lets a named origin read answers and refusals, with the headers that a caller needs', async () => {
    const found = await call('GET', '/tokens', { headers: { origin: APP } });
    expect(found.status).to.equal(200);
    const refused = await fetch(`${hub.url}/api/v1/tokens`, { headers: { origin: APP } });
    await problem(refused, 401, 'unauthenticated');
    for (const response of [found, refused]) {
      expect(response.headers.get('access-control-allow-origin')).to.equal(APP);
      expect(response.headers.get('access-control-allow-credentials')).to.equal(null);
      expect(names(response, 'access-control-expose-headers')).to.deep.equal([
        'location',
        'etag',
        'ratelimit',
        'ratelimit-policy',
        'retry-after',
        'x-request-id',
        'preference-applied',
        'idempotent-replayed',
      ]);
    }
  });

  it('allows no other origin, and nothing beside the API', async () => {
    for (const origin of [OTHER, 'null', `${APP}.evil.example`, 'http://app.example.com']) {
      expect((await preflight(origin, 'POST')).headers.get('access-control-allow-origin')).to.equal(null);
      const answered = await call('GET', '/tokens', { headers: { origin } });
      expect(answered.headers.get('access-control-allow-origin')).to.equal(null);
    }
    for (const path of ['/sign-in', '/admin', '/healthz'])
      for (const response of [
        await preflight(APP, 'POST', path),
        await fetch(hub.url + path, { headers: { origin: APP }, redirect: 'manual' }),
      ])
        expect(response.headers.get('access-control-allow-origin'), path).to.equal(null);
  });

  it('takes no session from another origin, named or not, and no token in its place', async () => {
    const visitor = await signInAs(hub.url, hub.member.email);
    const tokens = (headers: Record<string, string>) =>
      visitor.fetch('/api/v1/tokens', { headers: { accept: 'application/json', ...headers } });
    for (const origin of [APP, OTHER, 'null', 'nonsense'])
      await problem(await tokens({ origin }), 401, 'unauthenticated');
    const write = await visitor.fetch('/api/v1/tokens', {
      method: 'POST',
      headers: { origin: APP, 'content-type': 'application/json', 'x-csrf-token': visitor.csrf() },
      body: JSON.stringify({ name: 'from elsewhere' }),
    });
    await problem(write, 401, 'unauthenticated');
    expect((await hub.context.tokens.list(hub.member)).map(({ name }) => name)).not.to.include('from elsewhere');
    // The hub's own pages send their origin too, and so do people who follow a link.
    expect((await tokens({ origin: hub.url })).status).to.equal(200);
    expect(await navigate('/api/v1/tokens', visitor.cookies())).to.equal(200);
  });

  it('shows its description to pages of any origin', async () => {
    const response = await fetch(`${hub.url}/openapi.json`, { headers: { origin: OTHER } });
    expect(response.headers.get('access-control-allow-origin')).to.equal('*');
    expect(response.headers.get('access-control-allow-credentials')).to.equal(null);
  });
});

describe('the origins that may call the JSON API', () => {
  const origins = (value?: string) => parseConfig({ API_CORS_ORIGINS: value }).apiCorsOrigins;

  it('are none unless named, and are named as browsers write them', () => {
    expect(origins()).to.deep.equal([]);
    expect(origins(`${APP},http://localhost:5173 ,`)).to.deep.equal([APP, 'http://localhost:5173']);
  });

  it('are refused by name where no browser would send them', () => {
    for (const wrong of [
      '*',
      `${APP}/`,
      `${APP}/app`,
      'app.example.com',
      'HTTPS://APP.example.com',
      `${APP}:443`,
      'null',
    ])
      expect(() => origins(`${OTHER},${wrong}`), wrong)
        .to.throw(ConfigError)
        .with.property('problems')
        .that.deep.equals([
          `API_CORS_ORIGINS: ${wrong} must be an http or https origin as browsers write it, without a path, for example https://app.example.com`,
        ]);
  });
});
