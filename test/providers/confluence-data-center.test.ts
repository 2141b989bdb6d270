import { expect } from 'chai';
import type { Item } from '../../providers/provider.ts';
import { confluenceWith, found, SERVER, type Asked, type Script } from './confluence-script.ts';
import { bytesOf, failureOf, listAll, pagesOf } from './reading.ts';

const signal = () => ({ signal: new AbortController().signal });
const deep = { forImport: { deep: true, attachments: false } };
const files = (items: Item[]): Item[] => items.filter(({ kind }) => kind === 'file');

describe('Confluence Data Center, case by case', () => {
  const v1Page = (id: string, ancestors: string[] = []) =>
    found(id, 'page', {
      space: { key: '~ann@x' },
      ancestors: ancestors.map((above) => ({ id: above, type: 'page', title: `Page ${above}` })),
      version: { number: 1, when: '2026-05-01T10:00:00.000+02:00' },
      history: { createdBy: { userKey: 'k1', displayName: 'Ann' } },
      metadata: { labels: { results: [{ name: 'pier' }] } },
      body: { storage: { value: '<p><ri:user ri:userkey="k2"/></p>' } },
    });
  const asServer = (script: Script) => confluenceWith(script, { site: SERVER });
  const pathsOf = (asked: Asked[]): string[] => asked.map(({ path }) => path);

  it('is asked below the path that it was installed under, by keys that hold any sign', async () => {
    const { provider, connection, asked } = asServer(({ query }) =>
      query.has('start')
        ? { results: [v1Page('2', ['1'])] }
        : {
            results: [v1Page('1')],
            _links: { context: '/base', next: `/rest/api/space/~ann@x/content/page?start=1` },
          },
    );
    const space = `space/-/${encodeURIComponent('~ann@x')}`;
    const items = files(await listAll(provider, connection, space, deep));
    expect(items.map(({ between }) => between)).to.deep.equal([[], ['Page 1']]);
    expect(asked.every(({ url }) => url.startsWith(`${SERVER.url}/rest/api/space/~ann`))).to.equal(true);
    expect(items[0]?.parentRef).to.equal(space);
  });

  it('says author and labels with each page, and who is mentioned when asked', async () => {
    const { provider, connection, asked } = asServer(({ path, query }) => {
      if (path === '/rest/api/content/1') return v1Page('1');
      if (path.startsWith('/rest/api/space/')) return { key: '~ann@x', name: 'Ann’s' };
      return path === '/rest/api/user' && query.get('key') === 'k2' ? { displayName: 'Ben' } : undefined;
    });
    const opened = await provider.open(connection, 'page/-/1', signal());
    expect((await bytesOf(opened)).toString()).to.contain('ri:display-name="Ben"');
    expect(opened.details)
      .to.include({ Author: 'Ann', Space: 'Ann’s' })
      .and.to.deep.include({ Labels: ['pier'] });
    expect(pathsOf(asked)).to.have.members(['/rest/api/content/1', '/rest/api/user', '/rest/api/space/~ann%40x']);
  });

  it('gives files where its links say, and follows none to another place', async () => {
    const file = (download: string) =>
      found('att3', 'attachment', { container: { id: '1', type: 'page' }, _links: { download } });
    for (const [download, kind] of [
      ['/download/attachments/1/a.txt?version=1', undefined],
      ['//evil.example/a.txt', 'bad_response'],
      ['https://evil.example/a.txt', 'bad_response'],
    ] as const) {
      const { provider, connection, asked } = asServer(({ path }) =>
        path === '/rest/api/content/att3' ? file(download) : new Response('bytes'),
      );
      const opening = provider.open(connection, 'attachment/-/att3', signal());
      if (kind) expect((await failureOf(opening)).kind).to.equal(kind);
      else expect((await bytesOf(await opening)).toString()).to.equal('bytes');
      expect(asked.every(({ url }) => url.startsWith(`${SERVER.url}/`))).to.equal(true);
    }
  });

  it('lists a page with all below it by one search', async () => {
    const { provider, connection, asked } = asServer(({ path }) =>
      path === '/rest/api/content/search' ? { results: [v1Page('3', ['1', '2']), v1Page('2', ['1'])] } : undefined,
    );
    const listed = await pagesOf(provider, connection, 'page/-/1', deep);
    expect(listed.map((one) => one.deep)).to.deep.equal([true]);
    expect(listed[0]?.items.map(({ between }) => between)).to.deep.equal([['Found 2'], []]);
    expect(asked[0]?.query.get('cql')).to.equal('type = page and ancestor = 1');
  });
});
