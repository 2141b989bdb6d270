import { expect } from 'chai';
import { createChecksum } from '../../providers/checksums.ts';
import { createMicrosoft365 } from '../../providers/microsoft-365/index.ts';
import { driveIdOf, itemIdOf, objectIdOf, siteIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { describeProvider } from './contract.ts';
import { addressOf, describeWire, recording, type Exchange } from './exchanges.ts';
import { checkExchanges } from './microsoft-contract.ts';
import { CLEO, itemRef, LARGE, startVendor, startWorld, type World } from './microsoft-world.ts';
import { bytesOf, failureOf, listAll, named, never } from './reading.ts';
import { ANN, BEN } from './world.ts';

const exchanges: Exchange[] = [];
/** Bytes of files may be text here. */
const watched = recording(exchanges, /json/);
const namesOf = (items: Item[]): string[] => items.map(({ name }) => name);

describeProvider('Microsoft 365', () => startVendor(watched));

describe('Microsoft 365', () => {
  let world: World;
  let connection: Connection;
  let roots: Item[];
  let home: Item[];

  before(async () => {
    world = await startWorld(watched);
    connection = world.connect();
    roots = await world.provider.roots(connection);
    home = await listAll(world.provider, connection, roots[0]?.ref ?? '');
  });
  after(() => world.close());

  const inside = (item: Item): Promise<Item[]> => listAll(world.provider, connection, item.ref);
  /** A connection that answers everything with this, and the addresses it was asked for. */
  const answering = (...bodies: unknown[]): { fake: Connection; asked: string[] } => {
    const asked: string[] = [];
    const fetch: Connection['fetch'] = (input) => {
      asked.push(addressOf(input));
      return Promise.resolve(Response.json(bodies[Math.min(asked.length, bodies.length) - 1]));
    };
    return { fake: { ...connection, fetch }, asked };
  };

  describe('roots', () => {
    it('are OneDrive, what is shared, each site and each team', () => {
      const expected = ['OneDrive', 'Shared with me', 'Archive', 'Bare', 'Operations', 'Operations (team)'];
      expect(namesOf(roots)).to.deep.equal(expected);
    });

    it('say of OneDrive that it cannot be opened where the licence has none, and keep the others', async () => {
      const refuse = (): void =>
        world.plan(/^\/v1\.0\/me\/drive\?/, 400, {
          error: { code: 'BadRequest', message: 'Tenant does not have a SPO license.' },
        });
      refuse();
      const left = await world.provider.roots(connection);
      expect(namesOf(left)).to.deep.equal(['OneDrive', 'Archive', 'Bare', 'Operations', 'Operations (team)']);
      const [none] = left;
      const reason = 'This account has no OneDrive: its licence does not include one.';
      expect(none).to.include({ kind: 'folder', importable: false, reason });
      refuse();
      const error = await failureOf(world.provider.list(connection, none?.ref ?? ''));
      expect([error.kind, error.message]).to.deep.equal(['denied', reason]);
    });

    it('open OneDrive by the place that was kept for it, once there is one', async () => {
      const { ref } = roots[0] ?? expect.fail('no OneDrive');
      expect((await world.provider.get(connection, 'one-drive')).ref).to.equal(ref);
      expect(namesOf(await listAll(world.provider, connection, 'one-drive'))).to.deep.equal(namesOf(home));
    });

    it('leave out sites and teams where the account cannot have them', async () => {
      const message = 'This API is not supported for MSA accounts';
      world.plan(/^\/v1\.0\/sites/, 400, { error: { code: 'BadRequest', message } });
      world.plan(/joinedTeams/, 403, { error: { code: 'Forbidden', message } });
      expect(namesOf(await world.provider.roots(connection))).to.deep.equal(['OneDrive', 'Shared with me']);
      const narrow = world.connect(ANN, ['User.Read', 'Files.Read.All']);
      expect(namesOf(await world.provider.roots(narrow))).to.deep.equal(['OneDrive', 'Shared with me']);
    });

    it('keep a way to the sites while they cannot be listed for a moment', async () => {
      world.plan(/^\/v1\.0\/sites/, 503);
      const names = namesOf(await world.provider.roots(connection));
      expect(names).to.deep.equal(['OneDrive', 'Shared with me', 'All SharePoint sites', 'Operations (team)']);
    });

    it('show a hundred sites, and one root that leads to all', async () => {
      const cleo = world.connect(CLEO);
      const all = await world.provider.roots(cleo);
      expect(all.filter(({ ref }) => ref.startsWith('site:'))).to.have.length(100);
      expect(all.at(-1)?.name).to.equal('All SharePoint sites');
      expect(await listAll(world.provider, cleo, all.at(-1)?.ref ?? '')).to.have.length(105);
    });

    it('do not show sites that only hold a OneDrive', async () => {
      const webUrl = 'https://contoso-my.sharepoint.com/personal/ann';
      world.plan(/^\/v1\.0\/sites/, 200, { value: [{ id: 'a,b,c', name: 'ann', webUrl }] });
      expect(namesOf(await world.provider.roots(connection))).to.not.include('ann');
    });

    it('fail when none of the places may be seen', async () => {
      const blind = world.connect(ANN, ['User.Read']);
      expect((await failureOf(world.provider.roots(blind))).kind).to.equal('denied');
    });
  });

  describe('browsing', () => {
    it('goes from a site to its libraries to their files', async () => {
      const [library] = await inside(named(roots, 'Archive'));
      expect(library).to.include({ name: 'Documents', parentRef: named(roots, 'Archive').ref });
      const [report] = await inside(library ?? expect.fail('no library'));
      expect(report).to.include({ name: 'Report.txt', parentRef: library?.ref });
    });

    it('goes from a team to its channels to their files, which are those of its site', async () => {
      const [channel] = await inside(named(roots, 'Operations (team)'));
      expect(channel).to.include({ name: 'General', kind: 'folder' });
      const files = await inside(channel ?? expect.fail('no channel'));
      expect(namesOf(files)).to.deep.equal(['Plans', 'Top.txt']);
      const [library] = await inside(named(roots, 'Operations'));
      const [general] = await inside(library ?? expect.fail('no library'));
      expect(await inside(general ?? expect.fail('no folder'))).to.deep.equal(files);
    });

    it('takes a channel without a folder for an empty one, and a channel that is gone for gone', async () => {
      const [channel] = await inside(named(roots, 'Operations (team)'));
      world.plan(/filesFolder/, 404, { error: { code: 'itemNotFound', message: 'Folder not found.' } });
      expect(await world.provider.list(connection, channel?.ref ?? '')).to.deep.equal({ items: [] });
      const other = channel?.ref.replace(/:[^:]+$/, ':19%3Anone%40thread.tacv2') ?? '';
      expect((await failureOf(world.provider.list(connection, other))).kind).to.equal('gone');
    });

    it('lets a locked or lost site fail alone', async () => {
      world.plan(/^\/v1\.0\/sites\/[^?]+\/drives/, 423, { error: { code: 'notAllowed', message: 'Locked.' } });
      const locked = await failureOf(world.provider.list(connection, named(roots, 'Archive').ref));
      expect(locked).to.include({ kind: 'denied', status: 423 });
      world.plan(/^\/v1\.0\/sites\/[^?]+\/drives/, 404, { error: { code: 'itemNotFound', message: 'Gone.' } });
      expect((await failureOf(world.provider.list(connection, named(roots, 'Archive').ref))).kind).to.equal('gone');
      expect(await inside(named(roots, 'Operations'))).to.have.length(1);
    });

    it('shows shared items under their root, and reads their folders in the drive they lie in', async () => {
      const shared = await inside(named(roots, 'Shared with me'));
      expect(namesOf(shared)).to.deep.equal(['A folder for Ann', 'Given to Ann.txt', 'From Ben.txt']);
      expect(shared.every(({ parentRef }) => parentRef === named(roots, 'Shared with me').ref)).to.equal(true);
      const start = world.mark();
      const [given] = await inside(shared[0] ?? expect.fail('nothing shared'));
      expect(given?.name).to.equal('In the folder.txt');
      const [path = ''] = world.pathsSince(start);
      const ids = [driveIdOf('ann shared'), 'items', itemIdOf('given folder'), 'children'].map(encodeURIComponent);
      expect(path).to.match(new RegExp(`^/v1\\.0/drives/${ids.join('/')}\\?`));
    });

    it('reads of a pointer what is said of its target', async () => {
      const link = named(home, 'Report.txt');
      expect(link).to.include({ sizeBytes: 'Words of Report.txt.'.length, importable: true });
      const folder = named(await inside(named(home, 'Deep')), 'Plans');
      expect(namesOf(await inside(folder))).to.deep.equal(['Plan.txt']);
    });

    it('does not take a notebook for a file or a folder', () => {
      const notebook = named(home, 'A notebook');
      expect(notebook).to.include({ kind: 'file', importable: false });
      expect(notebook.reason).to.match(/OneNote/);
    });

    it('shows kinds it has never heard of, and malware, with a reason', async () => {
      const at = { id: 'i', name: 'a', parentReference: { driveId: 'd', id: 'p' } };
      for (const facets of [{}, { package: { type: 'loop' } }, { file: {}, malware: { description: 'x' } }]) {
        const { fake } = answering({ ...at, ...facets });
        const item = await world.provider.get(fake, 'item:d:i');
        expect(item).to.include({ kind: 'file', importable: false });
        expect(item.reason).to.match(/^Microsoft 365 .*\.$/);
      }
    });

    it('takes one drive for one, however its id is spelled, and keeps the spelling it was asked with', async () => {
      const file = { id: 'X!1', name: 'a.txt', file: {}, parentReference: { driveId: 'A1B2C3D4E5F60789', id: 'X!0' } };
      const { fake, asked } = answering({ value: [file] });
      const { items } = await world.provider.list(fake, 'item:a1b2c3d4e5f60789:X!0');
      expect(items[0]).to.include({ ref: 'item:a1b2c3d4e5f60789:X!1', parentRef: 'item:a1b2c3d4e5f60789:X!0' });
      await world.provider.list(fake, 'item:A1B2C3D4E5F60789:X!0');
      const spelled = asked.map((url) => /drives\/([^/]+)/.exec(url)?.[1]);
      expect(spelled).to.deep.equal(['a1b2c3d4e5f60789', 'A1B2C3D4E5F60789']);
    });

    it('encodes ids, so that none can change what is asked for', async () => {
      const { fake, asked } = answering({ value: [] });
      await world.provider.list(fake, `item:${encodeURIComponent('d?#%')}:${encodeURIComponent('i&$top=1')}`);
      expect(new URL(asked[0] ?? '').pathname).to.equal('/v1.0/drives/d%3F%23%25/items/i%26%24top%3D1/children');
    });

    it('knows what has changed by the checksum, else by the tags', async () => {
      const base = { id: 'i', name: 'a', parentReference: { driveId: 'd', id: 'p' } };
      const versionOf = async (facets: object): Promise<string | undefined> =>
        (await world.provider.get(answering({ ...base, ...facets }).fake, 'item:d:i')).version;
      const hashes = { quickXorHash: 'aCgDG9jwBhDc4Q1yawMZAAAAAAA=' };
      const tags = { cTag: '"c:1"', eTag: '"1"' };
      expect(await versionOf({ ...tags, file: { hashes } })).to.match(/^quickxor-[0-9a-f]{40}$/);
      expect(await versionOf({ ...tags, file: { hashes: { sha1Hash: 'A'.repeat(40) } } })).to.equal(
        `sha1-${'a'.repeat(40)}`,
      );
      expect(await versionOf({ ...tags, file: {} })).to.equal('"c:1"');
      expect(await versionOf({ eTag: '"1"', file: {} })).to.equal('"1"');
      expect(await versionOf({ folder: {}, eTag: '"1"' })).to.equal(undefined);
    });

    it('calls an item in the recycle bin gone, and leaves it out of lists', async () => {
      const deleted = {
        id: 'i',
        name: 'a',
        file: {},
        deleted: { state: 'deleted' },
        parentReference: { driveId: 'd' },
      };
      const { fake } = answering(deleted, { value: [deleted] });
      expect((await failureOf(world.provider.get(fake, 'item:d:i'))).kind).to.equal('gone');
      expect((await world.provider.list(fake, 'item:d:p')).items).to.deep.equal([]);
    });

    it('says nothing of a date that Graph does not know', async () => {
      const item = { id: 'i', name: 'a', file: {}, lastModifiedDateTime: '0001-01-01T00:00:00Z' };
      const { fake } = answering({ ...item, parentReference: { driveId: 'd', id: 'p' } });
      expect((await world.provider.get(fake, 'item:d:i')).modifiedAt).to.equal(undefined);
    });
  });

  describe('paging', () => {
    const many = (): string => named(home, 'Many papers').ref;

    it('goes on after an empty page, and follows a link as it is', async () => {
      const link = `${world.config.microsoft.graphUrl}/v1.0/drives('d')/items('i')/children?$skiptoken=UGFnZQ%3d%3d&x=1`;
      const { fake, asked } = answering({ value: [], '@odata.nextLink': link }, { value: [] });
      const page = await world.provider.list(fake, many());
      expect(page.items).to.deep.equal([]);
      await world.provider.list(fake, many(), page.next);
      expect(asked[1]).to.equal(link);
    });

    it('ends a walk that leads back to its own place', async () => {
      const link = `${world.config.microsoft.graphUrl}/v1.0/drives/d/items/i/children?$skiptoken=a`;
      const { fake } = answering({ value: [], '@odata.nextLink': link });
      expect((await failureOf(world.provider.list(fake, many(), link))).kind).to.equal('bad_response');
    });

    it('sends no request to a link that leads away from Graph', async () => {
      const start = world.config.microsoft.graphUrl;
      for (const link of [
        'http://127.0.0.1:9/v1.0/x',
        `${start}/other/x`,
        `${start}@evil.example/v1.0/x`,
        'nonsense',
      ]) {
        const { fake, asked } = answering({ value: [], '@odata.nextLink': link });
        expect((await failureOf(world.provider.list(fake, many()))).kind, link).to.equal('bad_response');
        expect((await failureOf(world.provider.list(fake, many(), link))).kind, link).to.equal('bad_response');
        expect(asked).to.have.length(1);
      }
    });

    it('starts over when Graph no longer knows the place in a list', async () => {
      const { next = '' } = await world.provider.list(connection, many());
      const error = await failureOf(
        world.provider.list(connection, many(), next.replace(/skiptoken=.*/, 'skiptoken=x')),
      );
      expect(error.kind).to.equal('cursor_expired');
    });

    it('keeps a path in front of Graph, as a proxy has it', async () => {
      const config = parseConfig({ ...world.sandbox.env, MICROSOFT_GRAPH_URL: 'https://proxy.example/to/graph/' });
      const { fake, asked } = answering({ value: [], '@odata.nextLink': 'https://proxy.example/to/graph/v1.0/more' });
      const page = await createMicrosoft365(config.microsoft).list(fake, 'item:d:i');
      expect(asked[0]).to.match(/^https:\/\/proxy\.example\/to\/graph\/v1\.0\/drives\/d\/items\/i\/children\?/);
      expect(page.next).to.equal('https://proxy.example/to/graph/v1.0/more');
    });
  });

  describe('searching', () => {
    it('finds in every place, and passes over hits that are gone meanwhile', async () => {
      expect(namesOf((await world.provider.search?.(connection, 'report'))?.items ?? [])).to.deep.equal(['Report.txt']);
      world.plan(/\/items\//, 404, { error: { code: 'itemNotFound', message: 'Gone.' } });
      expect((await world.provider.search?.(connection, 'report'))?.items).to.deep.equal([]);
    });

    it('gives a page at a time', async () => {
      const first = await world.provider.search?.(connection, 'Paper');
      expect(first?.items).to.have.length(25);
      const second = await world.provider.search?.(connection, 'Paper', first?.next);
      expect(second?.items).to.have.length(25);
      expect(namesOf(second?.items ?? [])).to.not.include.members(namesOf(first?.items ?? []));
      const lost = world.provider.search?.(connection, 'Paper', 'http://evil.example');
      expect((await failureOf(lost ?? Promise.resolve())).kind).to.equal('cursor_expired');
    });

    it('lets no word be taken for an operator or a property', async () => {
      for (const query of ['NOT kittiwake', 'author:ann', 'kittiwake" OR "words', '(kittiwake', 'kittiwake OR xyzzy'])
        expect((await world.provider.search?.(connection, query))?.items, query).to.deep.equal([]);
    });

    it('searches a personal account in its OneDrive', async () => {
      const personal = { ...connection, accountId: 'x.9188040d-6c67-4c5b-b112-36a304b66dad' };
      const start = world.mark();
      const found = await world.provider.search?.(personal, 'kittiwake nests');
      expect(namesOf(found?.items ?? [])).to.deep.equal(['Bottom.md']);
      expect((await world.provider.search?.(personal, "ann's 'x"))?.items).to.deep.equal([]);
      const asked = world.pathsSince(start).filter((path) => path.includes('search('));
      expect(decodeURIComponent(asked[1] ?? '')).to.contain("search(q='ann''s ''x')");
    });
  });

  describe('opening', () => {
    it('gives Office files as they are, and their checksum is right', async () => {
      for (const name of ['A document.docx', 'A sheet.xlsx', 'Slides.pptx', 'Large.txt']) {
        const opened = await world.provider.open(connection, named(home, name).ref, never());
        const bytes = await bytesOf(opened);
        expect([opened.name, opened.sizeBytes]).to.deep.equal([name, bytes.length]);
        const checksum = createChecksum('quickxor');
        checksum.update(bytes);
        expect(opened.hash).to.deep.equal({ algorithm: 'quickxor', hex: checksum.digest() });
      }
    });

    it('follows the redirect to the download host without the token', async () => {
      const start = world.mark();
      const opened = await world.provider.open(connection, named(home, 'Nothing.txt').ref, never());
      expect(await bytesOf(opened)).to.have.length(0);
      const [, content, download] = world.pathsSince(start);
      expect(content).to.match(/\/content$/);
      expect(download).to.match(/^\/download\.aspx\?UniqueId=/);
    });

    it('reads a pointer’s target', async () => {
      const opened = await world.provider.open(connection, named(home, 'Report.txt').ref, never());
      expect((await bytesOf(opened)).toString()).to.equal('Words of Report.txt.');
    });

    it('asks once for a fresh address when the one it got is dead already', async () => {
      for (const status of [401, 403, 404]) {
        world.plan(/^\/download/, status, '<p>Gone</p>');
        const start = world.mark();
        const opened = await world.provider.open(connection, named(home, 'Nothing.txt').ref, never());
        expect(await bytesOf(opened)).to.have.length(0);
        expect(world.pathsSince(start).filter((path) => path.endsWith('/content'))).to.have.length(2);
      }
      world.plan(/^\/download/, 403, '<p>Gone</p>');
      world.plan(/^\/download/, 403, '<p>Gone</p>');
      const dead = world.provider.open(connection, named(home, 'Nothing.txt').ref, never());
      expect((await failureOf(dead)).kind).to.equal('transient');
    });

    it('does not take a download host’s refusal for a refused token', () => {
      const judge = (answer: { status: number; headers: Headers; text: string }) => world.provider.judge?.(answer);
      const refusal = { status: 401, headers: new Headers(), text: '<p>The address has run out.</p>' };
      expect(judge(refusal)).to.deep.equal({ kind: 'final' });
      const graphs = JSON.stringify({ error: { code: 'InvalidAuthenticationToken', message: '' } });
      expect(judge({ ...refusal, text: graphs })).to.equal(undefined);
      expect(judge({ ...refusal, headers: new Headers({ 'www-authenticate': 'Bearer' }) })).to.equal(undefined);
      expect(judge({ ...refusal, status: 429 })).to.equal(undefined);
    });

    it('says that a file may only be looked at', async () => {
      const ben = world.connect(BEN);
      const error = await failureOf(world.provider.open(ben, itemRef('ben home', 'locked'), never()));
      expect(error.kind).to.equal('not_downloadable');
      expect(error.message).to.contain('does not let it be downloaded');
    });

    it('leaves alone what Microsoft marks as malware', async () => {
      const { ref } = named(home, 'Nothing.txt');
      world.plan(/\/content$/, 403, {
        error: { code: 'accessDenied', message: '', innererror: { code: 'malwareDetected' } },
      });
      expect((await failureOf(world.provider.open(connection, ref, never()))).kind).to.equal('malware');
      world.plan(/^\/download/, 403, '', { headers: { 'x-virus-infected': 'Eicar' } });
      expect((await failureOf(world.provider.open(connection, ref, never()))).kind).to.equal('malware');
      const infected = { id: 'i', name: 'a', file: {}, malware: {}, parentReference: { driveId: 'd' } };
      const { fake, asked } = answering(infected);
      expect((await failureOf(world.provider.open(fake, 'item:d:i', never()))).kind).to.equal('malware');
      expect(asked).to.have.length(1);
    });

    it('promises no checksum when the size shows that SharePoint wrote into the file', async () => {
      const hashes = { quickXorHash: 'aCgDG9jwBhDc4Q1yawMZAAAAAAA=' };
      const item = { id: 'i', name: 'a.docx', size: 10, file: { hashes }, parentReference: { driveId: 'd' } };
      const fetch: Connection['fetch'] = (input) =>
        Promise.resolve(
          addressOf(input).endsWith('/content')
            ? new Response('hello world', { headers: { 'content-length': '11' } })
            : Response.json(item),
        );
      const opened = await world.provider.open({ ...connection, fetch }, 'item:d:i', never());
      expect([opened.sizeBytes, opened.hash]).to.deep.equal([11, undefined]);
    });

    it('fails while reading when a download breaks off', async () => {
      world.sandbox.state.truncateNext();
      const opened = await world.provider.open(connection, named(home, 'Large.txt').ref, never());
      expect((await failureOf(bytesOf(opened))).kind).to.equal('transient');
    });

    it('stops a download in the middle when the caller gives up', async () => {
      const abort = new AbortController();
      const opened = await world.provider.open(connection, named(home, 'Large.txt').ref, { signal: abort.signal });
      expect(opened.sizeBytes).to.equal(LARGE.length);
      const reason = new Error('enough');
      const outcome: unknown = await (async () => {
        for await (const _ of opened.stream) abort.abort(reason);
      })().catch((error: unknown) => error);
      expect(outcome).to.equal(reason);
    });
  });

  describe('who the account is', () => {
    it('shows the user name where there is no address', async () => {
      const ann = world.sandbox.state.accounts[0] ?? expect.fail('no account');
      world.plan(/^\/v1\.0\/me\?/, 200, {
        id: objectIdOf(ann),
        displayName: 'Ann',
        mail: null,
        userPrincipalName: 'ann@upn',
      });
      const account = await world.provider.auth.identify(connection);
      expect(account).to.deep.equal({ id: connection.accountId, email: 'ann@upn', name: 'Ann' });
    });

    it('knows the directory of a personal account', async () => {
      const { fake } = answering({
        id: '48d31887fad3a94c',
        displayName: 'Ann',
        userPrincipalName: 'ann@outlook.example',
      });
      const { id } = await world.provider.auth.identify({ ...fake, accountId: '' });
      expect(id).to.equal('00000000-0000-0000-48d3-1887fad3a94c.9188040d-6c67-4c5b-b112-36a304b66dad');
    });
  });

  it('gives a site’s ref by the three parts of its id', () => {
    expect(named(roots, 'Archive').ref).to.equal(`site:${encodeURIComponent(siteIdOf('archive'))}`);
  });

  it('reads nothing with an access token that has run out', async () => {
    const other = await startWorld();
    const expired = other.connect();
    other.sandbox.state.expireTokens();
    expect((await failureOf(other.provider.roots(expired))).kind).to.equal('reconnect');
    await other.close();
  });
});

describeWire('Microsoft 365', exchanges, checkExchanges, {
  requests: 300,
  operations: [
    'drive.item_ListChild',
    'drive.root_ListChild',
    'drive.root_search__medrive',
    'drive_GetDrive',
    'drive_GetItem',
    'drive_GetItemsContent',
    'microsoft.token',
    'search_query',
    'site_GetSite',
    'site_ListDrive',
    'site_ListSite',
    'team.channel_GetFilesFolder',
    'team_GetChannel',
    'team_GetTeam',
    'team_ListChannel',
    'user_GetDrive__me',
    'user_GetUser__me',
    'user_ListJoinedTeam__me',
  ],
});
