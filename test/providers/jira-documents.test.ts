import { expect } from 'chai';
import {
  attachment,
  CLOUD,
  comment,
  FOR_IMPORT,
  issue,
  issueRef,
  jiraWith,
  json,
  listForImport,
  numbers,
  paragraph,
  projectRef,
  provider,
  search,
  searchOf,
} from './jira-script.ts';
import { bytesOf, failureOf } from './reading.ts';

const signal = (): AbortSignal => new AbortController().signal;
const names = (items: { name: string }[]): string[] => items.map(({ name }) => name);

describe('importing from Jira', () => {
  it('lists a thousand issues with their contents in eleven requests at most', async () => {
    const all = numbers(1, 1000).map((number) =>
      issue(number, { description: paragraph(`Text ${number}.`), comment: { comments: [comment(1)], total: 1 } }),
    );
    const { connection, asked } = jiraWith(searchOf(all));
    const found = await listForImport(connection);
    expect(found).to.have.length(1000);
    for (const { ref, hint } of found) {
      const opened = await provider.open(connection, ref, { signal: signal(), hint });
      expect((await bytesOf(opened)).toString()).to.contain('Comment 1 ends.');
    }
    expect(asked.length).to.be.at.most(11);
  });

  it('lists attachments beside their issues, only where they are wanted', async () => {
    const all = [issue(1, { attachment: [attachment('7', 'log.txt')] })];
    const { connection, asked } = jiraWith(searchOf(all));
    const { items } = await provider.list(connection, projectRef, undefined, FOR_IMPORT);
    expect(items.map(({ name, between }) => [name, between])).to.deep.equal([
      ['EX-1 Issue 1', undefined],
      ['log.txt', ['EX-1 Issue 1']],
    ]);
    const without = { forImport: { deep: true, attachments: false } };
    expect((await provider.list(connection, projectRef, undefined, without)).items).to.have.length(1);
    const before = asked.length;
    expect((await provider.list(connection, issueRef('20001'), undefined, without)).items).to.be.empty;
    expect(asked).to.have.length(before);
  });

  it('fetches all comments where only some came with the issue', async () => {
    const all = numbers(1, 130).map(comment);
    const long = issue(1, { comment: { comments: all.slice(0, 50), total: 130, maxResults: 50, startAt: 0 } });
    const { connection, asked } = jiraWith(({ path, query }) => {
      if (path === '/search/jql') return { issues: [long] };
      if (path === '/issue/20001') return long;
      const startAt = Number(query.get('startAt'));
      return { startAt, total: 130, comments: all.slice(startAt, startAt + 100) };
    });
    const [listed] = (await provider.list(connection, projectRef, undefined, FOR_IMPORT)).items;
    expect(listed?.hint).to.equal(undefined);
    const opened = await provider.open(connection, issueRef('20001'), { signal: signal() });
    const html = (await bytesOf(opened)).toString();
    for (const number of numbers(1, 130)) expect(html.split(`Comment ${number} ends.`)).to.have.length(2);
    expect(asked.slice(1).map(({ path }) => path)).to.deep.equal([
      '/issue/20001',
      '/issue/20001/comment',
      '/issue/20001/comment',
    ]);
  });

  it('keeps no long contents in the listing', async () => {
    const long = issue(1, { description: paragraph('ä'.repeat(140_000)) });
    const { connection } = jiraWith(searchOf([long]));
    const [listed] = (await provider.list(connection, projectRef, undefined, FOR_IMPORT)).items;
    expect(listed?.hint).to.equal(undefined);
  });

  it('lists what a query finds', async () => {
    const jql = 'assignee = "Ann/Bob" AND due < 3d order by due';
    const { connection, asked } = jiraWith((request) =>
      request.path === '/search/approximate-count' ? { count: 1234 } : searchOf([issue(1)])(request),
    );
    const [folder, first] = (await search(connection, `JQL: ${jql}`)).items;
    expect(folder).to.include({ kind: 'folder', name: `All 1,234 issues found by: ${jql}`, importable: true });
    expect(first?.name).to.equal('EX-1 Issue 1');
    expect(await provider.get(connection, folder?.ref ?? '')).to.deep.equal(folder);
    const { items, deep } = await provider.list(connection, folder?.ref ?? '', undefined, FOR_IMPORT);
    expect(names(items)).to.deep.equal(['EX-1 Issue 1']);
    expect(deep).to.equal(true);
    expect(asked.at(-1)?.body.jql).to.equal(jql);
  });
});

describe('an issue as a document', () => {
  const rich = {
    ...issue(1, {
      summary: 'Crash <in> & out',
      issuetype: { name: 'Bug' },
      status: { name: 'In Progress' },
      assignee: { displayName: 'Ann', emailAddress: 'ann@acme.test' },
      reporter: null,
      labels: ['alpha', 'beta'],
      duedate: '2026-06-01',
      created: '2026-04-01T12:00:00.000+0200',
      parent: { key: 'EX-9', fields: { summary: 'Epic', status: { name: 'Done' } } },
      description: {
        type: 'doc',
        content: [
          { type: 'heading', attrs: { level: 1 }, content: [{ type: 'text', text: 'Steps' }] },
          { type: 'paragraph', content: [{ type: 'text', text: 'Press <enter>.' }] },
        ],
      },
      issuelinks: [
        { type: { outward: 'blocks', inward: 'is blocked by' }, outwardIssue: issue(2, { status: { name: 'Done' } }) },
        { type: { outward: 'blocks', inward: 'is blocked by' }, inwardIssue: issue(3) },
        { broken: true },
      ],
      subtasks: [issue(4)],
      attachment: [attachment('7', 'log.txt')],
      comment: { comments: [comment(1), { author: null, created: null, body: null }], total: 2 },
      customfield_1: [{ id: 5, name: 'Sprint 7', state: 'active' }],
      customfield_2: { value: 'Sea', child: { value: 'North Sea' } },
      customfield_3: '0|i00007:',
      customfield_4: paragraph('It works again.'),
      customfield_5: { id: '1', name: 'Time to resolution', completedCycles: [] },
      customfield_6: 'Nameless',
      customfield_7: '{pullrequest={dataType=pullrequest}}',
      votes: { votes: 12 },
    }),
    names: {
      customfield_1: 'Sprint',
      customfield_2: 'Area',
      customfield_3: 'Rank',
      customfield_4: 'Acceptance criteria',
      customfield_5: 'SLA',
      customfield_7: 'Development',
    },
  };
  const openRich = async () => {
    const { connection } = jiraWith(({ path }) => (path === '/issue/20001' ? rich : undefined));
    return provider.open(connection, issueRef('20001'), { signal: signal() });
  };

  it('has its fields, texts, links, comments and the names of its files, all of it escaped', async () => {
    const opened = await openRich();
    expect(opened.name).to.equal('EX-1 Crash <in> & out.html');
    expect(opened.mediaType).to.equal('text/html');
    expect(opened.version).to.equal('2026-05-01T10:00:00.000Z');
    const html = (await bytesOf(opened)).toString();
    expect(html.split('\n').slice(1)).to.deep.equal([
      '<h1>EX-1 Crash &#60;in&#62; &#38; out</h1>',
      '<ul><li>Project: Example</li><li>Type: Bug</li><li>Status: In Progress</li><li>Assignee: Ann</li>' +
        '<li>Labels: alpha, beta</li><li>Parent: EX-9 Epic</li><li>Due: 2026-06-01</li>' +
        '<li>Created: 2026-04-01 10:00 UTC</li><li>Updated: 2026-05-01 10:00 UTC</li><li>Sprint: Sprint 7</li>' +
        '<li>Area: Sea / North Sea</li></ul>',
      '<h2>Description</h2><h3>Steps</h3><p>Press &#60;enter&#62;.</p>',
      '',
      '<h2>Acceptance criteria</h2><p>It works again.</p>',
      '<h2>Linked issues</h2><ul><li>blocks EX-2 Issue 2 (Done)</li><li>is blocked by EX-3 Issue 3</li></ul>',
      '<h2>Sub-tasks</h2><ul><li>EX-4 Issue 4</li></ul>',
      '<h2>Attachments</h2><ul><li>log.txt</li></ul>',
      '<h2>Comments</h2><h3>Ann, 2026-05-01 10:00 UTC</h3><p>Comment 1 ends.</p><h3>Somebody</h3>',
      '</body></html>',
    ]);
    expect(html).not.to.contain('ann@acme.test');
  });

  it('says beside its text what people ask of an issue', async () => {
    expect((await openRich()).details).to.deep.equal({
      Key: 'EX-1',
      Project: 'Example',
      Type: 'Bug',
      Status: 'In Progress',
      Assignee: 'Ann',
      Labels: ['alpha', 'beta'],
      Parent: 'EX-9 Epic',
      Due: '2026-06-01',
      Created: '2026-04-01 10:00 UTC',
      Updated: '2026-05-01 10:00 UTC',
    });
  });

  it('is the same from a listing as on its own', async () => {
    const { names: fieldNames, ...listed } = rich;
    const { connection } = jiraWith(() => ({ issues: [listed], names: fieldNames }));
    const [item] = (await provider.list(connection, projectRef, undefined, FOR_IMPORT)).items;
    const fromHint = await provider.open(connection, item?.ref ?? '', { signal: signal(), hint: item?.hint });
    const onItsOwn = await openRich();
    expect((await bytesOf(fromHint)).toString()).to.equal((await bytesOf(onItsOwn)).toString());
    expect({ ...fromHint, stream: 0 }).to.deep.equal({ ...onItsOwn, stream: 0 });
  });
});

describe('opening attachments of Jira', () => {
  const ref = `attachment/${CLOUD}/20001/7`;
  const content = `https://api.atlassian.com/ex/jira/${CLOUD}/rest/api/3/attachment/content/7`;
  const bytes = (type: string, text = 'words'): Response => new Response(text, { headers: { 'content-type': type } });

  it('asks the gateway by number, whatever link Jira gives, and nothing else with a hint', async () => {
    const { connection, asked } = jiraWith(({ path }) =>
      path === '/attachment/7' ? attachment('7', 'log.txt') : bytes('text/plain'),
    );
    const hint = JSON.stringify({ filename: 'log.txt', mimeType: 'text/plain', size: 5 });
    for (const given of [undefined, hint]) {
      const opened = await provider.open(connection, ref, { signal: signal(), hint: given });
      expect(opened).to.include({ name: 'log.txt', mediaType: 'text/plain', sizeBytes: 5, version: '7' });
      expect((await bytesOf(opened)).toString()).to.equal('words');
    }
    expect(asked.filter(({ path }) => path === '/attachment/7')).to.have.length(1);
    expect(asked.filter(({ url }) => url === content)).to.have.length(2);
  });

  it('takes a page for a fault, unless a page was attached', async () => {
    const opening = (filename: string, mimeType: string) => {
      const { connection } = jiraWith(() => bytes('text/html', '<h1>Sign in</h1>'));
      const hint = JSON.stringify({ filename, mimeType, size: 16 });
      return provider.open(connection, ref, { signal: signal(), hint });
    };
    expect((await failureOf(opening('log.txt', 'text/plain'))).kind).to.equal('transient');
    expect((await bytesOf(await opening('page.html', 'text/html'))).toString()).to.equal('<h1>Sign in</h1>');
  });

  it('takes an address that has run out for a fault that passes, and a file that is gone for gone', async () => {
    const failing = (answer: unknown) => {
      const { connection } = jiraWith(() => answer);
      const hint = JSON.stringify({ filename: 'log.txt', mimeType: 'text/plain', size: 5 });
      return failureOf(provider.open(connection, ref, { signal: signal(), hint }));
    };
    expect((await failing(json({ error: { code: 'Expired' } }, 403))).kind).to.equal('transient');
    expect((await failing(undefined)).kind).to.equal('gone');
  });
});
