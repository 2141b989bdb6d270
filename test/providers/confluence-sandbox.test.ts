import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { startAtlassianSandbox, type AtlassianSandbox } from '../../providers/atlassian/sandbox.ts';
import { createSite, personOf, sandboxSites } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import type { ConfluenceState, Content } from '../../providers/confluence/sandbox-state.ts';
import { sandboxAccounts } from '../../providers/sandbox/sandbox-files.ts';
import { describeAtlassianWire } from './atlassian-contract.ts';
import { recording, type Exchange } from './exchanges.ts';

const ANN = 'ann@tributary.example';
const BEN = 'ben@tributary.example';
const accounts = [
  { id: '1', email: ANN, name: 'Ann Oster', spaces: [] },
  { id: '2', email: BEN, name: 'Ben Weir', spaces: [] },
];
const people = accounts.map(personOf);
const [ann, ben] = people as [(typeof people)[0], (typeof people)[0]];
const APP = { clientId: 'client-1', clientSecret: 'hunter2-client-secret' };

const exchanges: Exchange[] = [];
const watched = recording(exchanges)(fetch);

type Thing = Record<string, unknown> & { id: string; title: string; type: string; status: string };
type Body = { results: Thing[]; _links: Record<string, string>; [name: string]: unknown };
type Answer = { status: number; headers: Headers; body: Body };

describe('the stand-in for Confluence', () => {
  let sandbox: AtlassianSandbox;
  let site: AtlassianSite;
  let server: AtlassianSite;
  let wiki: ConfluenceState;
  let home: Content;

  beforeEach(async () => {
    site = createSite({ name: 'acme', people, products: ['confluence'] });
    server = createSite({ name: 'server', people, products: ['confluence'], kind: 'server' });
    if (!site.confluence || !server.confluence) return expect.fail('no Confluence');
    wiki = site.confluence;
    fill(wiki);
    fill(server.confluence);
    home = wiki.find('Docs home');
    sandbox = await startAtlassianSandbox({ accounts, sites: [site, server], ...APP });
  });
  afterEach(() => sandbox.close());

  /** A space with eleven pages and something of everything. */
  function fill(state: ConfluenceState): void {
    const space = state.addSpace({ key: 'DOC', name: 'Docs', pages: 11 });
    const top = state.find('Docs home');
    const folder = state.add({ space, kind: 'folder', title: 'Folder', parent: top });
    state.add({ space, title: 'In the folder', parent: folder, labels: ['tide', 'bird'] });
    state.add({ space, kind: 'whiteboard', title: 'Sketch', parent: folder });
    state.add({ space, title: 'Archived', status: 'archived', parent: top });
    state.add({ space, title: 'Draft', status: 'draft', author: ben });
    state.add({ space, title: 'Trashed', status: 'trashed' });
    const secret = state.add({ space, title: 'Secret', parent: top, restrictedTo: new Set([ben.accountId]) });
    state.add({ space, title: 'Below the secret', parent: secret });
    const post = state.add({ space, kind: 'blogpost', title: 'A post', body: '<p>Kittiwakes are back.</p>' });
    state.attach({ container: top, title: 'Chart.pdf', mediaType: 'application/pdf', content: '%PDF-1.4' });
    state.attach({ container: post, title: 'Photo.png', mediaType: 'image/png', content: 'png' });
    const comment = state.comment({ container: top, body: '<p>Well said.</p>', author: ben });
    state.comment({ container: top, body: '<p>Thanks.</p>', parent: comment });
    state.comment({ container: top, kind: 'inline', body: '<p>Really?</p>', selection: 'Words' });
    state.addSpace({ key: '~ann', name: 'Ann', type: 'personal', owner: ann });
    state.addSpace({ key: 'BEN', name: 'Only Ben', members: new Set([ben.accountId]), pages: 2 });
    state.addSpace({ key: 'OLD', name: 'Old', status: 'archived', pages: 1 });
  }

  const ask = async (url: string, email = ANN, init: RequestInit = {}): Promise<Answer> => {
    const authorization = url.startsWith(server.url)
      ? `Bearer ${sandbox.state.personalToken(email)}`
      : `Bearer ${sandbox.state.issue(email).accessToken}`;
    const headers = { ...(init.headers as Record<string, string>), authorization };
    const response = await watched(url, { ...init, headers, redirect: 'manual' });
    const body = (await response
      .clone()
      .json()
      .catch(() => ({}))) as Body;
    return { status: response.status, headers: response.headers, body };
  };
  const get = (path: string, email?: string): Promise<Answer> =>
    ask(`${sandbox.url}/ex/confluence/${site.cloudId}${path}`, email);
  const v2 = (path: string, email?: string): Promise<Answer> => get(`/wiki/api/v2${path}`, email);
  const old = (path: string, email?: string): Promise<Answer> => ask(`${server.url}/rest/api${path}`, email);
  const titles = async (answer: Promise<Answer>): Promise<string[]> =>
    (await answer).body.results.map(({ title }) => title);
  const search = (cql: string, more = '', email?: string): Promise<Answer> =>
    get(`/wiki/rest/api/search?cql=${encodeURIComponent(cql)}${more}`, email);
  const found = async (cql: string, email?: string): Promise<string[]> =>
    (await search(cql, '&limit=250', email)).body.results.map(({ content }) => (content as Thing).title);
  const spaceId = (): string => home.space.id;

  describe('lists', () => {
    it('go on behind the last result, wherever the next address is said', async () => {
      const seen: string[] = [];
      let path: string | undefined = `/wiki/api/v2/spaces/${spaceId()}/pages?limit=5&status=current`;
      for (let round = 0; path !== undefined && round < 9; round += 1) {
        wiki.nextIn = (['both', 'body', 'header'] as const)[round % 3] ?? 'both';
        const { body, headers }: Answer = await get(path);
        seen.push(...body.results.map(({ title }) => title));
        const inHeader = /<(\/[^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
        expect(headers.get('link')).to.contain(`<${site.url}/wiki>; rel="base"`);
        expect(body._links.base).to.equal(`${site.url}/wiki`);
        path = body._links.next ?? inHeader;
        if (path !== undefined) expect(path).to.match(/^\/wiki\/api\/v2\//);
        // Neither skipped nor seen twice, though there are fewer now.
        if (round === 0) wiki.contents.splice(wiki.contents.indexOf(wiki.find('Docs page 2')), 1);
      }
      expect(seen).to.have.length(12);
      expect(new Set(seen).size).to.equal(12);
    });

    it('refuse what the description does not allow', async () => {
      const wrong = [
        '/pages?limit=0',
        '/pages?limit=251',
        '/pages?limit=many',
        '/pages?cursor=made-up',
        '/pages?status=draft',
        '/pages?sort=colour',
        '/pages?body-format=view',
        `/pages?id=${Array.from({ length: 251 }, (_, at) => at + 1).join(',')}`,
        '/pages?id=abc',
        '/pages/abc',
        '/spaces?type=secret',
        `/pages/${home.id}/descendants?depth=11`,
        `/pages/${home.id}?version=2`,
      ];
      for (const path of wrong) {
        const { status, body } = await v2(path);
        expect(status, path).to.equal(400);
        expect((body.errors as Thing[])[0], path).to.include({ status: 400 });
      }
    });

    it('take a cursor only with what it was made for', async () => {
      const { body } = await v2('/pages?limit=2');
      const cursor = new URL(body._links.next ?? '', 'http://localhost').searchParams.get('cursor') ?? '';
      expect((await v2(`/pages?limit=100&cursor=${cursor}`)).status).to.equal(200);
      expect((await v2(`/pages?limit=2&status=current&cursor=${cursor}`)).status).to.equal(400);
    });

    it('are sorted as asked', async () => {
      wiki.edit(wiki.find('Docs page 4'), { body: '<p>Newer.</p>' });
      const [newest] = await titles(v2('/pages?sort=-modified-date&status=current'));
      expect(newest).to.equal('Docs page 4');
      const names = (await v2('/spaces?sort=-name')).body.results.map(({ name }) => name);
      expect(names).to.deep.equal(['Old', 'Docs', 'Ann']);
    });

    it('take too long with many bodies, when told to', async () => {
      wiki.mostWithBodies = 50;
      expect((await v2('/pages?limit=100&body-format=storage')).status).to.equal(504);
      expect((await v2('/pages?limit=50&body-format=storage')).status).to.equal(200);
      expect((await v2('/pages?limit=100')).status).to.equal(200);
    });

    it('hold a thousand pages of a space in four', async () => {
      const big = wiki.addSpace({ key: 'BIG', name: 'Big', pages: 1000 });
      let path: string | undefined = `/wiki/api/v2/spaces/${big.id}/pages?limit=250&body-format=storage`;
      let [requests, pages] = [0, 0];
      for (; path !== undefined; requests += 1) {
        const { body }: Answer = await get(path);
        pages += body.results.length;
        path = body._links.next;
      }
      expect([requests, pages]).to.deep.equal([4, 1000]);
    });
  });

  describe('spaces and pages', () => {
    it('are those that the person may see', async () => {
      const keys = async (email?: string): Promise<unknown[]> =>
        (await v2('/spaces', email)).body.results.map(({ key }) => key);
      expect(await keys()).to.deep.equal(['DOC', '~ann', 'OLD']);
      expect(await keys(BEN)).to.deep.equal(['DOC', '~ann', 'BEN', 'OLD']);
      expect((await v2('/spaces?type=personal&status=current')).body.results).to.have.length(1);
      expect((await v2('/spaces?keys=OLD,DOC')).body.results).to.have.length(2);
      const hidden = wiki.spaces.find(({ key }) => key === 'BEN');
      expect((await v2(`/spaces/${hidden?.id}`)).status).to.equal(404);
      expect((await v2(`/spaces/${spaceId()}`)).body).to.include({ key: 'DOC', homepageId: home.id });
      expect(await titles(v2('/pages?limit=250', BEN))).to.include.members(['Secret', 'Below the secret']);
      expect(await titles(v2('/pages?limit=250'))).not.to.include.members(['Secret', 'Below the secret']);
      expect((await v2(`/pages/${wiki.find('Below the secret').id}`)).status).to.equal(404);
    });

    it('are current and archived ones unless somebody says otherwise', async () => {
      const all = await titles(v2(`/spaces/${spaceId()}/pages?limit=250`));
      expect(all).to.include('Archived').and.not.to.include.members(['Trashed', 'Draft']);
      expect(await titles(v2(`/spaces/${spaceId()}/pages?limit=250&status=current`))).not.to.include('Archived');
      expect(await titles(v2('/pages?status=trashed'))).to.deep.equal(['Trashed']);
      expect(await titles(v2(`/spaces/${spaceId()}/pages?depth=root&status=current`))).to.deep.equal(['Docs home']);
      const trashed = wiki.find('Trashed').id;
      expect((await v2(`/pages/${trashed}`)).status).to.equal(404);
      expect((await v2(`/pages/${trashed}?status=trashed`)).body.status).to.equal('trashed');
      const draft = wiki.find('Draft').id;
      expect((await v2(`/pages/${draft}?get-draft=true`, BEN)).body.status).to.equal('draft');
      expect((await v2(`/pages/${draft}?get-draft=true`)).status, 'of somebody else').to.equal(404);
    });

    it('bring a body in the format asked for, and none unasked', async () => {
      expect((await v2(`/pages/${home.id}`)).body).not.to.have.property('body');
      const bodyIn = async (format: string): Promise<string> => {
        const { body } = await v2(`/pages/${home.id}?body-format=${format}`);
        return (body.body as Record<string, { value: string }>)[format]?.value ?? '';
      };
      expect(await bodyIn('storage')).to.equal('<p>Words of page 1, with <strong>more</strong> to read.</p>');
      const adf = JSON.parse(await bodyIn('atlas_doc_format')) as { type: string };
      expect(adf.type).to.equal('doc');
      expect(await bodyIn('view')).to.contain('Words of page 1');
    });

    it('keep their versions', async () => {
      wiki.edit(home, { title: 'Docs home, new', body: '<p>New.</p>', message: 'Shorter' });
      const { body } = await v2(`/pages/${home.id}?version=1&body-format=storage&include-versions=true`);
      expect(body).to.include({ title: 'Docs home', status: 'historical' });
      expect(body.version).to.include({ number: 1 });
      const versions = (await v2(`/pages/${home.id}/versions`)).body.results;
      expect(versions.map(({ number, message }) => [number, message])).to.deep.equal([
        [2, 'Shorter'],
        [1, ''],
      ]);
    });

    it('have labels', async () => {
      const { id } = wiki.find('In the folder');
      const names = (await v2(`/pages/${id}/labels`)).body.results.map(({ name }) => name);
      expect(names).to.deep.equal(['bird', 'tide']);
      const { labels } = (await v2(`/pages/${id}?include-labels=true`)).body as unknown as { labels: Body };
      expect(labels.results).to.have.length(2);
      expect((await v2(`/pages/${id}/labels?prefix=my`)).body.results).to.be.empty;
    });

    it('have blog posts beside them', async () => {
      expect(await titles(v2(`/spaces/${spaceId()}/blogposts`))).to.deep.equal(['A post']);
      const [post] = (await v2('/blogposts?body-format=storage')).body.results;
      expect(post).to.not.have.any.keys('parentId', 'position');
      expect((await v2(`/blogposts/${post?.id}`)).body.title).to.equal('A post');
      expect((await v2(`/pages/${post?.id}`)).status).to.equal(404);
    });
  });

  describe('the tree', () => {
    it('has folders and whiteboards, which the old call does not see', async () => {
      const children = (await v2(`/pages/${home.id}/direct-children`)).body.results;
      expect(children.filter(({ type }) => type !== 'page').map(({ title }) => title)).to.deep.equal(['Folder']);
      expect(children.map(({ title }) => title))
        .to.include('Archived')
        .and.not.to.include('Secret');
      expect(await titles(v2(`/pages/${home.id}/children`))).not.to.include('Folder');
      const { id } = wiki.find('Folder');
      const below = (await v2(`/folders/${id}/direct-children`)).body.results;
      expect(below.map(({ type }) => type)).to.deep.equal(['page', 'whiteboard']);
      expect((await v2(`/folders/${id}`)).body.createdAt).to.be.a('number');
      expect((await v2(`/whiteboards/${below[1]?.id}`)).body).to.include({ title: 'Sketch', parentId: id });
    });

    it('goes down as many levels as asked, the highest first, and up again', async () => {
      const depths = async (depth: string): Promise<unknown[]> =>
        (await v2(`/pages/${home.id}/descendants?limit=250${depth}`)).body.results.map((one) => one.depth);
      expect(new Set(await depths('&depth=1'))).to.deep.equal(new Set([1]));
      const two = await depths('');
      expect(two).to.deep.equal([...two].sort());
      expect(new Set(two)).to.deep.equal(new Set([1, 2]));
      const { id } = wiki.find('In the folder');
      const types = (await v2(`/pages/${id}/ancestors`)).body.results.map(({ type }) => type);
      expect(types).to.deep.equal(['page', 'folder']);
      expect((await v2(`/pages/${id}/ancestors?limit=1`)).body.results[0]?.type).to.equal('folder');
    });
  });

  describe('what hangs on pages', () => {
    it('are attachments, of pages and of posts', async () => {
      expect(await titles(v2(`/pages/${home.id}/attachments`))).to.deep.equal(['Chart.pdf']);
      expect(await titles(v2('/attachments?mediaType=image/png'))).to.deep.equal(['Photo.png']);
      const [photo] = (await v2(`/blogposts/${wiki.find('A post').id}/attachments`)).body.results;
      expect(photo).to.include.keys('blogPostId', 'fileId', 'downloadLink').and.not.to.have.any.keys('pageId');
      expect((await v2(`/attachments/${photo?.id}`)).body).to.include({ title: 'Photo.png', fileSize: 3 });
    });

    it('are downloaded with their container’s id only, and never from where people get them', async () => {
      const [chart] = wiki.attachments;
      const path = (container: string, more = ''): string =>
        `/wiki/rest/api/content/${container}/child/attachment/${chart?.id}/download${more}`;
      expect((await get(path(home.id))).status).to.equal(302);
      expect((await get(path(wiki.find('A post').id))).status).to.equal(404);
      expect((await get(path(home.id, '?version=2'))).status).to.equal(400);
      const { downloadLink } = (await v2(`/attachments/${chart?.id}`)).body;
      expect((await get(`/wiki${String(downloadLink)}`)).status).to.equal(401);
    });

    it('are comments: below the page, in its text, and answers to them', async () => {
      const footer = (await v2(`/pages/${home.id}/footer-comments?body-format=storage`)).body.results;
      expect(footer.map(({ body }) => (body as Record<string, { value: string }>).storage?.value)).to.deep.equal([
        '<p>Well said.</p>',
      ]);
      expect((await v2(`/footer-comments/${footer[0]?.id}/children`)).body.results).to.have.length(1);
      const [inline] = (await v2(`/pages/${home.id}/inline-comments`)).body.results;
      expect(inline?.properties).to.include({ inlineOriginalSelection: 'Words' });
    });

    it('have authors, who are asked for by their ids', async () => {
      const accountIds = [ben.accountId, 'nobody'];
      const post = (body: unknown): Promise<Answer> =>
        ask(`${sandbox.url}/ex/confluence/${site.cloudId}/wiki/api/v2/users-bulk`, ANN, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const { body } = await post({ accountIds });
      expect(body.results.map(({ displayName }) => displayName)).to.deep.equal(['Ben Weir']);
      expect((await post({ accountIds: [] })).status).to.equal(400);
      expect((await get(`/wiki/rest/api/user?accountId=${ben.accountId}`)).body.displayName).to.equal('Ben Weir');
    });
  });

  describe('a search', () => {
    it('understands what CQL is written with', async () => {
      const folder = wiki.find('Folder').id;
      const queries: [string, string[]][] = [
        ['type = blogpost', ['A post']],
        ['type in (folder, whiteboard)', ['Folder', 'Sketch']],
        ['space = "DOC" and title ~ "page 7"', ['Docs page 7']],
        ['title = "Docs page 7" or title = "Sketch" order by title', ['Docs page 7', 'Sketch']],
        ['text ~ "kitti*"', ['A post']],
        ['text ~ "\\"page 11\\""', ['Docs page 11']],
        [`ancestor = ${folder}`, ['In the folder', 'Sketch']],
        [`parent = ${folder} and type != page`, ['Sketch']],
        [`container = ${home.id} and type = attachment`, ['Chart.pdf']],
        [`type in (attachment, comment) and container in (${home.id}) and not type = comment`, ['Chart.pdf']],
        ['label in ("tide", "other")', ['In the folder']],
        [`id = ${home.id}`, ['Docs home']],
        ['lastmodified >= "2026-01-05 09:10" and lastmodified < "2026/01/05 09:12"', ['Docs page 10', 'Docs page 11']],
        ['created > now("-1d")', []],
        ['creator = currentUser() and (type = attachment)', ['Chart.pdf', 'Photo.png']],
      ];
      for (const [cql, names] of queries) expect((await found(cql)).sort(), cql).to.deep.equal([...names].sort());
    });

    it('reads dates in the time zone of the person', async () => {
      const cql = 'lastmodified = "2026-01-05 04:03"';
      expect(await found(cql)).to.deep.equal([]);
      ann.timeZone = 'America/New_York';
      expect(await found(cql)).to.deep.equal(['Docs page 3']);
      ann.timeZone = 'Europe/London';
    });

    it('refuses what it cannot read', async () => {
      const wrong = [
        'space = DOC',
        'space in ("DOC", ~ann)',
        'status = "current"',
        'type = poem',
        'title ~',
        'title > "a"',
        'ancestor = "home"',
        'lastmodified > "yesterday"',
        '(type = page',
        'type = page page',
        '"',
        '',
      ];
      for (const cql of wrong) {
        const { status, body } = await search(cql);
        expect([status, String(body.message).slice(0, 19)], cql).to.deep.equal([400, 'Could not parse cql']);
      }
      expect((await get('/wiki/rest/api/search')).status).to.equal(400);
    });

    it('finds what is current in current spaces, and what the person may see', async () => {
      const pages = await found('type = page');
      expect(pages).not.to.include.members(['Archived', 'Trashed', 'Draft', 'Secret', 'Old home']);
      expect(await found('title ~ "secret"', BEN)).to.have.length(2);
      const { body } = await search('title ~ "Old home"', '&includeArchivedSpaces=true');
      expect(body.results).to.have.length(1);
    });

    it('marks the words in titles, and links without gateway and context', async () => {
      const { body } = await search('title ~ "page"', '&limit=3');
      expect(body.results[0]?.title).to.equal('Docs @@@hl@@@page@@@endhl@@@ 2');
      expect(body).to.include({ size: 3, start: 0, limit: 3, totalSize: 10 });
      expect(body._links).to.include({ context: '/wiki', base: `${site.url}/wiki` });
      expect(body._links.next).to.match(/^\/rest\/api\/search\?/);
      const next = await get(`/wiki${body._links.next ?? ''}`);
      expect(next.body).to.include({ start: 3, size: 3 });
    });

    it('may give shorter pages, and an empty one at the end', async () => {
      wiki.oddPages = true;
      const sizes: number[] = [];
      let path: string | undefined = `/rest/api/content/search?cql=${encodeURIComponent('title ~ "page"')}&limit=5`;
      while (path !== undefined) {
        const { body }: Answer = await get(`/wiki${path}`);
        sizes.push(body.results.length);
        path = body._links.next;
      }
      expect(sizes).to.deep.equal([4, 4, 2, 0]);
    });

    it('expands what is asked for', async () => {
      const parts = 'container,ancestors,version,extensions,metadata.labels,space,history,body.storage';
      const cql = encodeURIComponent(`container = ${home.id}`);
      const { body } = await get(`/wiki/rest/api/content/search?cql=${cql}&expand=${parts}`);
      const chart = body.results.find(({ title }) => title === 'Chart.pdf');
      expect(chart?.extensions).to.include({ fileSize: 8, mediaType: 'application/pdf' });
      expect(chart?.container).to.include({ id: home.id, type: 'page' });
      const [bare] = (await get(`/wiki/rest/api/content/search?cql=${cql}`)).body.results;
      expect(bare).to.not.have.any.keys('version', 'extensions', 'container', 'body', 'space');
      const within = await search(`id = ${home.id}`, `&expand=content.version,content.body.storage`);
      expect(within.body.results[0]?.content).to.include.keys('version', 'body');
      const { limit } = (await search('type = page', '&limit=250&expand=content.body.storage')).body;
      expect(limit, 'fewer with bodies').to.equal(50);
    });
  });

  describe('a Data Center', () => {
    it('lists by number, with links that leave out its path', async () => {
      const first = (await old('/content?spaceKey=DOC&limit=5&expand=body.storage,version')).body;
      expect(first).to.include({ start: 0, limit: 5, size: 5 });
      expect(first._links).to.include({ context: '/dc', base: server.url });
      expect(first._links.next).to.match(/^\/rest\/api\/content\?/);
      const second = await ask(`${server.url}${first._links.next ?? ''}`);
      expect(second.body.start).to.equal(5);
      expect((await old('/space?type=personal')).body.results).to.have.length(1);
      expect((await old('/space/DOC')).body.key).to.equal('DOC');
      expect((await old('/space/NONE')).status).to.equal(404);
      expect(await titles(old('/space/DOC/content/page?depth=root'))).to.deep.equal(['Docs home']);
    });

    it('has pages, what hangs on them, and a search', async () => {
      const { id } = server.confluence?.find('Docs home') ?? home;
      expect((await old(`/content/${id}?expand=ancestors,metadata.labels`)).body).to.include.keys(
        'ancestors',
        'metadata',
      );
      expect((await old('/content/999')).status).to.equal(404);
      expect((await old(`/content/${id}/child/page`)).body.results).to.have.length(8);
      const [chart] = (await old(`/content/${id}/child/attachment`)).body.results;
      const comments = async (more: string): Promise<number> =>
        (await old(`/content/${id}/child/comment?${more}`)).body.results.length;
      expect([await comments(''), await comments('depth=all')]).to.deep.equal([2, 3]);
      expect(
        (await old(`/content/search?cql=${encodeURIComponent('text ~ "kittiwakes"')}`)).body.results,
      ).to.have.length(1);
      expect((await old(`/content/search?cql=junk`)).status).to.equal(400);
      const download = await ask(`${server.url}${(chart?._links as Record<string, string>).download ?? ''}`);
      expect([download.status, download.headers.get('content-type')]).to.deep.equal([200, 'application/pdf']);
    });

    it('knows people by user key', async () => {
      const { userKey } = (await old('/user/current')).body;
      expect((await old(`/user?key=${String(userKey)}`)).body).to.include({
        displayName: 'Ann Oster',
        username: 'ann',
      });
      expect((await old('/user?key=none')).status).to.equal(404);
    });
  });

  describe('the sample company', () => {
    it('has a wiki with something of everything', async () => {
      const [company] = await sandboxSites(await sandboxAccounts({}));
      const state = company?.confluence ?? expect.fail('no Confluence');
      const count = (kind: string): number => state.contents.filter((content) => content.kind === kind).length;
      expect(state.spaces.map(({ type }) => type)).to.deep.equal(['global', 'global', 'global', 'personal']);
      expect(count('page')).to.be.greaterThan(35);
      for (const kind of ['folder', 'blogpost', 'whiteboard', 'database', 'embed'])
        expect(count(kind), kind).to.be.greaterThan(0);
      const statuses = new Set(state.contents.map(({ status }) => status));
      expect(statuses).to.deep.equal(new Set(['current', 'archived', 'draft', 'trashed']));
      const depthOf = ({ parent }: Content): number => (parent ? depthOf(parent) + 1 : 1);
      expect(Math.max(...state.contents.map(depthOf))).to.equal(5);
      const bodies = state.contents.map(({ body }) => body).join('');
      for (const part of ['code', 'panel', 'expand', 'status', 'include', 'info', 'warning', 'toc', 'children'])
        expect(bodies, part).to.contain(`<ac:structured-macro ac:name="${part}"`);
      for (const part of [
        '<![CDATA[',
        '<ac:layout>',
        '<ac:task-list>',
        '<table',
        '<ac:emoticon',
        '<ri:page',
        '<ac:image',
      ])
        expect(bodies, part).to.contain(part);
      const mentioned = [...bodies.matchAll(/ri:account-id="([^"]*)"/g)].map(([, id]) => id);
      const known = new Set(state.people.map(({ accountId }) => accountId));
      expect(mentioned.length).to.be.greaterThan(10);
      expect(mentioned.filter((id) => !known.has(id ?? ''))).to.deep.equal([]);
    });

    it('links to pages and files that are there', async () => {
      for (const { confluence } of await sandboxSites(await sandboxAccounts({})))
        for (const content of confluence?.contents ?? []) {
          const names = new Set(
            confluence?.attachments.filter((one) => one.container === content).map(({ title }) => title),
          );
          for (const [, name = ''] of content.body.matchAll(/ri:filename="([^"]*)"/g))
            expect(names, content.title).to.include(name);
          for (const [, title = ''] of content.body.matchAll(/ri:content-title="([^"]*)"/g))
            expect(confluence?.find(title).title).to.equal(title);
        }
    });
  });

  it('makes a wiki of a folder: texts become pages, other files are attached', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'wiki-'));
    await mkdir(path.join(folder, 'Plans'));
    await writeFile(path.join(folder, 'Plans', 'Pier.md'), '# Pier\n\nBuilt <soon>.');
    await writeFile(path.join(folder, 'Chart.pdf'), '%PDF-1.4');
    const options = { filesDir: folder };
    const [only] = await sandboxSites(await sandboxAccounts(options), options);
    await rm(folder, { recursive: true });
    const state = only?.confluence ?? expect.fail('no Confluence');
    expect(state.contents.map(({ title, parent }) => [title, parent?.title])).to.deep.equal([
      ['Files', undefined],
      ['Plans', 'Files'],
      ['Pier.md', 'Plans'],
    ]);
    expect(state.find('Pier.md').body).to.equal('<p># Pier</p>\n<p>Built &#60;soon&#62;.</p>');
    expect(state.attachments.map(({ title, sizeBytes }) => [title, sizeBytes])).to.deep.equal([['Chart.pdf', 8]]);
  });

  describeAtlassianWire(exchanges, 90);
});
