import { request } from 'node:http';
import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';

/** One answer of each kind: page, redirect, error page, API, refusal of the API, call of a service, files, health. */
const ADDRESSES = [
  '/admin/integrations',
  '/',
  '/nothing-here',
  '/api/v1/documents',
  '/api/v1/nothing-here',
  '/openapi.json',
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
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).to.deep.equal([]);
      const type = TYPES[path] ?? /^text\/(html|plain); charset=utf-8$/;
      expect((headers.get('content-type') ?? '').toLowerCase(), path).to.match(type);
    }
  });

  it('gives other sites no leave to ask for more', async () => {
    for (const path of ADDRESSES) {
      const { headers } = await ask(path, 'OPTIONS');
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).to.deep.equal([]);
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
