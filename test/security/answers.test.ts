import { request } from 'node:http';
import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { waitFor } from '../helpers/wait.ts';

/** One answer of each kind: page, redirect, error page, API, refusal of the API, call of a service, files, health. */
const ADDRESSES = [
  '/admin/integrations',
  '/',
  '/nothing-here',
  '/api/v1/documents',
  '/api/v1/nothing-here',
  '/openapi.json',
  '/docs',
  '/mcp',
  '/webhooks/google_drive/nobody',
  '/app.css',
  '/browse.js',
  '/favicon.svg',
  '/icons.svg',
  '/healthz',
];
const TYPES: Record<string, RegExp> = {
  '/api/v1/documents': /^application\/json; charset=utf-8$/,
  '/api/v1/nothing-here': /^application\/problem\+json; charset=utf-8$/,
  '/openapi.json': /^application\/json; charset=utf-8$/,
  '/app.css': /^text\/css; charset=utf-8$/,
  '/browse.js': /^text\/javascript; charset=utf-8$/,
  '/favicon.svg': /^image\/svg\+xml; charset=utf-8$/,
  '/icons.svg': /^image\/svg\+xml; charset=utf-8$/,
  '/mcp': /^application\/(problem\+)?json; charset=utf-8$/,
  '/healthz': /^text\/plain; charset=utf-8$/,
  '/webhooks/google_drive/nobody': /^$/,
};

onOneDatabase('every answer', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open(), env: { BASE_URL: 'https://hub.example.com', TRUST_PROXY: '1' } });
    hub.context.config.baseUrl = 'https://hub.example.com';
  });
  after(() => hub.close());

  /** What is public anyway may be read by any page, without cookies. */
  const expectNoLeave = (path: string, headers: Headers) => {
    const leave = headers.get('access-control-allow-origin');
    if (path !== '/openapi.json') expect(leave, path).to.equal(null);
    expect(headers.get('access-control-allow-credentials'), path).to.equal(null);
  };

  let token: string;
  before(async () => {
    token = await hub.token(hub.member);
  });

  /** As a proxy that ends TLS hands it on; `evil.example` is where the page is that asks. */
  const ask = (path: string, method = 'GET') =>
    fetch(hub.url + path, {
      method,
      headers: { 'x-forwarded-proto': 'https', origin: 'https://evil.example', authorization: `Bearer ${token}` },
      redirect: 'manual',
    });

  it('says what it is, and that it is neither to be guessed at, framed, read by other sites, nor asked for without TLS', async () => {
    for (const path of ADDRESSES) {
      const { headers } = await ask(path);
      expect(headers.get('x-content-type-options'), path).to.equal('nosniff');
      expect(headers.get('content-security-policy'), path).to.include("frame-ancestors 'none'");
      expect(headers.get('referrer-policy'), path).to.equal('same-origin');
      expect(headers.get('strict-transport-security'), path).to.equal('max-age=31536000; includeSubDomains');
      expect(headers.get('x-powered-by'), path).to.equal(null);
      expectNoLeave(path, headers);
      const type = TYPES[path] ?? /^text\/(html|plain); charset=utf-8$/;
      expect((headers.get('content-type') ?? '').toLowerCase(), path).to.match(type);
    }
  });

  it('gives other sites no leave to ask for more', async () => {
    for (const path of ADDRESSES) {
      const { headers } = await ask(path, 'OPTIONS');
      expectNoLeave(path, headers);
    }
  });

  it('lists no folder, shows no file of the program, and repeats nothing of a TRACE', async () => {
    const paths =
      '/.git/config /.env /package.json /public/ /views/ /../package.json /%2e%2e/package.json /..%2fpackage.json';
    for (const path of paths.split(' ')) expect((await raw('GET', path)).status, path).to.be.within(400, 404);
    const { status, text } = await raw('TRACE', '/');
    expect(status).to.be.within(400, 499);
    expect(text).not.to.contain('do not repeat');
  });

  it('is logged with the address that the trusted proxy tells, not with one that the client made up', async () => {
    const { headers } = await fetch(`${hub.url}/healthz`, {
      headers: {
        'x-forwarded-for': '198.51.100.7, 203.0.113.9',
        'x-real-ip': '198.51.100.8',
        'x-request-id': 'proxied-1',
      },
    });
    expect(headers.get('x-request-id')).to.equal('proxied-1');
    const line = await waitFor('the line of the request', () =>
      hub
        .logs()
        .split('\n')
        .find((text) => text.includes('"requestId":"proxied-1"')),
    );
    expect(JSON.parse(line)).to.include({ path: '/healthz', address: '203.0.113.9' });
  });

  /** With the path as it stands; fetch would tidy it up, and sends no TRACE. */
  const raw = (method: string, path: string) =>
    new Promise<{ status?: number; text: string }>((resolve, reject) => {
      const { hostname, port } = new URL(hub.url);
      request({ hostname, port, path, method, headers: { 'x-told': 'do not repeat' } }, (answer) => {
        let text = JSON.stringify(answer.headers);
        answer.on('data', (part: Buffer) => (text += part.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode, text }));
      })
        .on('error', reject)
        .end();
    });
});
