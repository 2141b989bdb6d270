import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect } from 'chai';
import { dropboxDefinition } from '../../providers/dropbox/index.ts';
import { googleDriveDefinition } from '../../providers/google-drive/index.ts';
import { microsoft365Definition } from '../../providers/microsoft-365/index.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { createEgress, EgressError, isPrivateAddress, type Egress } from '../../server/egress/egress.ts';

const VENDORS = [googleDriveDefinition, microsoft365Definition, dropboxDefinition].flatMap(({ hosts }) => hosts);
const PUBLIC = [
  { address: '142.250.74.10', family: 4 },
  { address: '2a00:1450:4001:81b::200a', family: 6 },
];

/** What a name must not lead to, by kind. */
const INSIDE: Record<string, string[]> = {
  loopback: ['127.0.0.1', '127.0.0.53', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
  'link-local': ['169.254.0.1', '169.254.169.254', '169.254.170.2', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  'carrier NAT': ['100.64.0.1', '100.100.100.200', '100.127.255.255'],
  'this network': ['0.0.0.0', '0.1.2.3', '::'],
  multicast: ['224.0.0.1', '239.255.255.250', 'ff02::1', 'ff05::1:3'],
  reserved: ['240.0.0.1', '255.255.255.255', '192.0.0.8', '192.88.99.1', '100::1', '5f00::1'],
  benchmark: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  'IPv4 in IPv6, mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe'],
  'IPv4 in IPv6, compatible': ['::127.0.0.1', '::7f00:1', '::a9fe:a9fe'],
  'IPv4 in IPv6, translated': ['::ffff:0:127.0.0.1', '::ffff:0:a9fe:a9fe'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b:1::a00:1', '64:ff9b:1:ffff::1'],
  '6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:a00:1::1', '2002:c0a8:101::'],
  Teredo: ['2001::1', '2001:0:4136:e378:8000:63bf:80ff:fffe', '2001:0:7f00:1::'],
  'unique local': ['fc00::1', 'fd00:ec2::254', 'fd12:3456:789a::1', 'fdff:ffff::1'],
  'site-local': ['fec0::1'],
  'no address at all': ['', 'localhost', '127.1', '0x7f.1', '2130706433', '0177.0.0.1', '127.0.0.1.', '::1]'],
};

describe('the way out of the hub', () => {
  const open: { close(): unknown }[] = [];
  /** A listener on loopback: whoever connects is counted, and gets nothing. */
  let trap: { port: number; connections: number; hasIpv6: boolean };

  beforeEach(async () => {
    const counted = { port: 0, connections: 0, hasIpv6: false };
    const listen = (host: string) =>
      new Promise<Server | undefined>((done) => {
        const server = createServer((socket) => {
          counted.connections += 1;
          socket.destroy();
        });
        server.once('error', () => done(undefined));
        server.listen(counted.port, host, () => done(server));
      });
    const server = await listen('127.0.0.1');
    counted.port = (server?.address() as AddressInfo).port;
    const ipv6 = await listen('::1');
    counted.hasIpv6 = ipv6 !== undefined;
    for (const one of [server, ipv6]) if (one) open.push({ close: () => new Promise((done) => one.close(done)) });
    trap = counted;
  });
  afterEach(async () => {
    for (const thing of open.splice(0)) await thing.close();
  });

  function egress(rest: Partial<Parameters<typeof createEgress>[0]> = {}): Egress {
    const made = createEgress({
      allowedHosts: ['files.internal'],
      vendorHosts: VENDORS,
      // Nothing here may ask a real name server, nor reach what it would answer.
      resolve: (name) => Promise.reject(new Error(`nobody should look up ${name}`)),
      ...rest,
    });
    open.push(made);
    return made;
  }

  async function redirector(answer: (req: IncomingMessage, res: ServerResponse) => void) {
    const seen: string[] = [];
    const { url, close } = await listen((req, res) => {
      seen.push(req.url ?? '');
      answer(req, res);
    });
    open.push({ close });
    return { host: new URL(url).host, url, seen };
  }

  const failure = (work: Promise<unknown>, what: string): Promise<EgressError> =>
    work.then(
      () => expect.fail(`${what} was reached`),
      (error: unknown) => {
        expect(error, what).to.be.instanceOf(EgressError);
        return error as EgressError;
      },
    );

  /** This machine, as hosts that fetch understands. */
  const spellings = (): string[] => [
    ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f.1', '0x7F.0.0.1', '0x7f000001', '0177.0.0.1'],
    ...['0177.0.0.01', '017700000001', '127.0.0.1.', '127.0x0.0.01', '0', '0.0.0.0', '0x0', '00.0', 'localhost'],
    ...[
      'LOCALHOST',
      'ｌｏｃａｌｈｏｓｔ',
      '①②⑦.⓪.⓪.①',
      '１２７.０.０.１',
      '127。0。0。1',
      '127．0．0．1',
      '127%2E0%2e0.1',
    ],
    ...['%31%32%37.0.0.1', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:7F00:0001]', '[0:0:0:0:0:ffff:127.0.0.1]'],
    ...(trap.hasIpv6 ? ['[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::]'] : []),
  ];
  /** The same, and tricks that may or may not lead there. */
  const addressesOfTheTrap = (): string[] => {
    const { port } = trap;
    return [
      ...spellings().map((host) => `http://${host}:${port}/`),
      ...['[::127.0.0.1]', '[::]', '[::1]', '[fe80::1]', 'localhost.', 'x.localhost', 'localhost.localdomain'].map(
        (host) => `http://${host}:${port}/`,
      ),
      `https://127.0.0.1:${port}/`,
      `https://localhost:${port}/`,
      `http://127.0.0.1:${port}#@www.googleapis.com/`,
      `http://127.0.0.1:${port}?@www.googleapis.com/`,
      `http://127.0.0.1:${port}\\@www.googleapis.com/`,
      `http:\\\\127.0.0.1:${port}\\`,
      `http:////127.0.0.1:${port}/`,
      `ht\ntp://127.0.\t0.1:${port}/`,
      ` http://127.0.0.1:${port}/ `,
      `http://www.googleapis.com@127.0.0.1:${port}/`,
      `http://www.googleapis.com:443@127.0.0.1:${port}/`,
      `http://www.googleapis.com%2F@127.0.0.1:${port}/`,
      `http://files.internal@127.0.0.1:${port}/`,
      `http://:@127.0.0.1:${port}/`,
    ];
  };
  /** Addresses that nobody serves from, where no listener can be put. */
  const special = (): string[] =>
    Object.values(INSIDE)
      .slice(0, -1)
      .flat()
      .filter((address) => !address.includes('%'))
      .map((address) => (address.includes(':') ? `[${address}]` : address))
      .flatMap((host) => [`http://${host}/latest/meta-data/`, `https://${host}/`, `https://${host}:443/`]);
  const lookalikes = [
    'https://metadata.google.internal/',
    'https://googleapis.com/',
    'https://evil-googleapis.com/',
    'https://evilgoogleapis.com/',
    'https://www.googleapis.com.evil.example/',
    'https://www.googleapis.com./',
    'https://www.googleapis.com../',
    'https://www.googleapis.com:8443/',
    'https://www.googleapis.com:80/',
    'http://www.googleapis.com/',
    'http://www.googleapis.com:443/',
    'https://www.googleapis.com%2eevil.example/',
    'https://www.gооgleapis.com/',
    'https://www.googleapis。com.evil.example/',
    'https://evil.example/?https://www.googleapis.com/',
    'https://evil.example#.googleapis.com',
    'https://evil.example\\.googleapis.com/',
    'https://user@www.googleapis.com/',
    'https://:hunter2@www.googleapis.com/',
    'https://user:hunter2@www.googleapis.com/',
    'https://graph.microsoft.com.evil.example/',
    'https://login.microsoftonline.com@evil.example/',
    'https://xgraph.microsoft.com/',
    'https://api.dropboxapi.com.evil.example/',
    'http://files.internal@evil.example/',
    'http://files.internal.evil.example/',
    'http://files.internal./',
  ];
  const schemes = [
    'ftp://www.googleapis.com/',
    'ws://www.googleapis.com/',
    'wss://www.googleapis.com/',
    'gopher://127.0.0.1/',
    'file:///etc/passwd',
    'file://www.googleapis.com/etc/passwd',
    'data:text/plain,hello',
    'blob:https://www.googleapis.com/1',
    'javascript:alert(1)',
    'about:blank',
    'unix:/run/docker.sock',
  ];
  const malformed = [
    '',
    'nonsense',
    '//127.0.0.1/',
    'http://',
    'http://[::1',
    'http://127.0.0.1:99999/',
    'http://%00/',
  ];

  it('counts whoever reaches the listener, by every spelling of this machine', async () => {
    // The control of the tests below: without the guard each of these does lead here.
    for (const host of spellings()) {
      const before = trap.connections;
      await fetch(`http://${host}:${trap.port}/`).catch(() => undefined);
      expect(trap.connections, host).to.be.greaterThan(before);
    }
  });

  it('leads to this machine by no spelling of it', async () => {
    const { fetch } = egress();
    for (const url of addressesOfTheTrap()) expect((await failure(fetch(url), url)).code, url).to.equal('blocked');
    expect(trap.connections).to.equal(0);
  });

  it('leads to no special address, to no host that only looks like a vendor’s, and by no other scheme', async () => {
    const { fetch } = egress();
    for (const url of [...special(), ...lookalikes, ...schemes, ...malformed]) {
      const error = await failure(fetch(url), url);
      expect(error.code, url).to.equal('blocked');
      expect(error.message, url).not.to.contain('hunter2');
    }
  });

  it('asks for the same when it is handed a Request or a URL', async () => {
    const { fetch } = egress();
    const url = `http://127.1:${trap.port}/`;
    for (const input of [new URL(url), new Request(url), new Request(url, { method: 'POST', body: 'x' })])
      expect((await failure(fetch(input), url)).code).to.equal('blocked');
    expect(trap.connections).to.equal(0);
  });

  for (const [kind, addresses] of Object.entries(INSIDE))
    it(`refuses a vendor’s name that leads to ${kind}, alone or among public addresses`, async () => {
      for (const address of addresses) {
        expect(isPrivateAddress(address), address).to.equal(true);
        const entry = { address, family: address.includes(':') ? 6 : 4 };
        for (const answer of [[entry], [...PUBLIC, entry], [entry, ...PUBLIC]])
          for (const host of ['www.googleapis.com', 'graph.microsoft.com', 'content.dropboxapi.com']) {
            const { fetch } = egress({ resolve: () => Promise.resolve(answer) });
            const error = await failure(fetch(`https://${host}/`, { headers: { authorization: 'Bearer t' } }), address);
            expect([error.code, error.message], address).to.deep.equal([
              'blocked',
              `${host} leads to a private address.`,
            ]);
          }
      }
    });

  it('takes public addresses next to special ones for public', () => {
    const outside = ['9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255', '128.0.0.1'];
    outside.push('169.253.255.255', '169.255.0.1', '172.15.255.255', '172.32.0.1', '192.167.255.255', '192.169.0.1');
    outside.push('198.17.255.255', '198.20.0.1', '223.255.255.255', '2001:200::1', '2003::1', '2606:4700::1');
    expect(outside.filter((address) => isPrivateAddress(address))).to.deep.equal([]);
  });

  it('asks the name server once for a connection, and takes nothing but that answer', async () => {
    // A name server of an attacker's gives this machine to whoever connects after the check.
    let asked = 0;
    const rebinding = (first: string) => async () => {
      asked += 1;
      const address = asked === 1 ? first : '127.0.0.1';
      return [{ address, family: address.includes(':') ? 6 : 4 }];
    };
    const listed = await redirector((_req, res) => void res.end('fine'));
    const { port } = new URL(listed.url);
    const { fetch } = egress({ allowedHosts: [`files.internal:${port}`], resolve: rebinding('::1') });
    const error = await failure(fetch(`http://files.internal:${port}/`), 'the second answer');
    expect([error.code, asked]).to.deep.equal(['network', 1]);
    expect(listed.seen).to.deep.equal([]);
    asked = 0;
    const vendors = egress({ resolve: rebinding('10.0.0.1') });
    expect((await failure(vendors.fetch('https://www.googleapis.com/'), 'vendor')).code).to.equal('blocked');
    expect(asked).to.equal(1);
    // What was private a moment ago is looked up and checked again, never remembered as good.
    expect((await failure(vendors.fetch('https://www.googleapis.com/'), 'vendor')).code).to.equal('blocked');
    expect(asked).to.equal(2);
  });

  it('does not connect where a name has no address or cannot be looked up', async () => {
    const { fetch } = egress({ resolve: () => Promise.resolve([]) });
    expect((await failure(fetch('https://www.googleapis.com/'), 'nothing')).code).to.equal('network');
    expect((await failure(egress().fetch('https://www.googleapis.com/'), 'nothing')).code).to.equal('network');
  });

  for (const status of [301, 302, 303, 307, 308])
    it(`follows no redirect (${status}) to any of them`, async () => {
      const targets = [
        ...addressesOfTheTrap(),
        ...special(),
        ...lookalikes,
        ...schemes,
        ...['//127.0.0.1', '/\\127.0.0.1', '\\\\127.0.0.1', '///127.0.0.1'].map((start) => `${start}:${trap.port}/`),
      ];
      // What an HTTP header cannot carry is left out; the rest goes as bytes, as a browser would read it.
      const sendable = targets.filter((url) => !/[\n\t]/.test(url)).map((url) => ({ url, bytes: Buffer.from(url) }));
      let target = sendable[0];
      const api = await redirector(
        (_req, res) => void res.writeHead(status, { location: target?.bytes.toString('latin1') ?? '' }).end(),
      );
      const { fetch } = egress({ allowedHosts: [api.host] });
      for (target of sendable) {
        const error = await failure(fetch(api.url, { headers: { authorization: 'Bearer t' } }), target.url);
        expect(['blocked', 'redirect'], target.url).to.include(error.code);
      }
      expect(trap.connections).to.equal(0);
      expect(api.seen).to.have.length(sendable.length);
    });

  it('follows no redirect to a vendor whose name leads inside', async () => {
    const api = await redirector(
      (_req, res) => void res.writeHead(302, { location: 'https://www.googleapis.com/' }).end(),
    );
    const { fetch } = egress({
      allowedHosts: [api.host],
      resolve: () => Promise.resolve([{ address: '169.254.169.254', family: 4 }]),
    });
    const error = await failure(fetch(api.url), 'the vendor');
    expect(error.message).to.equal('www.googleapis.com leads to a private address.');
  });

  it('follows no redirect that carries a user name, not even to the same place', async () => {
    const api = await redirector((req, res) =>
      req.url === '/'
        ? void res.writeHead(302, { location: `http://user:hunter2@${req.headers.host ?? ''}/in` }).end()
        : void res.end('fine'),
    );
    const error = await failure(egress({ allowedHosts: [api.host] }).fetch(api.url), 'the same place');
    expect(error.code).to.equal('blocked');
    expect(error.message).not.to.contain('hunter2');
    expect(api.seen).to.deep.equal(['/']);
  });

  it('gives a listed host’s other ports neither a connection nor credentials', async () => {
    const headers: IncomingMessage['headers'][] = [];
    const other = await redirector((req, res) => {
      headers.push(req.headers);
      res.end('fine');
    });
    const api = await redirector((req, res) => {
      const location = req.url === '/trap' ? `http://127.0.0.1:${trap.port}/` : other.url;
      res.writeHead(307, { location }).end();
    });
    const { fetch } = egress({ allowedHosts: [api.host, other.host] });
    const init = { headers: { authorization: 'Bearer t', cookie: 'a=b', 'dropbox-api-arg': '{}', 'x-key': 'k' } };
    await fetch(`${api.url}/`, init);
    expect(headers[0]).not.to.have.any.keys('authorization', 'cookie', 'dropbox-api-arg', 'x-key');
    expect((await failure(fetch(`${api.url}/trap`, init), 'the other port')).code).to.equal('blocked');
    expect(trap.connections).to.equal(0);
  });

  it('ends loops and long chains of redirects after five hops', async () => {
    const self = await redirector((_req, res) => void res.writeHead(302, { location: '/' }).end());
    const chain = await redirector(
      (req, res) => void res.writeHead(302, { location: `/${Number(req.url?.slice(1) ?? 0) + 1}` }).end(),
    );
    const ping = await redirector((_req, res) => void res.writeHead(307, { location: pong.url }).end());
    const pong = await redirector((_req, res) => void res.writeHead(307, { location: ping.url }).end());
    const { fetch } = egress({ allowedHosts: [self.host, chain.host, ping.host, pong.host] });
    for (const { url } of [self, chain, ping]) expect((await failure(fetch(url), url)).code, url).to.equal('redirect');
    expect([self.seen.length, chain.seen.length, ping.seen.length + pong.seen.length]).to.deep.equal([6, 6, 6]);
  });

  it('reaches the listener when the operator lists it, and by that name and port only', async () => {
    const { fetch } = egress({ allowedHosts: [`127.0.0.1:${trap.port}`] });
    expect((await failure(fetch(`http://127.1:${trap.port}/`), 'the listener')).code).to.equal('network');
    expect(trap.connections).to.equal(1);
    for (const host of ['localhost', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '127.0.0.2'])
      expect((await failure(fetch(`http://${host}:${trap.port}/`), host)).code, host).to.equal('blocked');
    expect(trap.connections).to.equal(1);
  });
});
