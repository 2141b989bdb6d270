import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import {
  connectScripted,
  createScriptedProvider,
  type Node,
  type ScriptedProvider,
} from '../helpers/scripted-provider.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const ODD = [
  '<script>alert(1)</script>.txt',
  '"quoted" & \'so\' on.md',
  'תקציב 2026.txt',
  '🚢🌊',
  `${'A very long name '.repeat(60)}.pdf`,
];

onOneDatabase('lists and the tree of the browser', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let provider: ScriptedProvider;
  let visitor: Visitor;
  before(async () => {
    hub = await startHub({ database: await open() });
    visitor = await signInAs(hub.url, 'admin@example.com');
  });
  after(() => hub.close());

  async function script(roots: Node[], pageSize = 100): Promise<void> {
    provider = createScriptedProvider({ roots, listsDeep: true, pageSize });
    integration = await connectScripted(hub, provider, hub.admin);
  }
  const place = (name: string, more: Record<string, string> = {}): string =>
    `/admin/browse?${new URLSearchParams({ integration: integration.id, ref: provider.refOf(name), ...more }).toString()}`;
  /** The names of the rows, in the order of the page. */
  const names = (html: string): string[] =>
    [...html.matchAll(/class="item__name"[^>]*>([^<]*)</g)].map(([, name]) => name ?? '');
  const part = (html: string, from: RegExp): string => from.exec(html)?.[0] ?? '';
  const treeOf = (html: string): string => part(html, /<nav class="tree"[^]*?<\/nav>/);
  const branchAt = (path: string, headers: Record<string, string> = {}): Promise<string> =>
    visitor.fetch(path, { headers: { 'x-fragment': 'branch', ...headers } }).then((answer) => answer.text());

  describe('sorting', () => {
    const day = (n: number) => new Date(Date.UTC(2026, 0, n));
    const roots: Node[] = [
      {
        name: 'Quay',
        below: [
          { name: 'Report 10', text: 'x', sizeBytes: 5, modifiedAt: day(3) },
          { name: 'report 9', text: 'x', sizeBytes: 900, modifiedAt: day(1) },
          { name: 'Zone', below: [] },
          { name: 'Ärger', text: 'x', modifiedAt: day(2) },
          { name: 'Anchors', below: [] },
          { name: 'Undated', text: 'x', sizeBytes: 70 },
        ],
      },
    ];
    const expected: Record<string, string[]> = {
      '': ['Report 10', 'report 9', 'Zone', 'Ärger', 'Anchors', 'Undated'],
      name: ['Anchors', 'Zone', 'Ärger', 'report 9', 'Report 10', 'Undated'],
      '-name': ['Zone', 'Anchors', 'Undated', 'Report 10', 'report 9', 'Ärger'],
      size: ['Anchors', 'Zone', 'Report 10', 'Undated', 'report 9', 'Ärger'],
      '-size': ['Anchors', 'Zone', 'report 9', 'Undated', 'Report 10', 'Ärger'],
      modified: ['Anchors', 'Zone', 'report 9', 'Ärger', 'Report 10', 'Undated'],
      '-modified': ['Anchors', 'Zone', 'Report 10', 'Ärger', 'report 9', 'Undated'],
      'name;drop': ['Report 10', 'report 9', 'Zone', 'Ärger', 'Anchors', 'Undated'],
    };
    const titleOf = (sort: string): string =>
      /^-?\w+$/.test(sort)
        ? `by “${sort}” puts folders first and what is unknown last`
        : `by “${sort}” keeps the service’s order`;
    for (const [sort, order] of Object.entries(expected))
      it(titleOf(sort), async () => {
        await script(roots);
        const { html } = await visitor.get(place('Quay', sort ? { sort } : {}));
        expect(names(html)).to.deep.equal(order);
      });

    it('is said to assistive technology, goes the other way when followed again, and stays for folders below', async () => {
      await script(roots);
      const { html } = await visitor.get(place('Quay', { sort: '-size' }));
      expect(html.match(/aria-sort="\w+"/g)).to.deep.equal(['aria-sort="descending"']);
      const links = [...html.matchAll(/<th[^>]*><a href="([^"]*)"/g)].map(
        ([, href]) => /sort=(.*)$/.exec(href ?? '')?.[1],
      );
      expect(links).to.deep.equal(['name', 'size', '-modified']);
      expect(html).to.contain(`${place('Anchors').replaceAll('&', '&amp;')}&amp;sort=-size">Anchors</a>`);
      expect(html).not.to.contain('in parts');
      expect((await visitor.get(place('Quay'))).html).not.to.contain('aria-sort');
    });

    it('reaches the page at hand only where a service gives its list in parts, and says so', async () => {
      await script([{ name: 'Quay', below: ['c', 'd', 'a', 'b'].map((name) => ({ name, text: 'x' })) }], 2);
      const first = (await visitor.get(place('Quay', { sort: '-name' }))).html;
      expect(names(first)).to.deep.equal(['d', 'c']);
      expect(textOf(first)).to.contain('Harbour Wiki gives this list in parts');
      const next = /href="([^"]*)" rel="next"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const second = (await visitor.get(next)).html;
      expect(names(second)).to.deep.equal(['b', 'a']);
      expect(textOf(second)).to.contain('Sorted is what this page shows');
      expect(textOf((await visitor.get(place('Quay'))).html)).not.to.contain('in parts');
    });
  });

  it('pages a folder of 10,000, in the list and in the tree', async () => {
    const many = Array.from({ length: 10_000 }, (_, at): Node =>
      at % 100 === 0 ? { name: `Folder ${at}`, below: [] } : { name: `Page ${at}`, text: 'x' },
    );
    await script([{ name: 'Archive', below: many }], 500);
    const { html } = await visitor.get(place('Archive', { sort: 'name' }));
    expect(names(html)).to.have.length(500);
    expect(names(html)[0]).to.equal('Folder 0');
    expect(treeOf(html).match(/Folder \d+/g)).to.have.length(5);
    expect(treeOf(html)).to.contain('More of this folder');
    const more = /href="([^"]*)" data-next/.exec(treeOf(html))?.[1]?.replaceAll('&amp;', '&') ?? '';
    const branch = await branchAt(more);
    expect(branch.match(/Folder \d+/g)).to.deep.equal([
      'Folder 500',
      'Folder 600',
      'Folder 700',
      'Folder 800',
      'Folder 900',
    ]);
    expect(names((await visitor.get(more)).html)).to.have.length(500);
  });

  it('shows odd names as they are, in rows, the tree and titles', async () => {
    await script([
      { name: 'Odd', below: ODD.map((name) => ({ name, text: 'x', below: [{ name: `in ${name}`, text: 'y' }] })) },
    ]);
    const { html } = await visitor.get(place('Odd'));
    expect(html).not.to.contain('<script>alert');
    expect(html).to.contain('dir="auto"');
    const unescaped = (text: string) =>
      text
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&#34;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&');
    expect(names(html).map(unescaped)).to.deep.equal(ODD);
    const inTree = [...treeOf(html).matchAll(/<span dir="auto">([^<]*)</g)].map(([, name]) => unescaped(name ?? ''));
    expect(inTree).to.deep.equal(['Odd', ...ODD]);
    for (const name of ODD) {
      const inside = await visitor.get(place(name));
      expect(unescaped(part(inside.html, /<h1[^]*?<\/h1>/))).to.contain(name);
    }
  });

  describe('the tree', () => {
    before(() =>
      script([
        {
          name: 'Ferries',
          below: [
            { name: 'Winter', below: [{ name: 'Ice', below: [] }] },
            { name: 'Summer', below: [] },
          ],
        },
        { name: 'Crew', below: [] },
      ]),
    );

    it('is links to all accounts and the way down to the place, without asking vendors for more than the page does', async () => {
      const asked = provider.asked.lists.length;
      const tree = treeOf((await visitor.get(place('Winter'))).html);
      expect(provider.asked.lists.slice(asked)).to.deep.equal(['Winter']);
      const links = [...tree.matchAll(/<a [^>]*href="([^"]*)"([^>]*)>/g)].map(([, href, rest]) => [
        href?.replaceAll('&amp;', '&'),
        rest?.includes('aria-current="page"'),
      ]);
      const account = `/admin/browse?integration=${integration.id}`;
      expect(links).to.deep.equal([
        ['/admin/browse', false],
        [account, false],
        [place('Ferries'), false],
        [place('Winter'), true],
        [place('Ice'), false],
        [place('Ferries'), false],
        [account, false],
      ]);
      const top = treeOf((await visitor.get('/admin/browse')).html);
      expect(top).to.contain('>Ferries</span>').and.to.contain('>Crew</span>').and.to.contain('mark--confluence');
    });

    it('gives a branch alone: its folders, none, or why there is nothing', async () => {
      expect(await branchAt(place('Ferries'))).to.match(/^\s*<ul>[^]*Winter[^]*Summer[^]*<\/ul>\s*$/);
      expect(await branchAt(place('Crew'))).to.contain('No folders in here.');
      expect(await branchAt(`/admin/browse?integration=${integration.id}`)).to.contain('Crew');
      provider.failNext(
        'list',
        'Summer',
        new ProviderError('rate_limited', 'confluence', 'Harbour Wiki asks for a pause.'),
      );
      const failed = await branchAt(place('Summer'));
      expect(failed).to.contain('Harbour Wiki asks for a pause.').and.to.contain('data-again');
      expect(await branchAt(place('Summer'))).to.contain('No folders in here.');
    });

    it('asks for a branch again only when told to, or after a minute', async () => {
      const count = () => provider.asked.lists.filter((name) => name === 'Winter').length;
      await branchAt(place('Winter'));
      const before = count();
      await branchAt(place('Winter'));
      expect(count()).to.equal(before);
      await branchAt(place('Winter'), { 'x-fresh': '1' });
      expect(count()).to.equal(before + 1);
    });

    it('is closed to others', async () => {
      const other = await signInAs(hub.url, hub.member.email);
      const answer = await other.fetch(place('Ferries'), { headers: { 'x-fragment': 'branch' } });
      expect(answer.status).to.equal(404);
      expect(await answer.text()).not.to.contain('Winter');
    });
  });

  describe('badges', () => {
    it('tell what was imported, what has changed since, and what cannot be, with one question for the page', async () => {
      const at = new Date(Date.UTC(2026, 0, 1));
      const pages: Node[] = Array.from({ length: 12 }, (_, n) => ({
        name: `Page ${n}`,
        text: `Text ${n}.`,
        version: '1',
      }));
      const dated: Node = { name: 'Dated', text: 'Only a time.', modifiedAt: at };
      await script([{ name: 'Log', below: [...pages, dated, { name: 'Board', locked: 'A board has no text.' }] }]);
      const list = provider.list.bind(provider);
      provider.list = async (...asked) => {
        const page = await list(...asked);
        const items = page.items.map((item) => (item.name === 'Dated' ? { ...item, version: undefined } : item));
        return { ...page, items };
      };
      const chosen = ['Page 1', 'Page 2', 'Dated'].map((name) => ({
        integrationId: integration.id,
        ref: provider.refOf(name),
      }));
      const { id } = await hub.context.imports.create(hub.admin, { items: chosen });
      await finishedImport(hub, id);
      const rowOf = (html: string, name: string) =>
        html.split('<tr').find((row) => row.includes(`"Select ${name}"`)) ?? '';
      const before = (await visitor.get(place('Log'))).html;
      expect(before).not.to.contain('Changed since import');
      expect(rowOf(before, 'Page 1')).to.match(/badge--indexed" href="\/admin\/documents\/[0-9a-f-]{36}">Imported/);

      pages[2]!.version = '2';
      dated.modifiedAt = new Date(at.getTime() + 1000);
      const queries: string[] = [];
      const note = ({ sql }: { sql: string }) => void (/from "?documents\b/.test(sql) && queries.push(sql));
      hub.context.database.knex.on('query', note);
      const { html } = await visitor.get(place('Log'));
      hub.context.database.knex.removeListener('query', note);
      expect(queries.filter((sql) => sql.includes('item_ref'))).to.have.length(1);
      expect(queries.filter((sql) => sql.includes('select category'))).to.have.length(1);
      expect(rowOf(html, 'Page 1')).to.contain('Imported');
      for (const name of ['Page 2', 'Dated']) expect(rowOf(html, name), name).to.contain('Changed since import');
      expect(rowOf(html, 'Page 3')).not.to.contain('badge');
      expect(rowOf(html, 'Board')).to.contain('Not importable').and.to.contain('A board has no text.');
    });
  });

  describe('an account that is slow', () => {
    it('costs its own part of the page only, and its late answer is kept', async () => {
      await script([{ name: 'Ferries', below: [] }]);
      await connectGoogle(hub, hub.admin);
      const roots = provider.roots.bind(provider);
      let asked = 0;
      let answer = () => {};
      provider.roots = (connection) => {
        asked++;
        return new Promise((resolve) => (answer = () => resolve(roots(connection))));
      };
      const began = Date.now();
      const { html } = await visitor.get('/admin/browse');
      expect(Date.now() - began).to.be.below(8_000);
      expect(names(html)).to.include('My Drive').and.not.include('Ferries');
      expect(textOf(html)).to.contain('Harbour Wiki did not answer within 4 seconds.');
      expect(html).to.contain(`href="/admin/browse?integration=${integration.id}">Try again</a>`);
      answer();
      const again = `/admin/browse?integration=${integration.id}`;
      await waitFor('the late answer', async () => {
        const branch = branchAt(again);
        answer();
        return (await branch).includes('Ferries');
      });
      const before = asked;
      expect(await branchAt(again)).to.contain('Ferries');
      expect(asked).to.equal(before);
    });
  });
});
