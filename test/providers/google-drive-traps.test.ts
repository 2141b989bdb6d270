import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import type { Connection, Item } from '../../providers/provider.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Database } from '../../server/database/database.ts';
import { createEgress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import { openTestDatabase } from '../helpers/database.ts';
import { asSecrets, connectFor, type Connected } from './connected.ts';
import { file, idOf, refusal, startWorld, type World } from './google-world.ts';
import { bytesOf, connectionWith, failureOf, listAll, never } from './reading.ts';
import { ANN } from './world.ts';

const NATIVE = 'application/vnd.google-apps.';
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

describe('Google Drive, connected', () => {
  let database: Database;
  let world: World;
  let connected: Connected;
  let connection: Connection;
  let refreshToken: string;

  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());
  beforeEach(async () => {
    world = await startWorld();
    const tokens = world.sandbox.state.issue(ANN);
    refreshToken = tokens.refreshToken;
    connected = await connectFor(database, world, asSecrets(tokens));
    connection = connected.connection;
  });
  afterEach(() => world.close());

  const ask = (): Promise<Item> => world.provider.get(connection, `item:${idOf('unicode')}`);
  const asked = (): string[] => world.sandbox.state.requests.map(({ path }) => path.replace(/\?.*/, ''));
  const FILE = `/drive/v3/files/${idOf('unicode')}`;

  it('keeps the refresh token it has, because no refresh brings one', async () => {
    for (let times = 0; times < 2; times++) {
      world.sandbox.state.expireAccessTokens();
      await ask();
    }
    expect(asked().filter((path) => path === '/token')).to.have.length(2);
    expect(await connected.refreshToken()).to.equal(refreshToken);
  });

  it('refreshes once and asks once more when Google refuses the token', async () => {
    world.plan(/^\/drive/, 401, refusal(401, 'authError', 'Invalid Credentials'));
    expect((await ask()).name).to.equal('Übersicht – 日本.txt');
    expect(asked()).to.deep.equal([FILE, '/token', FILE]);
  });

  it('asks the person to connect again when the new token is refused too', async () => {
    world.plan(/^\/drive/, 401, refusal(401, 'authError', 'Invalid Credentials'), { times: 2 });
    expect((await failureOf(ask())).kind).to.equal('reconnect');
    expect(asked()).to.deep.equal([FILE, '/token', FILE]);
    expect((await connected.reload()).status).to.equal('needs_reconnect');
  });

  it('asks Google once about a grant that has ended, and not again', async () => {
    await world.provider.auth.revoke?.(asSecrets({ accessToken: 'x', refreshToken }), world.fetch);
    world.sandbox.state.requests.length = 0;
    world.sandbox.state.expireAccessTokens();
    expect((await failureOf(ask())).kind).to.equal('reconnect');
    expect(asked()).to.deep.equal([FILE, '/token']);
    connection = await connected.reopen();
    expect((await failureOf(ask())).kind).to.equal('reconnect');
    expect(asked()).to.have.length(2);
  });

  it('takes a limit on requests for a pause, and asks again after it', async () => {
    for (const reason of ['rateLimitExceeded', 'userRateLimitExceeded']) {
      const until = Date.now() + 1200;
      const message = `User Rate Limit Exceeded. Retry after ${new Date(until).toISOString()}`;
      world.plan(/^\/drive/, 403, refusal(403, reason, message));
      expect((await ask()).name, reason).to.equal('Übersicht – 日本.txt');
      expect(Date.now()).to.be.at.least(until);
    }
  });

  it('puts work off for seconds, not for good, when Google names no time', async () => {
    world.plan(/^\/drive/, 403, refusal(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded'));
    const error = await failureOf(ask());
    expect(error.kind).to.equal('rate_limited');
    expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(1000, 20_000);
    expect((await connected.reload()).status).to.equal('active');
  });
});

describe('Google Drive, case by case', () => {
  let world: World;
  let connection: Connection;
  let home: Item[];

  before(async () => {
    world = await startWorld();
    connection = world.connect();
    home = await listAll(world.provider, connection, await homeRef());
  });
  after(() => world.close());

  const homeRef = async (): Promise<string> => (await world.provider.roots(connection))[0]?.ref ?? '';
  const named = (name: string): Item => home.find((item) => item.name === name) ?? expect.fail(`no ${name}`);
  /** A connection that answers everything with this. */
  const answering = (body: object, sent: Headers[] = []): Connection => ({
    ...connection,
    fetch: (_input, init) => {
      sent.push(new Headers(init?.headers));
      return Promise.resolve(Response.json(body));
    },
  });

  it('says what Google says of a shared drive, and of a folder in it, that lists as empty', async () => {
    const refusals: [number, string, string][] = [
      [403, 'insufficientFilePermissions', 'denied'],
      [404, 'notFound', 'gone'],
    ];
    for (const [status, reason, kind] of refusals)
      for (const [ref, asksFor] of [
        ['drive:0ADrive00000000PVA', /^\/drive\/v3\/drives\/0ADrive00000000PVA/],
        [`item:${idOf('plans')}:0ADrive00000000PVA`, new RegExp(`^/drive/v3/files/${idOf('plans')}`)],
      ] as const) {
        world.plan(/^\/drive\/v3\/files\?/, 200, { files: [] });
        world.plan(asksFor, status, refusal(status, reason));
        expect((await failureOf(world.provider.list(connection, ref))).kind, `${ref} ${status}`).to.equal(kind);
      }
    expect(await listAll(world.provider, connection, 'drive:0ADrive00000000PVA')).to.have.length(2);
  });

  it('can list a folder again from its start when its place in the list is lost, each item once', async () => {
    const { ref } = named('Many papers');
    const { next } = await world.provider.list(connection, ref);
    world.plan(/pageToken=/, 400, {
      error: {
        code: 400,
        message: 'Invalid Value',
        errors: [{ reason: 'invalid', location: 'pageToken', locationType: 'parameter' }],
      },
    });
    expect((await failureOf(world.provider.list(connection, ref, next))).kind).to.equal('cursor_expired');
    const again = await listAll(world.provider, connection, ref);
    expect(new Set(again.map((item) => item.ref)).size).to.equal(230);
  });

  it('finds a name with apostrophe and backslash, both escaped in what is asked', async () => {
    const start = world.mark();
    const found = await world.provider.search?.(connection, "Ann's \\ folder");
    expect(found?.items.map(({ ref }) => ref)).to.deep.equal([named("Ann's \\ folder / with: signs").ref]);
    const q = new URL(world.pathsSince(start)[0] ?? '', world.sandbox.url).searchParams.get('q');
    expect(q).to.contain(String.raw`name contains 'Ann\'s \\ folder'`);
  });

  it('finds a new file that its owner dated to 1999, because nothing is asked for by date', async () => {
    const [ann] = world.sandbox.state.accounts;
    const old = file('from 1999', 'From 1999.txt', 'deep', { modifiedAt: new Date('1999-05-12T15:50:38Z') });
    ann?.spaces[0]?.files.push(old);
    const start = world.mark();
    const items = await listAll(world.provider, connection, named('Deep').ref);
    const found = items.find(({ name }) => name === 'From 1999.txt');
    expect(found?.modifiedAt).to.deep.equal(new Date('1999-05-12T15:50:38Z'));
    const queries = world.pathsSince(start).map((path) => new URL(path, world.sandbox.url).searchParams.get('q'));
    expect(queries).to.deep.equal([`'${idOf('deep')}' in parents and trashed = false`]);
  });

  it('tells versions beyond the exact numbers apart, and still sees how large a file is', async () => {
    const at = async (version: string): Promise<Item> =>
      world.provider.get(answering({ id: 'a', name: 'a', mimeType: `${NATIVE}document`, version }), 'item:a');
    expect((await at('9007199254740993')).version).to.equal('9007199254740993');
    expect((await at('9007199254740992')).version).to.equal('9007199254740992');
    const huge = { id: 'a', name: 'a', mimeType: 'text/plain', size: '9007199254740993', md5Checksum: 'b' };
    expect((await world.provider.get(answering(huge), 'item:a')).sizeBytes).to.be.at.least(2 ** 53);
  });

  it('never downloads a document of Google’s own as it is, though it has a size', async () => {
    const start = world.mark();
    for (const name of ['A document', 'A sheet', 'Slides', 'A large document'])
      await bytesOf(await world.provider.open(connection, named(name).ref, { ...never(), hint: named(name).hint }));
    expect(world.pathsSince(start).filter((path) => /alt=media/.test(path))).to.deep.equal([]);
    expect(world.pathsSince(start).filter((path) => /\/export\?/.test(path))).to.have.length(4);
  });

  it('downloads a shortcut’s target with the target’s resource key', async () => {
    const sent: Headers[] = [];
    const link = {
      id: 'a',
      name: 'a',
      mimeType: `${NATIVE}shortcut`,
      resourceKey: '0-link',
      shortcutDetails: { targetId: 'b', targetMimeType: 'text/plain', targetResourceKey: '0-target' },
    };
    const target = { id: 'b', name: 'b', mimeType: 'text/plain' };
    const answers = [link, link, target, target];
    const step = (): Connection => ({
      ...connection,
      fetch: (_input, init) => {
        sent.push(new Headers(init?.headers));
        return Promise.resolve(Response.json(answers[sent.length - 1]));
      },
    });
    const { ref } = await world.provider.get(step(), 'item:a');
    await world.provider.open(step(), ref, never());
    const keys = sent.map((headers) => headers.get('x-goog-drive-resource-keys'));
    expect(keys).to.deep.equal([null, 'a/0-link', 'b/0-target', 'b/0-target']);
  });

  it('sends the token to the host of an export link, and leaves it behind when that leads on', async () => {
    const seen: { host: string; headers: IncomingHttpHeaders }[] = [];
    const serve = (host: string, to: () => string | undefined) =>
      listen((req, res) => {
        seen.push({ host, headers: req.headers });
        const location = to();
        if (location) res.writeHead(302, { location }).end();
        else res.writeHead(200, { 'content-type': DOCX }).end('the document');
      });
    const storage = await serve('storage', () => undefined);
    const exports = await serve('exports', () => `${storage.url}/bytes`);
    const hosts = [world.sandbox.url, storage.url, exports.url].map((url) => new URL(url).host);
    const egress = createEgress({ allowedHosts: hosts, vendorHosts: [] });
    const token = world.sandbox.state.issue(ANN).accessToken;
    try {
      const exportLinks = { [DOCX]: `${exports.url}/export?id=a` };
      world.plan(/^\/drive\/v3\/files\/a\?/, 200, { id: 'a', name: 'a', mimeType: `${NATIVE}document`, exportLinks });
      world.plan(/^\/drive\/v3\/files\/a\/export/, 403, refusal(403, 'exportSizeLimitExceeded'));
      const guarded = connectionWith((input, init) => egress.fetch(input, init), new Secret(token));
      const opened = await world.provider.open(guarded, 'item:a::0-key', never());
      expect((await bytesOf(opened)).toString()).to.equal('the document');
      expect(seen.map(({ host, headers }) => [host, headers.authorization])).to.deep.equal([
        ['exports', `Bearer ${token}`],
        ['storage', undefined],
      ]);
      const keys = seen.map(({ headers }) => headers['x-goog-drive-resource-keys']);
      expect(keys).to.deep.equal(['a/0-key', undefined]);
    } finally {
      await egress.close();
      for (const server of [storage, exports]) await server.close();
    }
  });
});
