import { expect } from 'chai';
import type { Change, ChangeFeeds, Connection } from '../../providers/provider.ts';
import { parseRef } from '../../providers/dropbox/refs.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { VENDORS } from '../faults/vendors.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { checkExchanges } from './dropbox-contract.ts';
import { file, startWorld, type World } from './dropbox-world.ts';
import { describeWire, recording, type Exchange } from './exchanges.ts';
import { failureOf, named } from './reading.ts';

const HOME = 'home';
const CONTINUE = /\/list_folder\/continue$/;
const exchanges: Exchange[] = [];
/** What a page tells, by name or address. */
const told = (changes: Change[]): string[] =>
  changes.map((change) => (change.kind === 'gone' ? `gone ${change.address}` : `present ${change.item.name}`));
const within = (changes: Change[]): string[][] =>
  changes.flatMap((change) => (change.kind === 'present' ? [change.within] : []));
const refusal = (tag: string) => ({ error_summary: `${tag}/..`, error: { '.tag': tag } });

describe('the changes of Dropbox', () => {
  let world: World;
  let feeds: ChangeFeeds;
  let connection: Connection;
  let home: SandboxFile[];
  beforeEach(async () => {
    world = await startWorld(recording(exchanges));
    feeds = world.provider.changes ?? expect.fail('Dropbox tells no changes');
    connection = world.connect();
    home = world.sandbox.state.accounts[0]?.spaces[0]?.files ?? expect.fail('Ann has no Dropbox');
  });
  afterEach(() => world.close());

  const replace = (key: string, to: Partial<SandboxFile>): void => {
    const at = home.findIndex(({ id }) => id === key);
    home.splice(at, 1, { ...(home[at] ?? expect.fail(`no ${key}`)), ...to });
  };
  const telling = async (entries: object[]): Promise<Change[]> => {
    world.plan(CONTINUE, 200, { entries, cursor: 'next', has_more: false });
    return (await feeds.read(connection, HOME, 'a cursor')).changes;
  };
  const deleted = (path: string) => ({
    '.tag': 'deleted',
    name: path.slice(path.lastIndexOf('/') + 1),
    path_lower: path.toLowerCase(),
    path_display: path,
  });

  it('are none from the present on, and begin with what happens next', async () => {
    const cursor = await feeds.start(connection, HOME);
    const first = await feeds.read(connection, HOME, cursor);
    expect(first).to.deep.include({ changes: [], done: true });
    home.push(file('added', 'Added.txt', 'deep'));
    const { changes, done } = await feeds.read(connection, HOME, first.cursor);
    expect(done).to.equal(true);
    expect(told(changes)).to.include('present Added.txt');
    expect(within(changes)).to.deep.equal([['home:/deep']]);
  });

  it('tell of a move as gone from the old path and there at the new one, as the same item', async () => {
    const before = (await world.provider.search?.(connection, 'kittiwake'))?.items[0];
    const cursor = await feeds.start(connection, HOME);
    replace('bottom', { parentId: 'deep' });
    const { changes } = await feeds.read(connection, HOME, cursor);
    expect(told(changes)).to.include.members(['gone home:/deep/deeper/bottom.md', 'present Bottom.md']);
    expect(changes.at(-1)).to.have.nested.property('item.ref', before?.ref);
    expect(within(changes)).to.deep.equal([['home:/deep']]);
  });

  it('tell of a file that was written anew and nothing else', async () => {
    const cursor = await feeds.start(connection, HOME);
    replace('bottom', { version: '4711' });
    const { changes } = await feeds.read(connection, HOME, cursor);
    expect(told(changes)).to.deep.equal(['present Bottom.md']);
  });

  it('go on where there is more, also after a page without entries', async () => {
    world.plan(CONTINUE, 200, { entries: [], cursor: 'second', has_more: true });
    const page = await feeds.read(connection, HOME, 'first');
    expect(page).to.deep.equal({ changes: [], cursor: 'second', done: false });
  });

  it('are not read for ever where Dropbox names the same place again', async () => {
    world.plan(CONTINUE, 200, { entries: [], cursor: 'first', has_more: true });
    expect((await failureOf(feeds.read(connection, HOME, 'first'))).kind).to.equal('bad_response');
  });

  it('start over where Dropbox asks for it', async () => {
    world.plan(CONTINUE, 409, refusal('reset'));
    const cursor = await feeds.start(connection, HOME);
    expect((await failureOf(feeds.read(connection, HOME, cursor))).kind).to.equal('cursor_expired');
    expect((await failureOf(feeds.read(connection, HOME, 'lost'))).kind).to.equal('cursor_expired');
  });

  it('name what is gone by the path that Dropbox says, never by one of their own', async () => {
    const changes = await telling([{ ...deleted('/İSTANBUL/Straße.txt'), path_lower: '/i̇stanbul/straße.txt' }]);
    expect(changes).to.deep.equal([{ kind: 'gone', address: 'home:/i̇stanbul/straße.txt' }]);
  });

  it('leave out what lies at no path', async () => {
    expect(await telling([{ '.tag': 'deleted', name: 'Not mounted' }])).to.deep.equal([]);
  });

  it('of the team’s space are those of its own feed', async () => {
    const [, team] = await world.provider.roots(connection);
    const feed = feeds.feedOf(team?.ref ?? '', connection) ?? expect.fail('no feed');
    expect(feed).not.to.equal(feeds.feedOf('home', connection));
    const cursor = await feeds.start(connection, feed);
    const plans = world.sandbox.state.accounts[0]?.spaces.find(({ id }) => id === 'drive 1')?.files;
    plans?.push(file('of all', 'Of all.txt', 'plans'));
    const { changes } = await feeds.read(connection, feed, cursor);
    expect(told(changes)).to.include('present Of all.txt');
    expect(within(changes)).to.deep.equal([[`${feed}:/operations/plans`]]);
  });
});

onOneDatabase('a sync of Dropbox', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let files: SandboxFile[];
  let sync: () => ReturnType<typeof finishedImport>;

  beforeEach(async function () {
    this.timeout(120_000);
    hub = await startHub({ database: await open() });
    const vendor = VENDORS.find(({ platform }) => platform === 'dropbox') ?? expect.fail('no Dropbox');
    ({ integration, files } = await followFolder(hub, vendor));
    sync = async () => finishedImport(hub, (await hub.context.syncs.start(hub.admin, integration.id)).id);
    await sync();
  });
  afterEach(() => hub.close());

  const find = (name: string): SandboxFile => files.find((one) => one.name === name) ?? expect.fail(`no ${name}`);
  const put = (name: string, to: Partial<SandboxFile>): void =>
    void files.splice(files.indexOf(find(name)), 1, { ...find(name), ...to });
  /** Takes a folder away with all that is in it. */
  const remove = (name: string): void => {
    const inside = files.filter(({ parentId }) => parentId === find(name).id);
    for (const one of inside) remove(one.name);
    files.splice(files.indexOf(find(name)), 1);
  };
  const paths = async (): Promise<string[]> =>
    ((await hub.context.database.knex('documents').pluck('path')) as string[])
      .map((path) => path.slice(path.indexOf('Followed')))
      .sort();
  /** Dropbox's next page of changes, instead of what the stand-in saw. */
  const tellOnly = (entries: object[]): void =>
    hub.sandbox.dropbox.state.failNext((path) => CONTINUE.test(path), {
      status: 200,
      body: { entries, cursor: 'next', has_more: false },
    });

  it('takes all that was in a folder away by the one entry that tells of it', async function () {
    this.timeout(120_000);
    remove('Inner');
    tellOnly([{ '.tag': 'deleted', name: 'Inner', path_lower: '/followed/inner', path_display: '/Followed/Inner' }]);
    expect((await sync()).counts).to.include({ removed: 3 });
    expect((await paths()).filter((path) => path.includes('Inner'))).to.deep.equal([]);
    expect(await paths()).to.have.length(30);
  });

  it('takes all that was in a folder away where a file is in its place', async function () {
    this.timeout(120_000);
    const { parentId } = find('Inner');
    remove('Inner');
    files.push({ ...entry('a file', parentId, 'This was a folder once.'), name: 'Inner' });
    const list = async (ref: string) => (await hub.context.browse.list(hub.admin, integration.id, { ref })).items;
    const file = named(await list(named(await list('home'), 'Followed').ref), 'Inner');
    const ref = parseRef(file.ref);
    tellOnly([
      {
        '.tag': 'file',
        name: 'Inner',
        id: ref.kind === 'item' ? ref.id : expect.fail('no item'),
        path_lower: '/followed/inner',
        path_display: '/Followed/Inner',
        rev: '0123456789abcdef',
        size: 23,
        server_modified: '2026-03-01T08:00:00Z',
      },
    ]);
    expect((await sync()).counts).to.include({ removed: 3, indexed: 1, failed: 0 });
    expect(await paths()).to.include('Followed/Inner');
    expect((await paths()).filter((path) => path.startsWith('Followed/Inner/'))).to.deep.equal([]);
  });

  it('takes a file away where a folder or another file is in its place', async function () {
    this.timeout(120_000);
    const place = { rev: '0123456789abcdef', size: 23, server_modified: '2026-03-01T08:00:00Z' };
    const at = (name: string) => ({ name, path_lower: `/followed/${name}`, path_display: `/Followed/${name}` });
    const before = find('log 8.txt');
    files.splice(files.indexOf(before), 1, {
      ...entry('another', before.parentId, 'Another text.'),
      name: 'log 8.txt',
    });
    const list = async (ref: string) => (await hub.context.browse.list(hub.admin, integration.id, { ref })).items;
    const ref = parseRef(named(await list(named(await list('home'), 'Followed').ref), 'log 8.txt').ref);
    const id = ref.kind === 'item' ? ref.id : expect.fail('no item');
    tellOnly([
      { '.tag': 'folder', id: 'id:a_folder', ...at('log 7.txt') },
      { '.tag': 'file', id, ...at('log 8.txt'), ...place },
    ]);
    expect((await sync()).counts).to.include({ removed: 2, indexed: 1 });
    expect(await paths())
      .to.include('Followed/log 8.txt')
      .and.not.to.include('Followed/log 7.txt');
    expect(await paths()).to.have.length(32);
  });

  it('keeps two files that changed their names with each other', async function () {
    this.timeout(120_000);
    const names = ['log 7.txt', 'log 8.txt'] as const;
    const [one, other] = names.map(find);
    files.splice(files.indexOf(one ?? expect.fail()), 1, { ...one, name: names[1], version: '9001' } as SandboxFile);
    files.splice(files.indexOf(other ?? expect.fail()), 1, {
      ...other,
      name: names[0],
      version: '9002',
    } as SandboxFile);
    expect((await sync()).counts).to.include({ removed: 0, failed: 0 });
    expect(await paths()).to.include.members(names.map((name) => `Followed/${name}`));
    expect(await paths()).to.have.length(33);
  });

  it('shows a name that changed only in its case when everything is listed again, once', async function () {
    this.timeout(120_000);
    put('log 5.txt', { name: 'LOG 5.txt' });
    tellOnly([]);
    await sync();
    expect(await paths()).to.include('Followed/log 5.txt');
    await hub.context.database.knex('change_feeds').update({ cursor: 'lost' });
    // Its passages keep their vectors, and are found by the new name.
    expect((await sync()).counts).to.include({ removed: 0, indexed: 0, failed: 0 });
    expect(await paths()).to.include('Followed/LOG 5.txt');
    expect(await paths()).to.have.length(33);
  });
});

describeWire('The changes of Dropbox', exchanges, checkExchanges, {
  requests: 10,
  operations: [
    'files/get_metadata',
    'files/list_folder/continue',
    'files/list_folder/get_latest_cursor',
    'files/search_v2',
    'users/get_current_account',
  ],
});
