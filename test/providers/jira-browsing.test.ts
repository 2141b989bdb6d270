import { expect } from 'chai';
import type { Item } from '../../providers/provider.ts';
import {
  attachment,
  CLOUD,
  FOR_IMPORT,
  issue,
  issueRef,
  jiraWith,
  json,
  listForImport,
  numbers,
  projectRef,
  provider,
  refused,
  search,
  searchOf,
  SITE,
  type Script,
} from './jira-script.ts';
import { failureOf, listAll } from './reading.ts';

const names = (items: Item[]): string[] => items.map(({ name }) => name);
const project = (id: string, key: string, name: string) => ({ id, key, name });

describe('browsing Jira', () => {
  it('begins with the projects where there is one site, page by page and never by the link to the site', async () => {
    const all = [project('1', 'AND', 'Anders'), project('2', 'OR', 'Orca'), project('3', 'EX', 'Example')];
    const { connection, asked } = jiraWith(({ query }) => {
      const startAt = Number(query.get('startAt'));
      // Fewer than were asked for.
      const values = all.slice(startAt, startAt + 2);
      return { startAt, values, isLast: startAt + 2 >= all.length, nextPage: 'https://acme.atlassian.net/next' };
    });
    const roots = await provider.roots(connection);
    expect(names(roots)).to.deep.equal(['Anders', 'Orca', 'Example']);
    expect(roots[0]).to.deep.include({
      ref: `project/${CLOUD}/1`,
      kind: 'folder',
      webUrl: 'https://acme.atlassian.net/browse/AND',
    });
    expect(asked.map(({ query }) => `${query.get('startAt')} ${query.get('status')}`)).to.deep.equal([
      '0 live',
      '2 live',
    ]);
    for (const { url } of asked) expect(url).to.match(/^https:\/\/api\.atlassian\.com\/ex\/jira\//);
  });

  it('begins with the sites where there are several', async () => {
    const other = { ...SITE, id: 'other-1', name: 'other', url: 'https://other.atlassian.net' };
    const values = [project('1', 'EX', 'Example')];
    const script: Script = ({ path }) => (path === '/project/1' ? values[0] : { values, isLast: true });
    const { connection } = jiraWith(script, { sites: [SITE, other] });
    const roots = await provider.roots(connection);
    expect(names(roots)).to.deep.equal(['acme', 'other']);
    const [found] = await listAll(provider, connection, roots[1]?.ref ?? '');
    expect(found).to.include({ ref: 'project/other-1/1', parentRef: 'site/other-1' });
    expect(await provider.get(connection, found?.ref ?? '')).to.deep.equal(found);
  });

  it('takes a 404 of the projects for a site without any', async () => {
    expect(await provider.roots(jiraWith(() => undefined).connection)).to.deep.equal([]);
  });

  it('asks where the token works when connected by token, and names no site in refs', async () => {
    const site = { url: 'https://acme.atlassian.net', apiUrl: 'https://acme.atlassian.net' };
    const { connection, asked } = jiraWith(() => ({ values: [project('1', 'EX', 'Example')], isLast: true }), { site });
    expect((await provider.roots(connection)).map(({ ref }) => ref)).to.deep.equal(['project/-/1']);
    expect(asked[0]?.url).to.match(/^https:\/\/acme\.atlassian\.net\/rest\/api\/3\/project\/search/);
    expect((await failureOf(provider.list(connection, projectRef))).kind).to.equal('gone');
  });

  it('finds a project’s issues by its number, with the fields that it names', async () => {
    const { connection, asked } = jiraWith(searchOf([issue(1)]));
    const { items } = await provider.list(connection, projectRef);
    expect(asked[0]?.body).to.deep.include({
      jql: 'project = 10000 ORDER BY created DESC',
      fields: ['summary', 'updated', 'project', 'attachment'],
    });
    expect(items).to.deep.equal([
      {
        ref: issueRef('20001'),
        address: issueRef('20001'),
        name: 'EX-1 Issue 1',
        kind: 'file',
        mediaType: 'text/html',
        modifiedAt: new Date('2026-05-01T10:00:00Z'),
        version: '2026-05-01T10:00:00.000Z',
        webUrl: 'https://acme.atlassian.net/browse/EX-1',
        parentRef: projectRef,
        importable: true,
      },
    ]);
  });

  it('goes on until Jira names no next page, or says that it was the last, however short a page is', async () => {
    const pages = [
      { issues: [issue(1)], nextPageToken: 'a' },
      { issues: [], nextPageToken: 'b' },
      { issues: [issue(2), issue(3)], nextPageToken: 'c', isLast: true },
    ];
    const { connection, asked } = jiraWith(() => pages[asked.length - 1]);
    expect(names(await listAll(provider, connection, projectRef))).to.have.length(3);
    expect(asked.map(({ body }) => body.nextPageToken)).to.deep.equal([undefined, 'a', 'b']);
    const nulled = jiraWith(() => ({ issues: [issue(1)], nextPageToken: null }));
    expect(await listAll(provider, nulled.connection, projectRef)).to.have.length(1);
  });

  it('calls a listing that leads back to its own place a bad response', async () => {
    const { connection } = jiraWith(() => ({ issues: [issue(1)], nextPageToken: 'a' }));
    const { next } = await provider.list(connection, projectRef);
    expect((await failureOf(provider.list(connection, projectRef, next))).kind).to.equal('bad_response');
  });

  it('starts over when Jira no longer knows the place in a list, or the place is of another one', async () => {
    const { connection } = jiraWith(({ body }) =>
      body.nextPageToken ? refused('The page token is expired.') : { issues: [issue(1)], nextPageToken: 'a' },
    );
    const { next } = await provider.list(connection, projectRef);
    expect((await failureOf(provider.list(connection, projectRef, next))).kind).to.equal('cursor_expired');
    const another = `project/${CLOUD}/10001`;
    for (const cursor of [next ?? '', 'nonsense', ''])
      expect((await failureOf(provider.list(connection, another, cursor))).kind).to.equal('cursor_expired');
  });

  it('does not take a project that it lost for an empty one', async () => {
    const lost = [refused("The value '10000' does not exist for the field 'project'."), json({ issues: [] })];
    for (const answer of lost) {
      const { connection } = jiraWith(({ path }) => (path === '/search/jql' ? answer : undefined));
      expect((await failureOf(provider.list(connection, projectRef))).kind).to.equal('gone');
    }
    const empty = jiraWith(({ path }) =>
      path === '/search/jql' ? { issues: [], isLast: true } : project('10000', 'EX', 'Example'),
    );
    const { items, next } = await provider.list(empty.connection, projectRef);
    expect([items, next]).to.deep.equal([[], undefined]);
  });

  it('asks for less when an answer breaks off or takes too long, and stays with that', async () => {
    const all = numbers(1, 120).map((number) => issue(number));
    for (const tooMuch of [() => json('{"issues":[{"id":"2000'), () => json({}, 504)]) {
      const { connection, asked } = jiraWith((request) =>
        (request.body.maxResults as number) > 25 ? tooMuch() : searchOf(all)(request),
      );
      const found = await listForImport(connection);
      expect(names(found)).to.deep.equal(all.map(({ key, fields }) => `${key} ${String(fields.summary)}`));
      expect(asked.map(({ body }) => body.maxResults)).to.deep.equal([100, 50, 25, 25, 25, 25, 25]);
    }
    const hopeless = jiraWith(() => json('{"issues":['));
    const failure = await failureOf(provider.list(hopeless.connection, projectRef, undefined, FOR_IMPORT));
    expect(failure.kind).to.equal('transient');
    expect(hopeless.asked.map(({ body }) => body.maxResults)).to.deep.equal([100, 50, 25, 13, 7, 4]);
  });

  it('shows an issue with attachments as something that can be opened', async () => {
    const withFiles = issue(1, {
      attachment: [attachment('7', 'log.txt'), attachment('8', 'plan.pdf', { mimeType: 'application/octet-stream' })],
    });
    const { connection } = jiraWith(({ path }) => {
      if (path === '/issue/20001') return withFiles;
      // Alone its id is a number.
      return path === '/attachment/8'
        ? { ...attachment('8', 'plan.pdf', { mimeType: 'application/octet-stream' }), id: 8 }
        : searchOf([withFiles])({ path, query: new URLSearchParams(), body: { maxResults: 50 }, url: '' });
    });
    const [found] = (await provider.list(connection, projectRef)).items;
    expect(found?.hasChildren).to.equal(true);
    const files = await listAll(provider, connection, found?.ref ?? '');
    expect(names(files)).to.deep.equal(['log.txt', 'plan.pdf']);
    expect(files[1]).to.deep.include({
      ref: `attachment/${CLOUD}/20001/8`,
      mediaType: 'application/pdf',
      sizeBytes: 5,
      version: '8',
      parentRef: issueRef('20001'),
      modifiedAt: new Date('2026-05-01T10:00:00Z'),
    });
    expect(await provider.get(connection, files[1]?.ref ?? '')).to.deep.equal(files[1]);
  });

  it('knows an issue that was moved to another project for the same', async () => {
    const moved = { ...issue(1), key: 'NEW-7' };
    const { connection } = jiraWith(({ path }) =>
      path === '/issue/20001' || path === '/issue/EX-1' ? moved : { issues: [] },
    );
    const { items } = await search(connection, 'ex-1');
    expect(items.map(({ ref, name }) => `${ref} ${name}`)).to.deep.equal([`${issueRef('20001')} NEW-7 Issue 1`]);
    expect((await provider.get(connection, issueRef('20001'))).name).to.equal('NEW-7 Issue 1');
  });

  it('knows no ref that it has not made', async () => {
    const { connection, asked } = jiraWith(() => expect.fail('nobody is asked'));
    for (const ref of [
      'issue',
      `issue/${CLOUD}`,
      `issue/${CLOUD}/EX-1`,
      `issue/${CLOUD}/1/2`,
      `issue/../20001`,
      `project/${CLOUD}/1 OR 1=1`,
      `attachment/${CLOUD}/1/../2`,
      'site/-',
      `query/${CLOUD}/%zz`,
      `query/${CLOUD}/`,
    ])
      expect((await failureOf(provider.get(connection, ref))).kind, ref).to.equal('gone');
    expect(asked).to.be.empty;
  });
});

describe('searching Jira', () => {
  it('looks for words, with all signs left out that Jira reads as more than words', async () => {
    const { connection, asked } = jiraWith(searchOf([issue(1)]));
    await search(connection, '  "anchor\\" AND NOT (größe) text~* OR it\'s ');
    expect(asked[0]?.body.jql).to.equal('text ~ "anchor and not größe text or it s" ORDER BY updated DESC');
    expect(await search(connection, '%_*?')).to.deep.equal({ items: [], next: undefined });
    expect(asked).to.have.length(1);
  });

  it('looks in all sites at once, and goes on where there is more', async () => {
    const other = { ...SITE, id: 'other-1', name: 'other', url: 'https://other.atlassian.net' };
    const { connection, asked } = jiraWith(
      ({ url, body }) =>
        url.includes('other-1')
          ? { issues: [issue(body.nextPageToken ? 3 : 2)], ...(body.nextPageToken ? {} : { nextPageToken: 'a' }) }
          : { issues: [issue(1)], isLast: true },
      { sites: [SITE, other] },
    );
    const first = await search(connection, 'anchor');
    expect(first.items.map(({ ref }) => ref)).to.deep.equal([issueRef('20001'), 'issue/other-1/20002']);
    expect(first.items[1]?.webUrl).to.equal('https://other.atlassian.net/browse/EX-2');
    const second = await search(connection, 'anchor', first.next);
    expect(second.items.map(({ ref }) => ref)).to.deep.equal(['issue/other-1/20003']);
    expect(second.next).to.equal(undefined);
    expect(asked).to.have.length(3);
  });

  it('says so when a query is none, and asks only sites that understand it', async () => {
    const wrong = jiraWith(() => refused("Field 'colour' does not exist."));
    const error = await failureOf(search(wrong.connection, 'jql: colour = red'));
    expect(error.kind).to.equal('bad_response');
    expect(error.message).to.match(/^Jira does not understand this query\..*\.$/);
    expect((await failureOf(search(wrong.connection, `jql: ${'x'.repeat(3000)}`))).message).to.contain(
      '2000 characters',
    );
    const other = { ...SITE, id: 'other-1', name: 'other' };
    const { connection } = jiraWith(
      (request) => {
        if (request.url.includes('other-1')) return refused("The value 'EX' does not exist for the field 'project'.");
        return request.path === '/search/approximate-count' ? { count: 1 } : searchOf([issue(1)])(request);
      },
      { sites: [SITE, other] },
    );
    expect((await search(connection, 'jql: project = EX')).items).to.have.length(2);
  });
});

describe('what Jira’s refusals mean', () => {
  it('names the permission that is missing, and what to do of the rest', async () => {
    const kinds: [Response, string][] = [
      [json({ code: 401, message: 'Unauthorized; scope does not match' }, 401), 'scope'],
      [json({ code: 401, message: 'Unauthorized' }, 401), 'reconnect'],
      [json({ errorMessages: ['No.'] }, 403), 'denied'],
      [json({ errorMessages: ['Removed.'] }, 410), 'bad_response'],
      [json({}, 429), 'rate_limited'],
      [json({}, 503), 'transient'],
      [new Response('<h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } }), 'transient'],
    ];
    for (const [answer, kind] of kinds) {
      const { connection } = jiraWith(() => answer);
      const error = await failureOf(provider.get(connection, issueRef('20001')));
      expect(error.kind).to.equal(kind);
      if (kind === 'scope') expect(error.message).to.contain('read:jira-work');
    }
  });
});
