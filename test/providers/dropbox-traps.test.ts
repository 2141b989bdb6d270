import { expect } from 'chai';
import { headerJson } from '../../providers/dropbox/client.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import type { Database } from '../../server/database/database.ts';
import { openTestDatabase } from '../helpers/database.ts';
import { asSecrets, connectFor, type Connected } from './connected.ts';
import { startWorld, type World } from './dropbox-world.ts';
import { bytesOf, failureOf, listAll, never } from './reading.ts';
import { ANN } from './world.ts';

describe('Dropbox, connected', () => {
  let database: Database;
  let world: World;
  let connected: Connected;
  let connection: Connection;

  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());
  beforeEach(async () => {
    world = await startWorld();
    await connect();
  });
  afterEach(() => world.close());

  const connect = async (scopes?: string[]): Promise<void> => {
    connected = await connectFor(database, world, asSecrets(world.sandbox.state.issue(ANN, scopes)));
    connection = connected.connection;
  };
  const LIST = '/2/files/list_folder';
  const TOKEN = '/oauth2/token';
  const list = async (): Promise<number> => (await world.provider.list(connection, 'home')).items.length;
  const asked = (): string[] => world.sandbox.state.requests.map(({ path }) => path);
  const refuse = (status: number, tag: string, times?: number): void =>
    world.sandbox.state.failNext(
      (path) => path.startsWith('/2/'),
      { status, body: { error_summary: `${tag}/..`, error: { '.tag': tag } } },
      times,
    );

  it('refreshes once when a token has run out, and keeps the refresh token', async () => {
    const stored = await connected.refreshToken();
    world.sandbox.state.expireTokens();
    expect(await list()).to.be.greaterThan(10);
    expect(asked()).to.deep.equal([LIST, TOKEN, LIST]);
    expect(await connected.refreshToken()).to.equal(stored);
  });

  it('asks the person to connect again when a token is invalid, and the new one too', async () => {
    refuse(401, 'invalid_access_token', 2);
    expect((await failureOf(list())).kind).to.equal('reconnect');
    expect(asked()).to.deep.equal([LIST, TOKEN, LIST]);
    expect((await connected.reload()).status).to.equal('needs_reconnect');
  });

  it('asks for no new token when a permission is missing, and names it', async () => {
    await connect(['account_info.read', 'files.metadata.read']);
    const error = await failureOf(world.provider.open(connection, 'item:home:x', never()));
    expect(error.kind).to.equal('scope');
    expect(error.message).to.contain('files.content.read');
    expect(asked()).to.deep.equal(['/2/files/download']);
    await connected.noteFailure(error);
    expect((await connected.reload()).status).to.equal('missing_scope');
  });

  it('repeats what failed in passing, though Dropbox is asked by POST', async () => {
    world.sandbox.state.failNext((path) => path === LIST, { status: 503, body: '<p>Service Unavailable' });
    expect(await list()).to.be.greaterThan(10);
    expect(asked()).to.deep.equal([LIST, LIST]);
  });

  it('follows the team into its new space through the connection', async () => {
    const [, team] = await world.provider.roots(connection);
    const [operations] = (await listAll(world.provider, connection, team?.ref ?? '')).reverse();
    const moved = operations?.ref.replace((team?.ref ?? '').replace('team:', ''), '99') ?? '';
    const items = await listAll(world.provider, connection, moved);
    expect(items.map(({ name }) => name)).to.deep.equal(['Plans', 'Top.txt']);
    expect((await connected.reload()).status).to.equal('active');
  });
});

describe('Dropbox, case by case', () => {
  let world: World;
  let connection: Connection;

  beforeEach(async () => {
    world = await startWorld();
    connection = world.connect();
  });
  afterEach(() => world.close());

  const named = async (name: string): Promise<Item> =>
    (await listAll(world.provider, connection, 'home')).find((item) => item.name === name) ?? expect.fail(`no ${name}`);

  it('shows a name in its new letters after a rename that changes only their case, as the same item', async () => {
    const before = await named('Nothing.txt');
    const file = world.sandbox.state.accounts[0]?.spaces[0]?.files.find(({ name }) => name === 'Nothing.txt');
    if (file) file.name = 'NOTHING.txt';
    const items = await listAll(world.provider, connection, 'home');
    const found = items.filter(({ name }) => name.toLowerCase() === 'nothing.txt');
    expect(found.map(({ name, ref, version }) => [name, ref, version])).to.deep.equal([
      ['NOTHING.txt', before.ref, before.version],
    ]);
  });

  it('writes any path into a header as ASCII that means the same', async () => {
    const path = '/é ł 🛥.txt';
    const text = headerJson({ path });
    expect(text).to.equal(String.raw`{"path":"/\u00e9 \u0142 \ud83d\udee5.txt"}`);
    expect(JSON.parse(text)).to.deep.equal({ path });
    const { token } = { token: world.sandbox.state.issue(ANN).accessToken };
    const answer = await world.egress.fetch(`${world.sandbox.url}/2/files/download`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'Dropbox-API-Arg': headerJson({ path: '/Übersicht łódź – 日本 🛥.txt' }),
      },
    });
    expect(await answer.text()).to.equal('Words of Übersicht łódź – 日本 🛥.txt.');
  });

  it('asks for an id of any letters in ASCII', async () => {
    const failure = await failureOf(world.provider.open(connection, 'item:home:%C3%A9%C5%82', never()));
    expect(failure.kind).to.equal('gone');
    expect(world.sandbox.state.requests.at(-1)?.arg).to.equal(String.raw`{"path":"id:\u00e9\u0142"}`);
  });

  it('imports every other file of a folder in which one is blocked and one folder closed', async () => {
    const files = world.sandbox.state.accounts[0]?.spaces[0]?.files ?? [];
    for (const file of files) if (['Large.bin', 'Empty'].includes(file.name)) file.canDownload = false;
    const items = await listAll(world.provider, connection, 'home');
    expect(items.find(({ name }) => name === 'Empty')).to.include({ kind: 'folder', importable: false });
    const outcomes: Record<string, string> = {};
    for (const { name, ref, kind, importable } of items)
      if (kind === 'file' && importable)
        outcomes[name] = await world.provider
          .open(connection, ref, never())
          .then(bytesOf)
          .then(
            () => 'read',
            (error: { kind: string }) => error.kind,
          );
    expect(outcomes['Large.bin']).to.equal('not_downloadable');
    expect(Object.values(outcomes).filter((outcome) => outcome !== 'read')).to.have.length(1);
    expect(Object.keys(outcomes).length).to.be.greaterThan(5);
  });
});
