import { expect } from 'chai';
import type { Item } from '../../providers/provider.ts';
import {
  BASE,
  CLOUD,
  confluenceWith,
  found,
  GATEWAY,
  json,
  page,
  ref,
  withBody,
  type Script,
} from './confluence-script.ts';
import { bytesOf, failureOf, listAll } from './reading.ts';

const signal = () => ({ signal: new AbortController().signal });
const deep = (attachments = false) => ({ forImport: { deep: true, attachments } });
const names = (items: Item[]): string[] => items.map(({ name }) => name);
const files = (items: Item[]): Item[] => items.filter(({ kind }) => kind === 'file');

/** Pages of a space, some at a time, in the manner of version 2. */
const pagesInTurn =
  (pages: unknown[], next: (path: string) => { body?: object; headers?: Record<string, string> }): Script =>
  ({ path, query }) => {
    if (path !== '/api/v2/spaces/7/pages') return undefined;
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Math.min(Number(query.get('limit')), 2);
    const link = `/wiki/api/v2/spaces/7/pages?cursor=${to}&limit=${query.get('limit') ?? ''}`;
    const { body = {}, headers } = to < pages.length ? next(link) : {};
    return json({ results: pages.slice(from, to), _links: { ...BASE, ...body } }, 200, headers);
  };

describe('Confluence, case by case', () => {
  describe('paging', () => {
    const five = ['1', '2', '3', '4', '5'].map((id) => withBody(id, `<p>${id}</p>`));
    for (const [title, next] of [
      ['in the body', (link: string) => ({ body: { next: link } })],
      ['in a header', (link: string) => ({ headers: { link: `<${link}>; rel="next"` } })],
      ['in both', (link: string) => ({ body: { next: link }, headers: { link: `<${link}>; rel="next"` } })],
    ] as const)
      it(`goes on by a link ${title}, always at the gateway`, async () => {
        const { provider, connection, asked } = confluenceWith(pagesInTurn(five, next));
        const items = files(await listAll(provider, connection, ref('space', '7'), deep()));
        expect(names(items)).to.deep.equal(['Page 1', 'Page 2', 'Page 3', 'Page 4', 'Page 5']);
        for (const { url } of asked) expect(url.startsWith(`${GATEWAY}/api/v2/spaces/7/pages?`), url).to.equal(true);
        expect(asked).to.have.length(3);
      });

    it('refuses a link that leads elsewhere, or back', async () => {
      for (const link of ['https://evil.example/wiki/api/v2/pages', '//evil.example/x', '/../../../oauth/token']) {
        const { provider, connection, asked } = confluenceWith(pagesInTurn(five, () => ({ body: { next: link } })));
        const error = await failureOf(listAll(provider, connection, ref('space', '7'), deep()));
        expect(error.kind, link).to.equal('bad_response');
        expect(asked.every(({ url }) => url.startsWith(GATEWAY))).to.equal(true);
      }
      const circle = confluenceWith(({ path, query }) =>
        path.startsWith('/rest/api')
          ? {
              results: [found('9', 'comment', { container: { id: '1', type: 'page' } })],
              _links: {
                context: '/wiki',
                next: `/rest/api/content/search?cursor=${query.get('cursor') === 'a' ? 'b' : 'a'}`,
              },
            }
          : { results: [page('1')] },
      );
      const error = await failureOf(circle.provider.open(circle.connection, `comments/${CLOUD}/page/1`, signal()));
      expect(error.kind).to.equal('bad_response');
    });

    it('takes no place that a cursor of somebody else’s names', async () => {
      const { provider, connection, asked } = confluenceWith(() => ({ results: [] }));
      const forged = (place: object): string => Buffer.from(JSON.stringify(place)).toString('base64url');
      const of = ref('page', '7');
      const at = (path: string): string => forged({ of, steps: [{ list: 'children', path }] });
      for (const cursor of [
        at('//evil.example/'),
        at('/../../../me'),
        forged({ of: ref('page', '8') }),
        'nonsense',
        '',
      ])
        expect((await failureOf(provider.list(connection, of, cursor))).kind, cursor).to.equal('cursor_expired');
      expect((await failureOf(provider.search!(connection, 'x', 'nonsense'))).kind).to.equal('cursor_expired');
      expect(asked).to.deep.equal([]);
    });

    it('asks for fewer pages where their texts were too much at once, and goes on at the same place', async () => {
      const limits: string[] = [];
      const inTurn = pagesInTurn(five, (link) => ({ body: { next: link } }));
      const { provider, connection } = confluenceWith((asked) => {
        const limit = asked.query.get('limit') ?? '';
        limits.push(`${asked.query.get('cursor') ?? 0}:${limit}`);
        const most = asked.query.get('cursor') === '2' ? 60 : 130;
        return Number(limit) > most ? new Response('<h1>Gateway Timeout</h1>', { status: 504 }) : inTurn(asked);
      });
      const items = files(await listAll(provider, connection, ref('space', '7'), deep()));
      expect(names(items)).to.deep.equal(['Page 1', 'Page 2', 'Page 3', 'Page 4', 'Page 5']);
      expect(limits).to.deep.equal(['0:250', '0:125', '2:125', '2:62', '2:31', '4:31']);
    });

    it('gives up where not even five come through', async () => {
      const limits: string[] = [];
      const { provider, connection } = confluenceWith(({ query }) => {
        limits.push(query.get('limit') ?? '');
        return new Response('', { status: 504 });
      });
      const error = await failureOf(listAll(provider, connection, ref('space', '7'), deep()));
      expect(error).to.include({ kind: 'transient', status: 504 });
      expect(limits).to.deep.equal(['250', '125', '62', '31', '15', '7', '5']);
    });

    it('goes on behind short pages of a search, and stops at one without results', async () => {
      const hits = [['1'], ['2', '3'], ['4'], []];
      const { provider, connection, asked } = confluenceWith(({ path, query }) => {
        if (path !== '/rest/api/content/search') return undefined;
        const at = Number(query.get('cursor') ?? 0);
        const results = (hits[at] ?? []).map((id) =>
          found(`att${id}`, 'attachment', { container: { id: '9', type: 'page' } }),
        );
        return { results, _links: { ...BASE, context: '/wiki', next: `/rest/api/content/search?cursor=${at + 1}` } };
      });
      const items = await listAll(provider, connection, ref('page', '9'), {
        forImport: { deep: false, attachments: true },
      });
      expect(names(items)).to.deep.equal(['Found att1', 'Found att2', 'Found att3', 'Found att4']);
      expect(asked.map(({ url }) => url.startsWith(`${GATEWAY}/rest/api/content/search?`))).to.deep.equal(
        Array(4).fill(true),
      );
    });
  });

  describe('what is listed', () => {
    it('asks for what is current, and leaves out the rest though it comes', async () => {
      const { provider, connection, asked } = confluenceWith(({ path }) => {
        if (path.endsWith('/direct-children'))
          return {
            results: [
              { id: '1', title: 'One', status: 'current', type: 'page' },
              { id: '2', title: 'Two', status: 'archived', type: 'page' },
              { id: '3', title: 'New kind', status: 'current', type: 'hologram' },
            ],
          };
        return path === '/rest/api/content/search'
          ? { results: [] }
          : { results: [page('1'), page('4', { status: 'archived' })] };
      });
      expect(names(await listAll(provider, connection, ref('page', '7')))).to.deep.equal(['Page 1']);
      for (const { path, query } of asked.filter(({ path }) => !/children|search/.test(path)))
        expect(query.get('status'), path).to.equal('current');
    });

    it('keeps ids that no number holds', async () => {
      const id = '9007199254740993123';
      const { provider, connection } = confluenceWith(({ path }) =>
        path === '/api/v2/pages'
          ? { results: [page(id, { parentId: '9007199254740993125', parentType: 'folder' })] }
          : undefined,
      );
      const item = await provider.get(connection, ref('page', id));
      expect(item).to.include({ ref: ref('page', id), parentRef: ref('folder', '9007199254740993125') });
      const bad = confluenceWith(() => ({ results: [page(7 as unknown as string)] }));
      expect((await failureOf(bad.provider.get(bad.connection, ref('page', '7')))).message).to.contain('results.0.id');
    });

    it('gives live documents no version, because their text changes without one', async () => {
      const { provider, connection } = confluenceWith(() => ({ results: [page('1', { subtype: 'live' }), page('2')] }));
      expect((await provider.get(connection, ref('page', '1'))).version).to.equal(undefined);
    });

    it('names what pages lie in, though it comes later, in another answer, or has to be asked for', async () => {
      const pages = [
        withBody('1', '<p>1</p>', { parentId: '2', parentType: 'page' }),
        withBody('2', '<p>2</p>', { parentId: '3', parentType: 'page' }),
        withBody('4', '<p>4</p>', { parentId: '50', parentType: 'folder' }),
        withBody('3', '<p>3</p>', { parentId: '60', parentType: 'page' }),
      ];
      const inTurn = pagesInTurn(pages, (link) => ({ body: { next: link } }));
      const { provider, connection, asked } = confluenceWith((request) => {
        if (request.path === '/api/v2/folders/50')
          return page('50', { title: 'Folder', parentId: '3', parentType: 'page' });
        // The account may not see the page at the top.
        if (request.path === '/api/v2/pages') return { results: [] };
        return inTurn(request);
      });
      const items = files(await listAll(provider, connection, ref('space', '7'), deep()));
      expect(items.map(({ name, between }) => [name, between])).to.deep.equal([
        ['Page 1', ['Page 3', 'Page 2']],
        ['Page 2', ['Page 3']],
        ['Page 4', ['Page 3', 'Folder']],
        ['Page 3', []],
      ]);
      expect(asked.filter(({ path }) => !path.includes('/spaces/')).map(({ path }) => path)).to.deep.equal([
        '/api/v2/pages',
        '/api/v2/folders/50',
      ]);
    });

    it('makes addresses for people of the site’s base, and of nothing that is no web address', async () => {
      for (const [base, expected] of [
        [BASE.base, 'https://acme.atlassian.net/wiki/spaces/DOC/pages/1'],
        ['javascript:alert(1)//', undefined],
        [undefined, undefined],
      ]) {
        const { provider, connection } = confluenceWith(() => ({ results: [page('1')], _links: { base } }));
        expect((await provider.get(connection, ref('page', '1'))).webUrl).to.equal(expected);
      }
    });
  });

  describe('searching', () => {
    const cqlOf = async (query: string): Promise<string | null | undefined> => {
      const { provider, connection, asked } = confluenceWith(() => ({ results: [] }));
      await provider.search?.(connection, query);
      return asked[0]?.query.get('cql');
    };

    it('puts words in quotation marks that nothing in them ends', async () => {
      expect(await cqlOf('pier')).to.equal(
        'type in (page, blogpost, attachment) and (title ~ "pier*" or text ~ "pier*")',
      );
      expect(await cqlOf('a" or space = "X\\')).to.equal(
        'type in (page, blogpost, attachment) and (title ~ "a* or* space* X*" or text ~ "a* or* space* X*")',
      );
      expect(await cqlOf('"\\~*')).to.equal(undefined);
    });

    it('quotes keys of spaces, whatever they are', async () => {
      const { provider, connection, asked } = confluenceWith(({ path }) =>
        path === '/api/v2/spaces/7' ? { id: '7', key: '~a"b', name: 'Own', type: 'personal' } : { results: [] },
      );
      await listAll(provider, connection, ref('space', '7'), deep(true));
      const queries = asked.map(({ query }) => query.get('cql') ?? '').filter(Boolean);
      expect(queries).to.have.length(2);
      for (const cql of queries) expect(cql).to.contain('space = "~a\\"b"');
    });

    it('goes from one site to the next, and stays in the site that a cursor names', async () => {
      const sites = ['a', 'b'].map((id) => ({
        id,
        name: id,
        url: `https://${id}.example`,
        scopes: ['search:confluence'],
      }));
      const { provider, connection } = confluenceWith(
        ({ url, path, query }) => {
          const site = /confluence\/(\w)\//.exec(url)?.[1] ?? '';
          if (path === '/api/v2/pages') return { results: [page(query.get('id') ?? '', { title: `${site} page` })] };
          const next = query.has('cursor') ? {} : { next: '/rest/api/content/search?cursor=1' };
          return { results: [found(query.has('cursor') ? '2' : '1', 'page')], _links: next };
        },
        { sites },
      );
      const refs: string[] = [];
      let cursor: string | undefined;
      do {
        const result = await provider.search!(connection, 'pier', cursor);
        refs.push(...result.items.map((item) => item.ref));
        cursor = result.next;
      } while (cursor !== undefined);
      expect(refs).to.deep.equal(['page/a/1', 'page/a/2', 'page/b/1', 'page/b/2']);
    });
  });

  describe('opening', () => {
    it('leaves code as it stands, and people’s names out of it', async () => {
      const body =
        '<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[<ri:user ri:account-id="p1"/>]]></ac:plain-text-body></ac:structured-macro>' +
        '<p><ri:user ri:account-id="p1"></ri:user><ri:user ri:account-id=\'p2\' /><ri:user ri:account-id="p1" ri:display-name="Kept"/></p>';
      const { provider, connection, asked } = confluenceWith(({ path }) => {
        if (path === '/api/v2/pages/1') return withBody('1', body);
        if (path === '/api/v2/spaces/7') return { id: '7', key: 'DOC', name: 'Docs' };
        if (path !== '/api/v2/users-bulk') return undefined;
        return {
          results: [
            { accountId: 'p1', displayName: 'Ann "O" <x>' },
            { accountId: 'p2', publicName: 'Ben' },
          ],
        };
      });
      const opened = await provider.open(connection, ref('page', '1'), signal());
      expect((await bytesOf(opened)).toString()).to.equal(
        body
          .replace('p1"></ri:user>', 'p1" ri:display-name="Ann &#34;O&#34; &#60;x&#62;"></ri:user>')
          .replace("'p2' />", '\'p2\' ri:display-name="Ben"/>'),
      );
      const people = asked.find(({ path }) => path === '/api/v2/users-bulk')?.body;
      expect(people).to.deep.equal({ accountIds: ['author-1', 'p1', 'p2'] });
    });

    it('says what is gone, and what was never there to be had', async () => {
      const { provider, connection, asked } = confluenceWith(() => undefined);
      for (const kind of ['page', 'blogpost', 'attachment'])
        expect((await failureOf(provider.open(connection, ref(kind, '1'), signal()))).kind, kind).to.equal('gone');
      const before = asked.length;
      for (const kind of ['whiteboard', 'database', 'embed', 'folder', 'space', 'blog'])
        expect((await failureOf(provider.open(connection, ref(kind, '1'), signal()))).kind, kind).to.equal(
          'not_downloadable',
        );
      expect(asked).to.have.length(before);
    });

    it('downloads an attachment of a post by the post’s own id, as the site’s pages take no tokens', async () => {
      const attachment = {
        id: 'att9',
        title: 'Puffin.png',
        status: 'current',
        mediaType: 'image/png',
        fileSize: 3,
        blogPostId: '5',
        version: { number: 2 },
        _links: { download: '/download/attachments/5/Puffin.png' },
      };
      const { provider, connection, asked } = confluenceWith(({ path }) =>
        path === '/api/v2/attachments/att9'
          ? attachment
          : new Response('png', { headers: { 'content-type': 'image/png' } }),
      );
      const opened = await provider.open(connection, ref('attachment', 'att9'), signal());
      expect((await bytesOf(opened)).toString()).to.equal('png');
      expect(opened).to.include({ name: 'Puffin.png', sizeBytes: 3, version: '2', mediaType: 'image/png' });
      expect(asked.map(({ path }) => path)).to.deep.equal([
        '/api/v2/attachments/att9',
        '/rest/api/content/5/child/attachment/att9/download',
      ]);
    });

    it('takes a page of HTML for a passing fault where a file is expected', async () => {
      const hint = JSON.stringify({
        id: 'att9',
        title: 'a.pdf',
        mediaType: 'application/pdf',
        container: { kind: 'page', id: '5' },
      });
      const { provider, connection } = confluenceWith(
        () => new Response('<h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } }),
      );
      const error = await failureOf(provider.open(connection, ref('attachment', 'att9'), { ...signal(), hint }));
      expect(error.kind).to.equal('transient');
    });

    it('names the permission that is missing', async () => {
      const refusal = json({ code: 401, message: 'Unauthorized; scope does not match' }, 401);
      const { provider, connection } = confluenceWith(() => refusal.clone());
      for (const [attempt, scope] of [
        [() => provider.get(connection, ref('page', '1')), 'read:page:confluence'],
        [() => provider.get(connection, ref('folder', '1')), 'read:folder:confluence'],
        [() => provider.get(connection, ref('space', '1')), 'read:space:confluence'],
        [() => provider.list(connection, ref('page', '1')), 'read:hierarchical-content:confluence'],
        [() => provider.open(connection, ref('attachment', 'att1'), signal()), 'read:attachment:confluence'],
        [() => provider.search!(connection, 'x'), 'search:confluence'],
      ] as const) {
        const error = await failureOf(attempt());
        expect(error.kind).to.equal('scope');
        expect(error.message).to.contain(scope);
      }
    });
  });
});
