import { expect } from 'chai';
import type { Change, ChangeFeeds, Connection } from '../../providers/provider.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { VENDORS } from '../faults/vendors.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { addressOf, describeWire, recording, type Exchange } from './exchanges.ts';
import { checkExchanges } from './google-contract.ts';
import { file, idOf, refusal, startWorld, type World } from './google-world.ts';
import { failureOf } from './reading.ts';

const OWN = 'own';
const SHARED_DRIVE = '0ADrive00000000PVA';
const exchanges: Exchange[] = [];
/** What a page tells, by name or address. */
const told = (changes: Change[]): string[] =>
  changes.map((change) => (change.kind === 'gone' ? `gone ${change.address}` : `present ${change.item.name}`));

describe('the changes of Google Drive', () => {
  let world: World;
  let feeds: ChangeFeeds;
  let connection: Connection;
  beforeEach(async () => {
    world = await startWorld(recording(exchanges, /json/));
    feeds = world.provider.changes ?? expect.fail('Google Drive tells no changes');
    connection = world.connect();
  });
  afterEach(() => world.close());

  /** Files of one of Ann's spaces. */
  const filesOf = (kind: string): SandboxFile[] =>
    world.sandbox.state.accounts[0]?.spaces.find((space) => space.kind === kind)?.files ?? expect.fail(`no ${kind}`);
  const replace = (key: string, to: Partial<SandboxFile>): void => {
    const files = filesOf('my-drive');
    const at = files.findIndex(({ id }) => id === idOf(key));
    files.splice(at, 1, { ...(files[at] ?? expect.fail(`no ${key}`)), ...to });
  };
  /** A connection to which Drive gives these answers, in order. */
  const answering = (bodies: object[], asked: URL[] = []): Connection => ({
    ...connection,
    fetch: (input) => {
      asked.push(new URL(addressOf(input)));
      return Promise.resolve(Response.json(bodies.shift() ?? expect.fail('asked more than was planned')));
    },
  });
  const wire = (key: string, more: object = {}) => ({
    id: idOf(key),
    name: `${key}.txt`,
    mimeType: 'text/plain',
    size: '5',
    modifiedTime: '1999-01-01T00:00:00.000Z',
    md5Checksum: '5d41402abc4b2a76b9719d911017c592',
    parents: [idOf('deep')],
    ownedByMe: true,
    trashed: false,
    capabilities: { canDownload: true },
    ...more,
  });

  it('are none from the present on, and begin with what happens next', async () => {
    const cursor = await feeds.start(connection, OWN);
    expect(await feeds.read(connection, OWN, cursor)).to.deep.equal({ changes: [], cursor, done: true });
    filesOf('my-drive').push(file('added', 'Added.txt', 'deep'));
    const { changes, done } = await feeds.read(connection, OWN, cursor);
    expect(told(changes)).to.deep.equal(['present Added.txt']);
    expect(changes[0]).to.deep.include({ within: [idOf('deep')] });
    expect(done).to.equal(true);
  });

  it('go on at nextPageToken, and end at newStartPageToken, which the last page has', async () => {
    const asked: URL[] = [];
    const scripted = answering(
      [
        { nextPageToken: '7', changes: [{ changeType: 'file', fileId: idOf('a'), file: wire('a') }] },
        { nextPageToken: '8', changes: [] },
        { newStartPageToken: '9', changes: [{ changeType: 'file', fileId: idOf('b'), file: wire('b') }] },
      ],
      asked,
    );
    const pages = [];
    for (let cursor = '6'; ; cursor = pages.at(-1)?.cursor ?? '') {
      pages.push(await feeds.read(scripted, OWN, cursor));
      if (pages.at(-1)?.done) break;
    }
    expect(pages.map(({ cursor, done }) => [cursor, done])).to.deep.equal([
      ['7', false],
      ['8', false],
      ['9', true],
    ]);
    expect(asked.map(({ searchParams }) => searchParams.get('pageToken'))).to.deep.equal(['6', '7', '8']);
    expect(pages.flatMap(({ changes }) => told(changes))).to.deep.equal(['present a.txt', 'present b.txt']);
  });

  it('come in pages of the stand-in too, each change once', async () => {
    const cursor = await feeds.start(connection, OWN);
    filesOf('my-drive').push(...Array.from({ length: 1001 }, (_, at) => file(`new ${at}`, `New ${at}.txt`, 'deep')));
    const first = await feeds.read(connection, OWN, cursor);
    const second = await feeds.read(connection, OWN, first.cursor);
    expect([first.done, second.done]).to.deep.equal([false, true]);
    expect(new Set([...told(first.changes), ...told(second.changes)])).to.have.property('size', 1001);
  });

  it('are not read to an end that the answer does not name', async () => {
    const error = await failureOf(feeds.read(answering([{ changes: [] }]), OWN, '6'));
    expect(error.kind).to.equal('bad_response');
  });

  it('tell of a file in its new folder, however old it is', async () => {
    replace('bottom', { modifiedAt: new Date('1999-01-01T00:00:00Z') });
    const cursor = await feeds.start(connection, OWN);
    replace('bottom', { modifiedAt: new Date('1999-01-01T00:00:00Z'), parentId: idOf('empty') });
    const { changes } = await feeds.read(connection, OWN, cursor);
    expect(told(changes)).to.deep.equal(['present Bottom.md']);
    expect(changes[0]).to.deep.include({ within: [idOf('empty')] });
  });

  it('take what is in the bin, removed, or of a drive out of reach for gone', async () => {
    const changes = [
      { changeType: 'file', fileId: idOf('binned'), removed: false, file: wire('binned', { trashed: true }) },
      { changeType: 'file', fileId: idOf('removed'), removed: true },
      { changeType: 'drive', driveId: SHARED_DRIVE, removed: true },
      // A drive that is there still, and what says nothing of any item.
      { changeType: 'drive', driveId: SHARED_DRIVE, removed: false },
      { changeType: 'file' },
    ];
    const page = await feeds.read(answering([{ newStartPageToken: '9', changes }]), OWN, '6');
    expect(told(page.changes)).to.deep.equal([
      `gone ${idOf('binned')}`,
      `gone ${idOf('removed')}`,
      `gone ${SHARED_DRIVE}`,
    ]);
  });

  it('of a shared drive begin and go on with its own token and its id', async () => {
    expect(feeds.feedOf(`drive:${SHARED_DRIVE}`, connection)).to.equal(SHARED_DRIVE);
    const { items } = await world.provider.list(connection, `drive:${SHARED_DRIVE}`);
    expect(items.map(({ ref }) => feeds.feedOf(ref, connection))).to.deep.equal(items.map(() => SHARED_DRIVE));
    expect(feeds.feedOf(`item:${idOf('deep')}`, connection)).to.equal(OWN);

    const mark = world.mark();
    const [own, shared] = [await feeds.start(connection, OWN), await feeds.start(connection, SHARED_DRIVE)];
    filesOf('shared-drive').push(file('of all', 'Of all.txt', 'plans'));
    expect(told((await feeds.read(connection, SHARED_DRIVE, shared)).changes)).to.deep.equal(['present Of all.txt']);
    expect((await feeds.read(connection, OWN, own)).changes).to.deep.equal([]);
    const queries = world.pathsSince(mark).map((path) => new URL(path, 'http://drive').searchParams);
    expect(queries.map((query) => query.get('driveId'))).to.deep.equal([null, SHARED_DRIVE, SHARED_DRIVE, null]);
    expect(queries.map((query) => query.get('supportsAllDrives'))).to.deep.equal(['true', 'true', 'true', 'true']);
    expect(queries[2]?.get('includeItemsFromAllDrives')).to.equal('true');
  });

  it('start over where Google no longer knows the token', async () => {
    expect((await failureOf(feeds.read(connection, OWN, '999999'))).kind).to.equal('cursor_expired');
  });

  it('of a shared drive that is out of reach are refused, and nothing of it is told as gone', async () => {
    world.plan(/\/changes\?/, 404, refusal(404, 'notFound'));
    expect((await failureOf(feeds.read(connection, SHARED_DRIVE, '1'))).kind).to.equal('gone');
  });
});

onOneDatabase('a sync of Google Drive', (open) => {
  let hub: TestHub;
  beforeEach(async () => {
    hub = await startHub({ database: await open() });
  });
  afterEach(() => hub.close());

  it('goes on behind the page that it read last, and finds a file that is old', async function () {
    this.timeout(120_000);
    const vendor = VENDORS.find(({ platform }) => platform === 'google_drive') ?? expect.fail('no Google Drive');
    const { integration, files } = await followFolder(hub, vendor);
    const sync = async () => finishedImport(hub, (await hub.context.syncs.start(hub.admin, integration.id)).id);
    await sync();
    const { cursor } = (await hub.context.database.knex('change_feeds').first('cursor')) as { cursor: string };
    const inner = files.find(({ name }) => name === 'Inner')?.id ?? null;
    files.push({ ...entry('old.txt', inner, 'An old tale of the sea.'), modifiedAt: new Date('1999-01-01T00:00:00Z') });
    // The first of two pages tells nothing; the second comes broken once.
    const { state } = hub.sandbox.google;
    const next = `0${cursor}`;
    const first = { kind: 'drive#changeList', nextPageToken: next, changes: [] };
    state.failNext((path) => path.includes(`pageToken=${cursor}&`), { status: 200, body: first });
    state.failNext((path) => path.includes(`pageToken=${next}&`), { status: 200, body: { changes: 'none' } });
    state.requests.length = 0;
    expect((await sync()).counts).to.include({ indexed: 1, removed: 0 });
    const tokens = state.requests.flatMap(({ path }) => /[?&]pageToken=(\d+)/.exec(path)?.[1] ?? []);
    expect(tokens).to.deep.equal([cursor, next, next]);
    const paths = (await hub.context.database.knex('documents').pluck('path')) as string[];
    expect(paths.filter((path) => path.endsWith('Followed/Inner/old.txt'))).to.have.length(1);
  });
});

describeWire('The changes of Google Drive', exchanges, checkExchanges, {
  requests: 10,
  operations: ['drive.changes.getStartPageToken', 'drive.changes.list', 'drive.files.list'],
});
