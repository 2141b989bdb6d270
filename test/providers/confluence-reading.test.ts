import { expect } from 'chai';
import { createConfluence } from '../../providers/confluence/index.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { ANN, BEN } from './atlassian-world.ts';
import {
  filesOf,
  harbour,
  quay,
  REDIRECT_URI,
  siteWith,
  startWorld,
  type WikiSite,
  type World,
} from './confluence-world.ts';
import { bytesOf, connectionWith, failureOf, listAll, walkForImport } from './reading.ts';

const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const names = (items: Item[]): string[] => items.map(({ name }) => name);
const named = (items: Item[], name: string): Item =>
  items.find((item) => item.name === name) ?? expect.fail(`no ${name}`);
const deep = (attachments: boolean) => ({ forImport: { deep: true, attachments } });

describe('Confluence', () => {
  const big = siteWith('big', 'cloud', (wiki) => void wiki.addSpace({ key: 'BIG', name: 'Big', pages: 1000 }));
  let site: WikiSite;
  let world: World;
  let connection: Connection;
  let space: Item;
  before(async () => {
    site = harbour();
    world = await startWorld([site]);
    connection = world.connect();
    space = named(await world.provider.roots(connection), 'Documentation');
  });
  after(() => world.close());
  const wiki = () => site.confluence;
  const mark = (): number => world.sandbox.state.requests.length;
  const since = (from: number): string[] => world.sandbox.state.requests.slice(from).map(({ path }) => path);
  const refOf = (title: string): string => {
    const { kind, id } = wiki().find(title);
    return `${kind}/${site.cloudId}/${id}`;
  };

  describe('connecting', () => {
    it('goes to Atlassian itself when nothing is overridden, and asks for what its calls need', async () => {
      const { confluence } = parseConfig({ CONFLUENCE_CLIENT_ID: 'id', CONFLUENCE_CLIENT_SECRET: 'hunter2' });
      const provider = createConfluence(confluence);
      const request = { state: 's', codeVerifier: 'v'.repeat(64), redirectUri: REDIRECT_URI };
      const url = new URL(await provider.auth.authorizationUrl(request));
      expect(url.origin + url.pathname).to.equal('https://auth.atlassian.com/authorize');
      expect(url.searchParams.get('scope')?.split(' ')).to.deep.equal(
        provider.definition.scopes.map(({ scope }) => scope),
      );
      const asked: string[] = [];
      const held: Connection = {
        ...connection,
        fetch: (input) => {
          asked.push(input as string);
          return Promise.reject(new TypeError('fetch failed'));
        },
      };
      await failureOf(provider.list(held, 'page/cloud-1/7'));
      expect(asked).to.deep.equal([
        'https://api.atlassian.com/ex/confluence/cloud-1/wiki/api/v2/pages/7/direct-children?limit=100',
      ]);
    });

    it('needs no other permissions than it asks for', async () => {
      const scopes = world.provider.definition.scopes.map(({ scope }) => scope);
      const scoped = world.connect(ANN, scopes);
      const { files } = await walkForImport(world.provider, scoped, true);
      expect(names([...files.values()]).sort()).to.deep.equal(filesOf(wiki()).sort());
      for (const { ref, importable } of files.values())
        if (importable) await bytesOf(await world.provider.open(scoped, ref, never()));
      expect((await world.provider.search?.(scoped, 'puffins'))?.items).to.have.length(1);
    });

    it('takes tokens of Cloud and of a Data Center, the first of which is shown first', () => {
      const forms = world.provider.definition.tokenForms ?? [];
      expect(forms.map(({ id, scheme }) => [id, scheme])).to.deep.equal([
        ['api_token', 'Basic'],
        ['personal_access_token', 'Bearer'],
      ]);
    });
  });

  describe('browsing', () => {
    it('shows spaces by name, personal ones apart, and none that is archived', async () => {
      const roots = await world.provider.roots(connection);
      expect(names(roots)).to.deep.equal(['Documentation', 'Empty', 'Personal spaces']);
      const personal = await listAll(world.provider, connection, named(roots, 'Personal spaces').ref);
      expect(names(personal)).to.deep.equal(['Ann’s own']);
    });

    it('shows several sites as roots, and their spaces inside', async () => {
      const two = await startWorld([harbour(), quay()]);
      try {
        const both = two.connect();
        const roots = await two.provider.roots(both);
        expect(names(roots)).to.deep.equal(['harbour', 'quay']);
        for (const root of roots) expect(await two.provider.get(both, root.ref)).to.deep.equal(root);
        const inQuay = await listAll(two.provider, both, named(roots, 'quay').ref);
        expect(names(inQuay)).to.deep.equal(['Personal spaces', 'Quay']);
        for (const item of inQuay) {
          expect(item.parentRef).to.equal(named(roots, 'quay').ref);
          expect(await two.provider.get(both, item.ref)).to.deep.equal(item);
        }
      } finally {
        await two.close();
      }
    });

    it('leads to all spaces by one root more where there are over a thousand', async () => {
      const many = siteWith('many', 'cloud', (all) => {
        for (let number = 1; number <= 1010; number += 1) all.addSpace({ key: `S${number}`, name: `Space ${number}` });
        all.addSpace({ key: 'KB', name: 'Answers', type: 'knowledge_base' });
        for (let number = 1; number <= 300; number += 1)
          all.addSpace({ key: `~${number}`, name: `A person ${number}`, type: 'personal' });
      });
      const huge = await startWorld([many]);
      try {
        const roots = await huge.provider.roots(huge.connect());
        expect(roots).to.have.length(1002);
        const all = named(roots, 'All spaces');
        expect(await huge.provider.get(huge.connect(), all.ref)).to.deep.equal(all);
        const inside = await listAll(huge.provider, huge.connect(), all.ref);
        expect(inside).to.have.length(1012);
        expect(named(inside, 'Answers').kind).to.equal('folder');
        const personal = named(inside, 'Personal spaces');
        expect(await listAll(huge.provider, huge.connect(), personal.ref)).to.have.length(300);
      } finally {
        await huge.close();
      }
    });

    it('shows what lies in folders and below whiteboards, each with what it is', async () => {
      const top = await listAll(world.provider, connection, space.ref);
      expect(names(top)).to.deep.equal(['Blog', 'Minutes', 'A link elsewhere', 'Documentation home']);
      const below = await listAll(world.provider, connection, refOf('Sketches'));
      expect(names(below)).to.deep.equal(['Below a whiteboard']);
      const drawings = await listAll(world.provider, connection, refOf('Drawings'));
      expect(names(drawings)).to.deep.equal(['Q3 / plan: "Übersicht" 日本 <& more>', 'Moorings']);
      const plan = await listAll(world.provider, connection, drawings[0]?.ref ?? '');
      expect(names(plan)).to.deep.equal([
        'Below the plan',
        'Comments on Q3 / plan: "Übersicht" 日本 <& more>',
        'Chart #1 – 日本.pdf',
        'Nothing.txt',
      ]);
    });
  });

  describe('importing', () => {
    it('takes a thousand pages of a space in four requests, each with its text and its place', async () => {
      const large = await startWorld([big]);
      try {
        const account = large.connect();
        const [root] = await large.provider.roots(account);
        const before = large.sandbox.state.requests.length;
        const items = await listAll(large.provider, account, root?.ref ?? '', { pageSize: 1000, ...deep(false) });
        expect(large.sandbox.state.requests.length - before).to.equal(4);
        const pages = items.filter(({ kind }) => kind === 'file');
        expect(pages).to.have.length(1000);
        expect(named(pages, 'Big page 1000').between).to.deep.equal([
          'Big home',
          'Big page 2',
          'Big page 16',
          'Big page 125',
        ]);
        const mid = large.sandbox.state.requests.length;
        for (const { ref, hint } of pages.slice(0, 300)) await large.provider.open(account, ref, { ...never(), hint });
        // The author's name, the space's, and the labels of 250 pages at once.
        expect(large.sandbox.state.requests.length - mid).to.equal(3);
      } finally {
        await large.close();
      }
    });

    it('lists a page with all below it, and goes on from where Confluence stops going down', async () => {
      const doc = wiki().spaces[0] ?? expect.fail('no space');
      let parent = wiki().add({ space: doc, title: 'Level 0', body: '<p>0</p>' });
      const top = `page/${site.cloudId}/${parent.id}`;
      for (let level = 1; level <= 14; level += 1)
        parent = wiki().add({ space: doc, title: `Level ${level}`, parent, body: '<p>x</p>' });
      wiki().attach({ container: parent, title: 'Bottom.txt', mediaType: 'text/plain', content: 'x' });
      const ways = new Map<string, number>();
      const waiting = [{ ref: top, way: [] as string[] }];
      for (let place = waiting.shift(); place; place = waiting.shift()) {
        let cursor: string | undefined;
        do {
          const page = await world.provider.list(connection, place.ref, cursor, deep(true));
          for (const item of page.items) {
            const way = [...place.way, ...(item.between ?? []), item.name];
            ways.set(way.join('/'), (ways.get(way.join('/')) ?? 0) + 1);
            if (!page.deep && item.hasChildren) waiting.push({ ref: item.ref, way });
          }
          cursor = page.next;
        } while (cursor !== undefined);
      }
      const levels = Array.from({ length: 14 }, (_, at) => `Level ${at + 1}`);
      const whole = levels.map((_, at) => levels.slice(0, at + 1).join('/'));
      expect(Object.fromEntries(ways)).to.deep.equal(
        Object.fromEntries([...whole, `${levels.join('/')}/Bottom.txt`].map((way) => [way, 1])),
      );
      wiki().contents.splice(-15);
      wiki().attachments.pop();
    });

    it('brings nothing for a page of which neither sub-pages nor attachments are wanted', async () => {
      const before = mark();
      const options = { forImport: { deep: false, attachments: false } };
      expect(await listAll(world.provider, connection, refOf('Documentation home'), options)).to.deep.equal([]);
      expect(since(before)).to.deep.equal([]);
    });

    it('leaves long texts to be fetched when their turn comes', async () => {
      const page = wiki().find('Documentation page 2');
      const { body } = page;
      page.body = `<p>${'long '.repeat(60_000)}</p>`;
      const items = await listAll(world.provider, connection, space.ref, deep(false));
      const { ref, hint } = named(items, page.title);
      expect(hint).to.equal(undefined);
      const opened = await world.provider.open(connection, ref, { ...never(), hint });
      expect((await bytesOf(opened)).toString()).to.equal(page.body);
      page.body = body;
    });
  });

  describe('opening', () => {
    it('gives a page as Confluence stores it, with the names of people in it, and what is known beside it', async () => {
      const title = 'Q3 / plan: "Übersicht" 日本 <& more>';
      const opened = await world.provider.open(connection, refOf(title), never());
      expect(opened.name).to.equal(`${title}.confluence`);
      expect(opened.mediaType).to.equal('application/vnd.atlassian.confluence.storage+xml');
      const text = (await bytesOf(opened)).toString();
      expect(text).to.contain('ri:display-name="Ben Weir"/>').and.to.contain('<ri:page ri:content-title="Tides" />');
      expect(opened.details).to.deep.equal({
        Space: 'Documentation',
        'Page id': wiki().find(title).id,
        Version: '1',
        Author: 'Ben Weir',
        Labels: ['pier', 'berths'],
        Ancestors: ['Documentation home', 'Drawings'],
      });
    });

    it('follows a download to the host of files without the token', async () => {
      const [chart] = wiki().attachments;
      const before = mark();
      const opened = await world.provider.open(connection, `attachment/${site.cloudId}/${chart?.id ?? ''}`, never());
      expect(await bytesOf(opened)).to.have.length(200_000);
      const asked = world.sandbox.state.requests.slice(before);
      const [file] = asked.filter(({ path }) => path.startsWith('/file/'));
      expect(file?.path).to.match(/[?&]token=/);
      expect(asked.map(({ authorization }) => authorization)).to.deep.equal(['Bearer', 'Bearer', undefined]);
    });

    it('gives all comments of a page as one text, oldest first, with who wrote them', async () => {
      const { id } = wiki().find('Q3 / plan: "Übersicht" 日本 <& more>');
      const opened = await world.provider.open(connection, `comments/${site.cloudId}/page/${id}`, never());
      const text = (await bytesOf(opened)).toString();
      expect(text).to.match(/^<h3>Ben Weir, 2026-01-05<\/h3>\n<p>Agreed, .*ri:display-name="Ann Oster"/);
      expect(text).to.match(/<h3>Ann Oster, 2026-02-01<\/h3>\n<p>And done.<\/p>$/);
    });

    it('is read without names and labels where the account may not know them', async () => {
      const scopes = ['read:page:confluence', 'read:space:confluence', 'read:folder:confluence'];
      const poor = connectionWith(world.fetch, new Secret(world.sandbox.state.issue(ANN, scopes).accessToken));
      const opened = await world.provider.open(
        { ...poor, integrationId: 'another' },
        refOf('Q3 / plan: "Übersicht" 日本 <& more>'),
        never(),
      );
      expect(opened.details).to.not.have.property('Author');
      expect((await bytesOf(opened)).toString()).not.to.contain('ri:display-name');
    });

    it('keeps what one account learned from the others', async () => {
      const secret = wiki().find('For Ben alone');
      const ben = { ...world.connect(BEN), integrationId: 'ben' };
      const below = wiki().add({ space: secret.space, title: 'Below a secret', parent: secret, body: '<p>x</p>' });
      const opened = await world.provider.open(ben, refOf('Below a secret'), never());
      expect(opened.details?.Ancestors).to.deep.equal(['For Ben alone']);
      expect((await failureOf(world.provider.open(connection, refOf('Below a secret'), never()))).kind).to.equal(
        'gone',
      );
      wiki().contents.splice(wiki().contents.indexOf(below), 1);
    });
  });
});
