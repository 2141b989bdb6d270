import { expect } from 'chai';
import type { Change, ChangeFeeds, Connection } from '../../providers/provider.ts';
import { driveIdOf, itemIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { VENDORS } from '../faults/vendors.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { describeWire, recording, type Exchange } from './exchanges.ts';
import { checkExchanges } from './microsoft-contract.ts';
import { itemRef, startWorld, type World } from './microsoft-world.ts';
import { failureOf } from './reading.ts';
import { makersOf } from './world.ts';

const HOME = driveIdOf('ann home');
const exchanges: Exchange[] = [];
const { file } = makersOf();
/** How changes name an item of a drive. */
const at = (key: string, drive = HOME): string => `${drive.toLowerCase()}:${itemIdOf(key)}`;
/** What a page tells, by name or address. */
const told = (changes: Change[]): string[] =>
  changes.map((change) => (change.kind === 'gone' ? `gone ${change.address}` : `present ${change.item.name}`));
const refusal = (code: string) => ({ error: { code, message: 'Refused.' } });

describe('the changes of Microsoft 365', () => {
  let world: World;
  let feeds: ChangeFeeds;
  let connection: Connection;
  let home: SandboxFile[];
  beforeEach(async () => {
    world = await startWorld(recording(exchanges, /json/));
    feeds = world.provider.changes ?? expect.fail('Microsoft 365 tells no changes');
    connection = world.connect();
    home = world.sandbox.state.accounts[0]?.spaces[0]?.files ?? expect.fail('Ann has no OneDrive');
  });
  afterEach(() => world.close());

  const replace = (key: string, to: Partial<SandboxFile>): void => {
    const place = home.findIndex(({ id }) => id === key);
    home.splice(place, 1, { ...(home[place] ?? expect.fail(`no ${key}`)), ...to });
  };
  /** What is told of these items of Graph, which are the last. */
  const telling = async (value: object[]): Promise<Change[]> => {
    const link = `${world.sandbox.url}/v1.0/drives/${HOME}/root/delta?token=next`;
    const cursor = await feeds.start(connection, HOME);
    world.plan(/\/root\/delta/, 200, { '@odata.deltaLink': link, value });
    const page = await feeds.read(connection, HOME, cursor);
    expect(page.done).to.equal(true);
    expect(page.cursor).to.contain(link);
    return page.changes;
  };

  /** The id of the drive's top folder, and what is told right after the start. */
  const topOf = async (): Promise<{ value: Change[]; root: string }> => {
    const cursor = await feeds.start(connection, HOME);
    const { changes } = await feeds.read(connection, HOME, cursor);
    return { value: changes, root: (JSON.parse(cursor) as { rootId: string }).rootId };
  };

  it('are none from the present on, and begin with what happens next', async () => {
    const cursor = await feeds.start(connection, (await feeds.own(connection)) ?? '');
    const first = await feeds.read(connection, HOME, cursor);
    expect(first).to.deep.include({ changes: [], done: true });
    home.push(file('added', 'Added.txt', 'deep'));
    replace('bottom', { parentId: null });
    home.splice(
      home.findIndex(({ id }) => id === 'unicode'),
      1,
    );
    const { changes, done } = await feeds.read(connection, HOME, first.cursor);
    expect(done).to.equal(true);
    expect(told(changes)).to.have.members([`gone ${at('unicode')}`, 'present Added.txt', 'present Bottom.md']);
    const within = changes.flatMap((change) => (change.kind === 'present' ? [[change.item.name, change.within]] : []));
    expect(within).to.have.deep.members([
      ['Added.txt', [at('deep')]],
      ['Bottom.md', [`${HOME.toLowerCase()}:root`]],
    ]);
  });

  it('come in pages, each change once, and only the last says where the next begin', async () => {
    const cursor = await feeds.start(connection, HOME);
    home.push(...Array.from({ length: 201 }, (_, number) => file(`new ${number}`, `New ${number}.txt`, 'deep')));
    const first = await feeds.read(connection, HOME, cursor);
    const second = await feeds.read(connection, HOME, first.cursor);
    expect([first.done, second.done]).to.deep.equal([false, true]);
    expect(new Set([...told(first.changes), ...told(second.changes)])).to.have.property('size', 201);
    expect((await feeds.read(connection, HOME, second.cursor)).changes).to.deep.equal([]);
  });

  it('tell nothing of the top folder, whether by its mark or by its id', async () => {
    const top = { name: 'root', folder: {}, parentReference: { driveId: HOME } };
    const { value, root } = await topOf();
    expect(value).to.deep.equal([]);
    expect(
      await telling([
        { id: 'another', root: {}, ...top },
        { id: root, ...top },
      ]),
    ).to.deep.equal([]);
  });
  it('tell of something deleted by its id, without a name', async () => {
    const item = { id: itemIdOf('unicode'), deleted: { state: 'deleted' } };
    expect(await telling([item])).to.deep.equal([{ kind: 'gone', address: at('unicode') }]);
  });

  it('tell of files and folders without a cTag', async () => {
    const parentReference = { driveId: HOME, id: itemIdOf('deep') };
    const hashes = { quickXorHash: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' };
    const [folder, hashed, tagged] = await telling([
      { id: itemIdOf('deeper'), name: 'Deeper', folder: { childCount: 1 }, parentReference },
      {
        id: itemIdOf('a'),
        name: 'a.txt',
        eTag: '"1"',
        size: 5,
        file: { mimeType: 'text/plain', hashes },
        parentReference,
      },
      { id: itemIdOf('b'), name: 'b.txt', eTag: '"2"', size: 5, file: { mimeType: 'text/plain' }, parentReference },
    ]);
    const versions = [folder, hashed, tagged].map((change) =>
      change?.kind === 'present' ? change.item.version : expect.fail('not told'),
    );
    expect(versions).to.deep.equal([undefined, `quickxor-${'0'.repeat(40)}`, '"2"']);
  });

  it('start over where Graph no longer knows the place, with or without an address to go to', async () => {
    const refusals: [number, object, Record<string, string>?][] = [
      [410, refusal('resyncRequired')],
      [410, refusal('gone'), { location: `${world.sandbox.url}/v1.0/drives/${HOME}/root/delta` }],
      [410, {}],
      [400, refusal('syncStateNotFound')],
      [404, refusal('syncStateNotFound')],
    ];
    const cursor = await feeds.start(connection, HOME);
    for (const [status, body, headers] of refusals) {
      world.plan(/\/root\/delta/, status, body, { headers });
      const error = await failureOf(feeds.read(connection, HOME, cursor));
      expect(error.kind, `${status} ${JSON.stringify(body)}`).to.equal('cursor_expired');
    }
    expect((await failureOf(feeds.read(connection, HOME, 'nonsense'))).kind).to.equal('cursor_expired');
  });

  it('of a drive that is not there any more do not start over', async () => {
    const cursor = await feeds.start(connection, HOME);
    world.plan(/\/root\/delta/, 404, refusal('itemNotFound'));
    expect((await failureOf(feeds.read(connection, HOME, cursor))).kind).to.equal('gone');
  });

  it('are never asked for at another place than Graph', async () => {
    const rootId = 'top';
    const cursor = JSON.stringify({ link: 'https://elsewhere.example/v1.0/drives/a/root/delta?token=1', rootId });
    const mark = world.mark();
    expect((await failureOf(feeds.read(connection, HOME, cursor))).kind).to.equal('bad_response');
    expect(world.pathsSince(mark)).to.deep.equal([]);
  });

  it('of a library are those of its own drive', async () => {
    const ops = driveIdOf('ops');
    expect(feeds.feedOf(itemRef('ops', 'plans'), connection)).to.equal(ops);
    const cursor = await feeds.start(connection, ops);
    home.push(file('added', 'Added.txt', 'deep'));
    expect((await feeds.read(connection, ops, cursor)).changes).to.deep.equal([]);
    const files = world.sandbox.state.accounts[0]?.spaces.find(({ id }) => id === 'ops')?.files;
    files?.push(file('of all', 'Of all.txt', 'plans'));
    expect(told((await feeds.read(connection, ops, cursor)).changes)).to.deep.equal(['present Of all.txt']);
  });
});

onOneDatabase('a sync of Microsoft 365', (open) => {
  let hub: TestHub;
  beforeEach(async () => {
    hub = await startHub({ database: await open() });
  });
  afterEach(() => hub.close());

  const vendor = VENDORS.find(({ platform }) => platform === 'microsoft') ?? expect.fail('no Microsoft 365');
  const begin = async () => {
    const { integration, files } = await followFolder(hub, vendor);
    const sync = async () => finishedImport(hub, (await hub.context.syncs.start(hub.admin, integration.id)).id);
    await sync();
    hub.sandbox.microsoft.state.requests.length = 0;
    const find = (name: string): SandboxFile => files.find((one) => one.name === name) ?? expect.fail(`no ${name}`);
    return { files, find, sync };
  };
  const paths = async (): Promise<string[]> =>
    ((await hub.context.database.knex('documents').pluck('path')) as string[])
      .map((path) => path.slice(path.indexOf('Followed')))
      .sort();

  it('takes what is told last of an item that comes several times', async function () {
    this.timeout(120_000);
    const { find, sync } = await begin();
    const { cursor } = (await hub.context.database.knex('change_feeds').first('cursor')) as { cursor: string };
    const { link } = JSON.parse(cursor) as { link: string };
    const driveId = new URL(link).pathname.split('/')[3];
    const item = (name: string, as: string, parent: string) => ({
      id: itemIdOf(find(name).id),
      name: as,
      size: 5,
      cTag: '"c:1"',
      file: { mimeType: 'text/plain' },
      parentReference: { driveId, id: itemIdOf(find(parent).id) },
    });
    const deleted = (name: string) => ({ id: itemIdOf(find(name).id), deleted: { state: 'deleted' } });
    const value = [
      item('log 1.txt', 'first.txt', 'Followed'),
      deleted('log 2.txt'),
      item('log 3.txt', 'not any more.txt', 'Followed'),
      item('log 1.txt', 'second.txt', 'Other'),
      item('log 2.txt', 'is back.txt', 'Followed'),
      deleted('log 3.txt'),
      item('log 1.txt', 'third.txt', 'Inner'),
    ];
    const body = { '@odata.deltaLink': link, value };
    hub.sandbox.microsoft.state.failNext((path) => path.includes('/root/delta'), { status: 200, body });
    expect((await sync()).counts).to.include({ total: 3, unchanged: 2, removed: 1, failed: 0 });
    const now = await paths();
    expect(now).to.include.members(['Followed/Inner/third.txt', 'Followed/is back.txt']);
    expect(now.filter((path) => /log [123]\.txt|first|second|not any more/.test(path))).to.deep.equal([]);
    expect(now).to.have.length(32);
  });

  it('gives what is in a folder its new path without a download when only the folder’s name is new', async function () {
    this.timeout(120_000);
    const { files, find, sync } = await begin();
    files.splice(files.indexOf(find('Inner')), 1, { ...find('Inner'), name: 'Renamed', version: '9001' });
    expect((await sync()).counts).to.include({ total: 0, removed: 0 });
    expect(await paths()).to.include.members([
      'Followed/Renamed/inner.txt',
      'Followed/Renamed/moves out.txt',
      'Followed/Renamed/Deep/deep.txt',
    ]);
    const asked = vendor.requests(hub).map(({ path }) => path.replace(/\?.*/, ''));
    expect(asked.filter((path) => !path.endsWith('/root/delta'))).to.deep.equal([]);
    expect(asked).to.have.length(1);
  });
});

describeWire('The changes of Microsoft 365', exchanges, checkExchanges, {
  requests: 20,
  operations: ['drive.root_delta__noparens', 'drive_GetRoot', 'user_GetDrive__me'],
});
