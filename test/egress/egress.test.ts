import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import { googleDriveDefinition } from '../../providers/google-drive/index.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { parseConfig } from '../../server/config.ts';
import { createEgress, EgressError, hostsOf, isPrivateAddress, type Egress } from '../../server/egress/egress.ts';

type Seen = { method: string; url: string; headers: IncomingMessage['headers']; body: string };
type Site = { host: string; url: string; seen: Seen[]; close(): Promise<void> };

const VENDORS = [
  ...googleDriveDefinition.hosts,
  '*.microsoftonline.com',
  '*.microsoft.com',
  '*.dropbox.com',
  '*.dropboxapi.com',
  '*.atlassian.com',
];

describe('egress', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const thing of open.splice(0)) await thing.close();
  });

  async function site(answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<Site> {
    const seen: Seen[] = [];
    const { url, close } = await listen((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => (body += chunk.toString()));
      req.on('end', () => {
        seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers, body });
        answer(req, res);
      });
    });
    open.push({ close });
    return { host: new URL(url).host, url, seen, close };
  }

  function egress(allowedHosts: string[], rest: Partial<Parameters<typeof createEgress>[0]> = {}): Egress {
    const made = createEgress({ allowedHosts, vendorHosts: VENDORS, ...rest });
    open.push(made);
    return made;
  }

  const failure = (promise: Promise<unknown>): Promise<EgressError> =>
    promise.then(
      () => expect.fail('the request should have failed'),
      (error: unknown) => {
        expect(error).to.be.instanceOf(EgressError);
        return error as EgressError;
      },
    );
  const redirectTo =
    (url: () => string, status = 302) =>
    (_req: IncomingMessage, res: ServerResponse) =>
      void res.writeHead(status, { location: url() }).end();
  const ok = (_req: IncomingMessage, res: ServerResponse): void => void res.end('fine');

  it('tells private addresses from public ones', () => {
    const inside = [
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      '[::1]',
      'fe80::1%eth0',
      'fc00::1',
      'fd12:3456::1',
      'ff02::1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::a00:1',
      '2002:a00:1::',
      '2001:db8::1',
      'not an address',
      '',
    ];
    const outside = [
      '142.250.74.10',
      '8.8.8.8',
      '172.32.0.1',
      '100.128.0.1',
      '2a00:1450:4001:81b::200a',
      '2606:4700::1',
    ];
    expect(inside.filter((ip) => !isPrivateAddress(ip))).to.deep.equal([]);
    expect(outside.filter((ip) => isPrivateAddress(ip))).to.deep.equal([]);
  });

  it('opens the hosts of endpoint overrides and the operator’s list, and nothing for the vendor’s own endpoints', () => {
    expect(hostsOf(parseConfig({}), VENDORS)).to.deep.equal([]);
    const config = parseConfig({
      GOOGLE_API_URL: 'http://127.0.0.1:4010/google',
      GOOGLE_TOKEN_URL: 'http://127.0.0.1:4010/token',
      GOOGLE_REVOKE_URL: 'https://proxy.example/revoke',
      EGRESS_ALLOWED_HOSTS: 'Wiki.internal:8443, files.internal',
    });
    expect(hostsOf(config, VENDORS)).to.deep.equal([
      '127.0.0.1:4010',
      'proxy.example:443',
      'wiki.internal:8443',
      'files.internal',
    ]);
  });

  it('reaches a listed host, with method, headers and body as given', async () => {
    const there = await site(ok);
    const response = await egress([there.host]).fetch(`${there.url}/a?b=c`, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
      body: new URLSearchParams({ grant_type: 'x y' }),
    });
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal('fine');
    expect(there.seen[0]).to.deep.include({ method: 'POST', url: '/a?b=c', body: 'grant_type=x+y' });
    expect(there.seen[0]?.headers.authorization).to.equal('Bearer t');
    expect(there.seen[0]?.headers['content-type']).to.match(/^application\/x-www-form-urlencoded/);
  });

  it('takes a Request as well as an address', async () => {
    const there = await site(ok);
    const request = new Request(`${there.url}/r`, { method: 'PUT', body: 'text', headers: { 'x-a': 'b' } });
    expect(await (await egress([there.host]).fetch(request)).text()).to.equal('fine');
    expect(there.seen[0]).to.deep.include({ method: 'PUT', url: '/r', body: 'text' });
    expect(there.seen[0]?.headers['x-a']).to.equal('b');
  });

  it('refuses every host that is not listed, before anything is sent', async () => {
    const there = await site(ok);
    const { fetch } = egress(['other.example']);
    for (const url of [
      there.url,
      'http://169.254.169.254/latest/meta-data',
      'http://[::1]:3000/',
      'http://2130706433/',
      'https://example.com/',
      'https://www.googleapis.com.example.com/',
      'https://googleapis.com/',
      'http://www.googleapis.com/',
      'https://www.googleapis.com:8443/',
      'https://user:hunter2@www.googleapis.com/',
      'file:///etc/passwd',
      'data:text/plain,x',
      'nonsense',
    ]) {
      const error = await failure(fetch(url));
      expect(error.code, url).to.equal('blocked');
      expect(error.message).not.to.contain('hunter2');
    }
    expect(there.seen).to.have.length(0);
  });

  it('refuses a listed host on another port than the listed one', async () => {
    const there = await site(ok);
    const error = await failure(egress(['127.0.0.1:1']).fetch(there.url));
    expect(error.code).to.equal('blocked');
  });

  it('refuses a vendor’s host whose name leads to a private address, also among public ones', async () => {
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '142.250.74.10', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ],
      [{ address: '::ffff:192.168.0.1', family: 6 }],
    ];
    for (const answer of answers) {
      const error = await failure(egress([], { resolve: async () => answer }).fetch('https://www.googleapis.com/'));
      expect(error.code).to.equal('blocked');
      expect(error.message).to.equal('www.googleapis.com leads to a private address.');
    }
  });

  it('connects to the address it has checked and asks the name server once', async () => {
    const there = await site(ok);
    let asked = 0;
    const { fetch } = egress(['hub.internal'], {
      resolve: async () => {
        asked += 1;
        return [{ address: asked === 1 ? '127.0.0.1' : '192.0.2.1', family: 4 }];
      },
    });
    const response = await fetch(`http://hub.internal:${new URL(there.url).port}/`);
    expect(await response.text()).to.equal('fine');
    expect(asked).to.equal(1);
    expect(there.seen[0]?.headers.host).to.match(/^hub\.internal:/);
  });

  it('keeps the credentials on a redirect within the origin', async () => {
    const there: Site = await site((req, res) =>
      req.url === '/one' ? redirectTo(() => '/two')(req, res) : ok(req, res),
    );
    const response = await egress([there.host]).fetch(`${there.url}/one`, { headers: { authorization: 'Bearer t' } });
    expect(await response.text()).to.equal('fine');
    expect(there.seen.map((request) => request.headers.authorization)).to.deep.equal(['Bearer t', 'Bearer t']);
  });

  it('sends no credentials, cookies or vendor headers to another origin, not even to another port', async () => {
    const cdn = await site(ok);
    const api = await site(redirectTo(() => `${cdn.url}/file`, 307));
    await egress([api.host, cdn.host]).fetch(api.url, {
      headers: {
        authorization: 'Bearer t',
        cookie: 'a=b',
        'x-goog-drive-resource-keys': 'id/key',
        range: 'bytes=0-9',
        'x-token': 't',
      },
    });
    expect(cdn.seen[0]?.headers).to.include({ range: 'bytes=0-9' });
    expect(cdn.seen[0]?.headers).not.to.have.any.keys(
      'authorization',
      'cookie',
      'x-goog-drive-resource-keys',
      'x-token',
    );
  });

  it('does not give the credentials back when the redirects return to the first origin', async () => {
    const first: Site = await site((req, res) =>
      req.url === '/' ? redirectTo(() => second.url)(req, res) : ok(req, res),
    );
    const second: Site = await site(redirectTo(() => `${first.url}/end`));
    await egress([first.host, second.host]).fetch(first.url, { headers: { authorization: 'Bearer t' } });
    expect(first.seen[1]?.headers.authorization).to.equal(undefined);
  });

  it('checks every hop of a redirect', async () => {
    const secret = await site(ok);
    const api = await site(redirectTo(() => `${secret.url}/inside`));
    const error = await failure(egress([api.host]).fetch(api.url));
    expect(error.code).to.equal('blocked');
    expect(secret.seen).to.have.length(0);
  });

  it('never sends a form to another origin', async () => {
    const other = await site(ok);
    const api = await site(redirectTo(() => other.url, 308));
    const error = await failure(
      egress([api.host, other.host]).fetch(api.url, { method: 'POST', body: 'client_secret=s' }),
    );
    expect(error.code).to.equal('redirect');
    expect(other.seen).to.have.length(0);
  });

  it('turns a form into a plain request where a redirect says so', async () => {
    const there: Site = await site((req, res) =>
      req.url === '/' ? redirectTo(() => '/done', 303)(req, res) : ok(req, res),
    );
    await egress([there.host]).fetch(there.url, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
    expect(there.seen[1]).to.deep.include({ method: 'GET', url: '/done', body: '' });
    expect(there.seen[1]?.headers).not.to.have.any.keys('content-type');
  });

  it('follows five redirects and gives up at the sixth', async () => {
    const there: Site = await site((req, res) => {
      const left = Number(req.url?.slice(1));
      if (left === 0) ok(req, res);
      else redirectTo(() => `/${left - 1}`)(req, res);
    });
    const { fetch } = egress([there.host]);
    expect((await fetch(`${there.url}/5`)).status).to.equal(200);
    const error = await failure(fetch(`${there.url}/6`));
    expect(error.code).to.equal('redirect');
    expect(there.seen).to.have.length(12);
  });

  it('hands a redirect to a caller who wants to follow it himself', async () => {
    const there = await site(redirectTo(() => 'https://example.com/'));
    const response = await egress([there.host]).fetch(there.url, { redirect: 'manual' });
    expect(response.status).to.equal(302);
  });

  it('gives up on a server that never answers', async () => {
    const there = await site(() => undefined);
    const { fetch } = egress([there.host], { timeouts: { headersMs: 200 } });
    const error = await failure(fetch(`${there.url}/?secret=s`));
    expect(error.code).to.equal('timeout');
    expect(error.message).to.equal(`${there.host} did not answer in time.`);
  });

  it('gives up on a body that stops coming', async () => {
    const there = await site((_req, res) => void res.writeHead(200, { 'content-length': '10' }).write('half'));
    const response = await egress([there.host], { timeouts: { bodyMs: 200 } }).fetch(there.url);
    const outcome = await response.text().then(
      () => 'read',
      () => 'failed',
    );
    expect(outcome).to.equal('failed');
  });

  it('reports a body that is cut off as a failure', async () => {
    const there = await site((_req, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('x'.repeat(400), () => res.destroy());
    });
    const outcome = await egress([there.host])
      .fetch(there.url)
      .then((response) => response.text())
      .then(
        () => 'read',
        () => 'failed',
      );
    expect(outcome).to.equal('failed');
  });

  it('calls a server that is not there a network failure', async () => {
    const there = await site(ok);
    await there.close();
    const error = await failure(egress([there.host]).fetch(there.url));
    expect(error.code).to.equal('network');
    expect(error.message).to.equal(`${there.host} could not be reached (ECONNREFUSED).`);
  });

  it('ends with the caller’s own reason when the caller aborts', async () => {
    const there = await site(() => abort.abort(new Error('enough')));
    const abort = new AbortController();
    const error: unknown = await egress([there.host])
      .fetch(there.url, { signal: abort.signal })
      .catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'enough');
  });
});
