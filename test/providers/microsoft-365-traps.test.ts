import { expect } from 'chai';
import { PERSONAL_TENANT } from '../../providers/microsoft-365/auth.ts';
import { driveIdOf, itemIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import type { Connection, Item, TokenSet } from '../../providers/provider.ts';
import type { Database } from '../../server/database/database.ts';
import { consent } from '../helpers/connect.ts';
import { openTestDatabase } from '../helpers/database.ts';
import { connectFor, type Connected } from './connected.ts';
import { addressOf } from './exchanges.ts';
import { accountIdOf, CLEO, itemRef, REDIRECT_URI, startWorld, type World } from './microsoft-world.ts';
import { bytesOf, failureOf, listAll, never } from './reading.ts';
import { ANN } from './world.ts';

describe('Microsoft 365, connected', () => {
  let database: Database;
  let world: World;
  let tokens: TokenSet;
  let connected: Connected;
  let connection: Connection;

  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());
  beforeEach(async () => {
    world = await startWorld();
    const request = { state: 'state-1', codeVerifier: 'v'.repeat(64), redirectUri: REDIRECT_URI };
    const back = await consent(await world.provider.auth.authorizationUrl(request), 'Allow', { email: ANN });
    const code = back.searchParams.get('code') ?? '';
    tokens = await world.provider.auth.exchange({ ...request, code }, world.fetch);
    connected = await connectFor(database, world, tokens);
    connection = connected.connection;
    world.sandbox.state.requests.length = 0;
  });
  afterEach(() => world.close());

  const REF = itemRef('ann home', 'unicode');
  const ITEM = `/v1.0/drives/${encodeURIComponent(driveIdOf('ann home'))}/items/${itemIdOf('unicode')}`;
  const TOKEN = '/common/oauth2/v2.0/token';
  const ask = (): Promise<Item> => world.provider.get(connection, REF);
  const asked = (): string[] => world.sandbox.state.requests.map(({ path }) => path.replace(/\?.*/, ''));

  it('refreshes once when Graph refuses the token, and stores the newest refresh token', async () => {
    for (const before of [tokens.refreshToken?.reveal(), undefined]) {
      const stored = before ?? (await connected.refreshToken());
      world.sandbox.state.requests.length = 0;
      world.sandbox.state.expireTokens();
      expect((await ask()).name).to.equal('Übersicht – 日本.txt');
      expect(asked()).to.deep.equal([ITEM, TOKEN, ITEM]);
      expect(await connected.refreshToken())
        .to.be.a('string')
        .and.not.equal(stored);
    }
  });

  it('asks the person to connect again when the new token is refused too', async () => {
    world.plan(/^\/v1\.0\/drives/, 401, { error: { code: 'InvalidAuthenticationToken', message: '' } }, { times: 2 });
    expect((await failureOf(ask())).kind).to.equal('reconnect');
    expect(asked()).to.deep.equal([ITEM, TOKEN, ITEM]);
    expect((await connected.reload()).status).to.equal('needs_reconnect');
  });

  it('keeps the grant through a fault at the sign-in, and refreshes at the next request', async () => {
    world.sandbox.state.expireTokens();
    world.plan(/\/token/, 500, { error: 'server_error' });
    expect((await failureOf(ask())).kind).to.equal('transient');
    expect((await connected.reload()).status).to.equal('active');
    expect((await ask()).name).to.equal('Übersicht – 日本.txt');
  });

  it('asks for another download address, not for another token, when the one it got is dead', async () => {
    for (const status of [401, 403, 404]) {
      world.sandbox.state.requests.length = 0;
      world.plan(/^\/download/, status, '<p>The address has run out.</p>');
      const opened = await world.provider.open(connection, REF, never());
      expect((await bytesOf(opened)).toString()).to.equal('Words of Übersicht – 日本.txt.');
      const download = '/download.aspx';
      expect(asked(), String(status)).to.deep.equal([ITEM, `${ITEM}/content`, download, `${ITEM}/content`, download]);
    }
    world.plan(/^\/download/, 401, '<p>The address has run out.</p>', { times: 2 });
    expect((await failureOf(world.provider.open(connection, REF, never()))).kind).to.equal('transient');
    expect((await connected.reload()).status).to.equal('active');
  });
});

describe('Microsoft 365, case by case', () => {
  let world: World;
  let connection: Connection;

  before(async () => {
    world = await startWorld();
    connection = world.connect();
  });
  after(() => world.close());

  const namesOf = (items: Item[]): string[] => items.map(({ name }) => name);

  it('shows the other places, and why OneDrive is closed, whichever way Graph says that there is none', async () => {
    const refusals: [number, string, string][] = [
      [400, 'BadRequest', 'Tenant does not have a SPO license.'],
      [403, 'accessDenied', 'Tenant does not have a SPO license.'],
      [404, 'ResourceNotFound', "User's mysite not found."],
    ];
    for (const [status, code, message] of refusals) {
      world.plan(/^\/v1\.0\/me\/drive\?/, status, { error: { code, message } });
      const roots = await world.provider.roots(connection);
      expect(namesOf(roots), message).to.deep.equal(['OneDrive', 'Archive', 'Bare', 'Operations', 'Operations (team)']);
      expect(roots[0], message).to.include({ importable: false });
      expect(roots[0]?.reason, message).to.match(/has no OneDrive/);
    }
  });

  it('lists eight of ten sites when one is locked and one is gone', async () => {
    const cleo = world.connect(CLEO);
    const sites = (await world.provider.roots(cleo)).filter(({ ref }) => ref.startsWith('site:')).slice(0, 10);
    const failing = (at: number): RegExp => new RegExp(`^/v1.0/${sites[at]?.ref.replace(':', 's/')}/drives`, 'i');
    world.plan(failing(3), 423, { error: { code: 'notAllowed', message: 'Locked.' } });
    world.plan(failing(7), 404, { error: { code: 'itemNotFound', message: 'Gone.' } });
    const outcomes = await Promise.all(
      sites.map(({ ref }) =>
        listAll(world.provider, cleo, ref).then(
          (libraries) => libraries.length,
          (error: { kind: string }) => error.kind,
        ),
      ),
    );
    expect(outcomes).to.deep.equal([1, 1, 1, 'denied', 1, 1, 1, 'gone', 1, 1]);
  });

  it('gives a hit in a personal OneDrive the ref it has in the browser, however Graph spells the drive there', async () => {
    const DRIVE = 'A1B2C3D4E5F60789';
    const item = (driveId: string) => ({
      id: 'X!1',
      name: 'a.txt',
      file: {},
      parentReference: { driveId, id: 'X!0', path: '/drive/root:' },
    });
    const answers: [RegExp, unknown][] = [
      [/\/me\/drive\?/, { id: DRIVE, driveType: 'personal' }],
      [/\/me\/drive\/root\/search/, { value: [item(DRIVE.toLowerCase())] }],
      [/\/items\/X!1\?/, item(DRIVE.toLowerCase())],
      [/\/root\/children\?/, { value: [item(DRIVE)] }],
      [/\/sites|\/joinedTeams/, { value: [] }],
    ];
    const personal: Connection = {
      ...connection,
      accountId: `00000000-0000-0000-a1b2-c3d4e5f60789.${PERSONAL_TENANT}`,
      fetch: async (input) => {
        const url = addressOf(input);
        return Response.json(answers.find(([match]) => match.test(url))?.[1] ?? expect.fail(`no answer for ${url}`));
      },
    };
    const [oneDrive] = await world.provider.roots(personal);
    const [listed] = await listAll(world.provider, personal, oneDrive?.ref ?? '');
    const found = await world.provider.search?.(personal, 'a');
    expect(found?.items.map(({ ref, parentRef }) => [ref, parentRef])).to.deep.equal([
      [listed?.ref, listed?.parentRef],
    ]);
  });

  it('opens a file by its id, so that no sign in its name needs an escape', async () => {
    const start = world.mark();
    const item = await world.provider.get(connection, itemRef('ann home', 'inside'));
    const opened = await world.provider.open(connection, item.ref, never());
    expect([item.name, opened.name]).to.deep.equal(['100% #1?.txt', '100% #1?.txt']);
    expect((await bytesOf(opened)).toString()).to.equal('Words of 100% #1?.txt.');
    expect(world.pathsSince(start).filter((path) => /100|%25/.test(path))).to.deep.equal([]);
  });

  it('reads a download from its first byte every time, so that none can be put together wrongly', async () => {
    const ranges: (string | null)[] = [];
    const watched: Connection = {
      ...connection,
      fetch: (input, init) => {
        ranges.push(new Headers(init?.headers).get('range'));
        return connection.fetch(input, init);
      },
    };
    const ref = itemRef('ann home', 'large');
    world.sandbox.state.truncateNext();
    const broken = await world.provider.open(watched, ref, never());
    expect((await failureOf(bytesOf(broken))).kind).to.equal('transient');
    const again = await world.provider.open(watched, ref, never());
    expect(await bytesOf(again)).to.have.length(again.sizeBytes ?? -1);
    expect(new Set(ranges)).to.deep.equal(new Set([null]));
  });

  it('names an account by person and directory at once, not by its address', async () => {
    const ann = world.sandbox.state.accounts[0] ?? expect.fail('no account');
    const { accountId } = connection;
    expect(accountId).to.equal(accountIdOf(ann));
    world.plan(/^\/v1\.0\/me\?/, 200, {
      id: accountId.split('.')[0],
      mail: null,
      userPrincipalName: 'renamed@upn.example',
    });
    const account = await world.provider.auth.identify({ ...connection, accountId: '' });
    expect(account).to.deep.equal({ id: accountId, email: 'renamed@upn.example', name: undefined });
  });
});
