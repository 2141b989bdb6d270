import { expect } from 'chai';
import { textOf } from '../../providers/jira/sandbox-adf.ts';
import { companyJira } from '../../providers/jira/sandbox-company.ts';
import type { Item, OpenedFile } from '../../providers/provider.ts';
import { notRun } from '../helpers/requirements.ts';
import { checkJiraExchanges } from './jira-contract.ts';
import { ann, ben, FOR_IMPORT, pier, siteWith, useWorld } from './jira-pier.ts';
import { BEN } from './atlassian-world.ts';
import { startWorld } from './jira-world.ts';
import { bytesOf, failureOf, pagesOf, walk } from './reading.ts';

const wordsOf = (text: string): string[] => text.match(/\p{L}+/gu) ?? [];
const keysOf = (items: Item[]): string[] => items.map(({ name }) => name.split(' ')[0] ?? '');

describe('Jira, case by case', () => {
  const { used, refOf, project, list, open, asked } = useWorld(() => [pier()]);
  const text = async (opened: OpenedFile): Promise<string> => (await bytesOf(opened)).toString();
  const issueRef = (key: string): string => refOf('issue', used.jira.issue(key).id);

  it('lists a project to its end by the token of the next page, however short the pages are', async () => {
    used.jira.largestPages = { ids: 7, fields: 7 };
    for (const options of [{}, FOR_IMPORT]) {
      const pages = await pagesOf(used.world.provider, used.connection, project('AND'), options);
      expect(pages.map(({ items }) => items.length)).to.deep.equal([7, 7, 7, 7, 7, 7, 3]);
      expect(new Set(pages.flatMap(({ items }) => keysOf(items))).size).to.equal(45);
    }
  });

  it('names the fields it wants and restricts every query, as Jira’s description wants it', async () => {
    await list(project('AND'));
    await list(project('EX'), FOR_IMPORT);
    await used.world.provider.search?.(used.connection, 'crash');
    await open(issueRef('EX-1'));
    for (const { body, url } of used.exchanges.filter(({ method }) => method === 'POST')) {
      const { jql, fields } = JSON.parse(body ?? '{}') as { jql: string; fields?: string[] };
      expect(jql, url).to.match(/^(project = |text ~ )/);
      if (url.includes('/search/jql')) expect(fields, url).to.include(fields?.includes('*all') ? '*all' : 'summary');
    }
    expect(used.exchanges.map(({ status }) => status)).not.to.include(400);
    const checked = await checkJiraExchanges(used.exchanges);
    if (!checked) notRun('the check of what is asked of Jira against its description', 'the description is not there');
    else expect(checked.faults).to.deep.equal([]);
  });

  it('finds its way in projects whose keys and names are words and signs of JQL', async () => {
    const roots = await used.world.provider.roots(used.connection);
    expect(roots.map(({ name }) => name)).to.deep.equal(['Announcements', 'Example', 'Or "else" \\']);
    for (const [key, count] of [
      ['AND', 45],
      ['OR', 2],
    ] as const)
      expect(await list(project(key)), key).to.have.length(count);
    const found = await used.world.provider.search?.(used.connection, 'AND-7');
    expect(keysOf(found?.items ?? [])).to.include('AND-7');
  });

  it('follows no link to the site, whose address takes no token of a consent', async () => {
    for (let number = 0; number < 130; number += 1)
      used.jira.addProject({ key: `P${number}`, name: `Project ${number}` });
    const roots = await used.world.provider.roots(used.connection);
    expect(roots).to.have.length(133);
    await bytesOf(
      await open(
        refOf('attachment', `${used.jira.issue('EX-1').id}/${used.jira.issue('EX-1').attachments[0]?.id ?? ''}`),
      ),
    );
    const { requests } = used.world.sandbox.state;
    expect(requests.filter(({ url }) => url.startsWith(used.site.url))).to.deep.equal([]);
    const media = requests.filter(({ path }) => path.startsWith('/file/'));
    expect(media.map(({ authorization }) => authorization)).to.deep.equal([undefined]);
    expect(
      requests.every(({ path, authorization }) => path.startsWith('/file/') || authorization === 'Bearer'),
    ).to.equal(true);
  });

  it('sees one instant in a time, whichever time zone it is told in', async () => {
    const ofAnn = await used.world.provider.get(used.connection, issueRef('EX-1'));
    const ofBen = await used.world.provider.get(used.world.connect(BEN), issueRef('EX-1'));
    expect(ofAnn.modifiedAt?.toISOString()).to.equal('2026-05-01T10:00:00.000Z');
    expect([ofBen.modifiedAt, ofBen.version]).to.deep.equal([ofAnn.modifiedAt, ofAnn.version]);
  });

  it('knows an issue that was moved by its old ref, under its new key, and finds it by the old one', async () => {
    const ref = issueRef('OR-1');
    const before = await used.world.provider.get(used.connection, ref);
    used.jira.moveIssue('OR-1', 'EX');
    const after = await used.world.provider.get(used.connection, ref);
    expect([after.ref, after.name]).to.deep.equal([before.ref, 'EX-2 Issue 1 of Or "else" \\']);
    expect(after.version).not.to.equal(before.version);
    expect(keysOf(await list(project('OR')))).to.deep.equal(['OR-2']);
    expect((await list(project('EX'))).map((item) => item.ref)).to.include(ref);
    const found = await used.world.provider.search?.(used.connection, 'or-1');
    expect(found?.items.map((item) => item.ref)).to.deep.equal([ref]);
    expect((await open(ref)).details).to.include({ Key: 'EX-2', Project: 'Example' });
  });

  it('calls an issue gone that was deleted, or that the account lost, and does not take a lost project for empty', async () => {
    const [deleted, hidden, place] = [issueRef('OR-1'), issueRef('AND-1'), project('AND')];
    used.jira.removeIssue('OR-1');
    const and = used.jira.projects.find(({ key }) => key === 'AND');
    if (and) and.members = [ben.accountId];
    for (const ref of [deleted, hidden]) {
      expect((await failureOf(used.world.provider.get(used.connection, ref))).kind).to.equal('gone');
      expect((await failureOf(open(ref))).kind).to.equal('gone');
    }
    for (const options of [{}, FOR_IMPORT]) expect((await failureOf(list(place, options))).kind).to.equal('gone');
    expect(keysOf(await list(project('OR')))).to.deep.equal(['OR-2']);
  });

  it('loses no issue of a listing when another one is deleted meanwhile', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await used.world.provider.list(used.connection, project('AND'), cursor, { pageSize: 10 });
      const keys = keysOf(page.items);
      seen.push(...keys);
      used.jira.removeIssue(keys[0] ?? '');
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).to.have.length(45);
  });

  it('has every comment of an issue, though only some came with it', async () => {
    for (const embedded of [20, 50]) {
      used.jira.embeddedComments = embedded;
      const [item] = (await list(project('EX'), FOR_IMPORT)).filter(
        ({ kind, mediaType }) => kind === 'file' && mediaType === 'text/html',
      );
      for (const hint of [item?.hint, undefined]) {
        const html = await text(await open(item?.ref ?? '', hint));
        const numbers = [...html.matchAll(/Comment (\d+) ends\./g)].map(([, number]) => Number(number));
        expect(numbers).to.deep.equal(Array.from({ length: 130 }, (_, at) => at + 1));
      }
    }
  });

  it('asks for half as much when an answer breaks off in the middle', async () => {
    const half = { status: 200, body: '{"issues":[{"id":"10001","ke', headers: { 'content-type': 'application/json' } };
    used.world.sandbox.state.failNext((path) => path.includes('/search/jql'), half, 2);
    expect(await list(project('AND'), FOR_IMPORT)).to.have.length(45);
    const sizes = used.exchanges.flatMap(({ body, url }) =>
      url.includes('/search/jql') ? [(JSON.parse(body ?? '{}') as { maxResults: number }).maxResults] : [],
    );
    expect(sizes).to.deep.equal([100, 50, 25, 25]);
  });

  it('lists a thousand issues with their contents in eleven requests at most', async () => {
    used.jira.addProject({ key: 'MANY', name: 'Many', issues: 1000 });
    const items = await list(project('MANY'), FOR_IMPORT);
    expect(items).to.have.length(1000);
    expect(items.every(({ hint }) => hint !== undefined)).to.equal(true);
    expect(asked()).to.have.length.at.most(11);
    expect(await text(await open(items[0]?.ref ?? '', items[0]?.hint))).to.contain(
      'Words of issue 1000, with <strong>more</strong>',
    );
    expect(asked()).to.have.length.at.most(11);
  });

  it('notices a download that breaks off', async () => {
    const issue = used.jira.issue('EX-1');
    const bytes = Buffer.alloc(200_000, 'words ');
    const { id } = used.jira.addAttachment(issue, { filename: 'long.txt', mimeType: 'text/plain', bytes });
    used.world.sandbox.state.truncateNext((path) => path.startsWith('/file/'));
    const ref = refOf('attachment', `${issue.id}/${id}`);
    expect((await failureOf(open(ref).then(bytesOf))).kind).to.equal('transient');
    expect((await bytesOf(await open(ref))).length).to.equal(bytes.length);
  });

  it('does not see what is archived', async () => {
    used.jira.addProject({ key: 'OLD', name: 'Old', issues: 2, archived: new Date('2024-02-01T10:00:00Z') });
    expect((await used.world.provider.roots(used.connection)).map(({ name }) => name)).not.to.include('Old');
    const found = await used.world.provider.search?.(used.connection, 'jql: created >= "2020-01-01"');
    expect(found?.items.map(({ name }) => name)).not.to.include('OLD-1 Issue 1 of Old');
  });
});

describe('Jira at two sites', () => {
  const { used, list, open } = useWorld(() => [
    pier(),
    siteWith('quay', (jira) => jira.addProject({ key: 'QUAY', name: 'Quay', issues: 3 })),
  ]);

  it('keeps issues apart that have the same id', async () => {
    const roots = await used.world.provider.roots(used.connection);
    expect(roots.map(({ name }) => name)).to.deep.equal(['pier', 'quay']);
    const issues = await Promise.all(roots.map(async ({ ref }) => list((await list(ref))[0]?.ref ?? '', FOR_IMPORT)));
    const firsts = issues.map((items) => items.at(-1));
    expect(firsts.map((item) => item?.name)).to.deep.equal([
      'AND-1 Issue 1 of Announcements',
      'QUAY-1 Issue 1 of Quay',
    ]);
    for (const item of firsts)
      expect((await bytesOf(await open(item?.ref ?? ''))).toString()).to.contain(`<h1>${item?.name}</h1>`);
  });
});

describe('Jira with the tracker of the sample company', () => {
  it('gives every issue and every file as it was announced, with all that people wrote', async () => {
    const site = { ...siteWith('saltmarsh', () => undefined), jira: await companyJira([ann]) };
    const world = await startWorld([site]);
    try {
      const connection = world.connect();
      const { roots, files } = await walk(world.provider, connection);
      expect(roots.map(({ name }) => name)).to.deep.equal([
        'Announcements and Displays',
        'Fleet Maintenance',
        'Systems Desk',
      ]);
      expect(files).to.have.length(37 + 6);
      for (const item of files) {
        const opened = await world.provider.open(connection, item.ref, { signal: new AbortController().signal });
        const bytes = await bytesOf(opened);
        expect([opened.mediaType, bytes.length], item.name).to.deep.equal([
          item.mediaType,
          opened.sizeBytes ?? bytes.length,
        ]);
        const issue = site.jira.issues.find(({ key }) => item.name.startsWith(`${key} `));
        const read = new Set(wordsOf(bytes.toString().replace(/<[^>]*>/g, ' ')));
        const written = [issue?.description, ...(issue?.comments ?? []).map(({ body }) => body)].flatMap((document) =>
          wordsOf(textOf(document)),
        );
        expect(
          written.filter((word) => !read.has(word)),
          item.name,
        ).to.deep.equal([]);
      }
    } finally {
      await world.close();
    }
  });
});
