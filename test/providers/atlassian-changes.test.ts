import { expect } from 'chai';
import { createSite } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import type { ConfluenceState } from '../../providers/confluence/sandbox-state.ts';
import type { JiraState } from '../../providers/jira/sandbox-state.ts';
import type { ImportDetail, ImportScope } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectAccountOf } from '../helpers/connect.ts';

import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';
import { dock, harbour, quay, startWorld, type WikiSite } from './confluence-world.ts';
import { failureOf } from './reading.ts';

const DAY_MS = 24 * 3_600_000;

onOneDatabase('the changes of a site of Atlassian', (open) => {
  let hub: TestHub;
  let site: AtlassianSite;
  let integration: Integration;
  beforeEach(async () => {
    hub = await startHub({ database: await open() });
    const [first, ...others] = hub.sandbox.atlassian.state.sites;
    if (!first) throw new Error('there is no site');
    for (const { members } of others) members.clear();
    // In place of what the first site holds.
    const { confluence, jira } = createSite({ name: 'changes', people: first.confluence?.people ?? [] });
    site = Object.assign(first, { confluence, jira });
  });
  afterEach(() => hub.close());

  const begin = async (platform: 'confluence' | 'jira'): Promise<void> => {
    integration = await connectAccountOf(hub, hub.admin, platform);
    await waitFor('the feed', async () => (await hub.context.database.knex('change_feeds').first('feed')) && true);
  };
  /** Requests that were made meanwhile, without their queries and the site. */
  const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
    const { requests } = hub.sandbox.atlassian.state;
    requests.length = 0;
    await work();
    return requests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '').replace(/^\/ex\/\w+\/[^/]+/, '')}`);
  };
  const select = async (ref: string, scope: Partial<ImportScope> = {}): Promise<ImportDetail> => {
    const { id } = await hub.context.imports.create(hub.admin, {
      items: [{ integrationId: integration.id, ref }],
      ...scope,
    });
    return finishedImport(hub, id, 120_000);
  };
  const sync = async (): Promise<ImportDetail> =>
    finishedImport(hub, (await hub.context.syncs.start(hub.admin, integration.id)).id, 120_000);
  const paths = async (): Promise<string[]> =>
    ((await hub.context.database.knex('documents').pluck('path')) as string[]).sort();
  /** As if the last listing of everything was more than a day ago. */
  const letADayPass = async (): Promise<void> => {
    const { knex } = hub.context.database;
    const { cursor } = (await knex('change_feeds').first('cursor')) as { cursor: string };
    const place = JSON.parse(cursor) as { listedAt: number };
    await knex('change_feeds').update({ cursor: JSON.stringify({ ...place, listedAt: place.listedAt - DAY_MS - 1 }) });
  };

  describe('Confluence', function () {
    this.timeout(240_000);
    let wiki: ConfluenceState;
    const spaceRef = (key: string): string =>
      `space/${site.cloudId}/${wiki.spaces.find((space) => space.key === key)?.id ?? expect.fail(`no ${key}`)}`;
    const pageRef = (title: string): string => `page/${site.cloudId}/${wiki.find(title).id}`;

    beforeEach(async () => {
      wiki = site.confluence ?? expect.fail('the site has no Confluence');
      const pier = wiki.addSpace({ key: 'PIER', name: 'Pier' });
      const other = wiki.addSpace({ key: 'OTHER', name: 'Other' });
      const home = wiki.add({ space: pier, title: 'Home', body: '<p>The pier.</p>' });
      const folder = wiki.add({ space: pier, kind: 'folder', title: 'Drawings', parent: home });
      const plan = wiki.add({ space: pier, title: 'Plan', parent: folder, body: '<p>The plan of the pier.</p>' });
      wiki.add({ space: pier, title: 'Below', parent: plan, body: '<p>What is below the plan.</p>' });
      for (const number of [1, 2, 3, 4, 5, 6])
        wiki.add({ space: pier, title: `Berth ${number}`, parent: home, body: `<p>The berth ${number}.</p>` });
      wiki.add({ space: other, title: 'Elsewhere', body: '<p>Not of the pier.</p>' });
      wiki.attach({ container: plan, title: 'chart.txt', mediaType: 'text/plain', content: 'A chart of the tide.' });
    });

    it('cost one request where there are none, and one again after some were told', async () => {
      await begin('confluence');
      await select(spaceRef('PIER'), { includeAttachments: true });
      expect(await asked(sync)).to.deep.equal(['GET /wiki/rest/api/content/search']);
      wiki.edit(wiki.find('Plan'), { body: '<p>The plan was written anew.</p>' });
      expect((await sync()).counts).to.include({ total: 1, indexed: 1 });
      expect(await asked(sync)).to.deep.equal(['GET /wiki/rest/api/content/search']);
      const last = await sync();
      expect(last.counts).to.include({ total: 0 });
    });

    it('bring edits, additions, new names and places to their ends', async () => {
      await begin('confluence');
      expect((await select(spaceRef('PIER'), { includeAttachments: true })).counts).to.include({ indexed: 10 });
      wiki.edit(wiki.find('Below'), { title: 'Far below', body: '<p>Written anew.</p>' });
      const added = wiki.add({
        space: wiki.find('Plan').space,
        title: 'Added',
        parent: wiki.find('Plan'),
        body: '<p>Of winter lights.</p>',
        createdAt: new Date(),
      });
      wiki.attach({
        container: added,
        title: 'lights.txt',
        mediaType: 'text/plain',
        content: 'A list of lights.',
        createdAt: new Date(),
      });
      wiki.comment({ container: wiki.find('Plan'), body: '<p>Agreed.</p>', createdAt: new Date() });
      wiki.add({ space: added.space, kind: 'blogpost', title: 'News', body: '<p>New.</p>', createdAt: new Date() });
      const berth = wiki.find('Berth 1');
      Object.assign(berth, { parent: undefined, space: wiki.find('Elsewhere').space });
      wiki.edit(berth, { message: 'moved' });
      wiki.edit(wiki.find('Elsewhere'), { body: '<p>Still not of the pier.</p>' });
      const detail = await sync();
      expect(detail.counts).to.include({ indexed: 5, removed: 1, failed: 0, skipped: 0 });
      const now = await paths();
      expect(now).to.include.members([
        'Pier/Home/Drawings/Plan/Far below',
        'Pier/Home/Drawings/Plan/Added',
        'Pier/Home/Drawings/Plan/Added/lights.txt',
        'Pier/Home/Drawings/Plan/Comments on Plan',
        'Pier/Blog/News',
      ]);
      expect(now).to.have.length(13);
      expect((await sync()).counts).to.include({ total: 0 });
      // Listed again, everything is where the feed put it.
      await letADayPass();
      expect((await sync()).counts).to.include({ indexed: 0, removed: 0 });
      expect(await paths()).to.deep.equal(now);
    });

    it('keep to what is wanted of a page: sub-pages, attachments, both or none', async () => {
      await begin('confluence');
      await select(pageRef('Plan'), { includeAttachments: true });
      await select(pageRef('Home'));
      expect(await paths()).to.have.length(3);
      const plan = wiki.find('Plan');
      const now = { createdAt: new Date() };
      wiki.edit(wiki.find('Below'), { body: '<p>Written anew.</p>' });
      wiki.attach({ container: plan, title: 'new.txt', mediaType: 'text/plain', content: 'New.', ...now });
      for (const container of [wiki.find('Home'), wiki.find('Below')])
        wiki.attach({ container, title: 'not wanted.txt', mediaType: 'text/plain', content: 'No.', ...now });
      expect((await sync()).counts).to.include({ total: 1, indexed: 1 });
      expect((await paths()).filter((path) => path.endsWith('.txt'))).to.have.length(2);
    });

    it('take along what is below a page with a new name or place, and what hangs on it', async () => {
      await begin('confluence');
      await select(spaceRef('PIER'), { includeAttachments: true });
      const plan = wiki.find('Plan');
      plan.parent = wiki.find('Berth 1');
      wiki.edit(plan, { title: '🛥 Plans', message: 'moved' });
      const requests = await asked(async () => expect((await sync()).counts).to.include({ total: 1, unchanged: 1 }));
      expect(requests.filter((path) => /download|pages\/\d/.test(path))).to.deep.equal([]);
      const members = ['', '/Below', '/chart.txt'].map((below) => `Pier/Home/Berth 1/🛥 Plans${below}`);
      expect(await paths()).to.include.members(members);
      wiki.edit(plan, { title: 'Plan' });
      await sync();
      const now = await paths();
      expect(now).to.include.members(members.map((path) => path.replace('🛥 Plans', 'Plan')));
      await letADayPass();
      await sync();
      expect(await paths()).to.deep.equal(now);
    });

    it('take along what is below a page that was selected by itself', async () => {
      await begin('confluence');
      await select(pageRef('Home'), { includeChildren: true });
      wiki.edit(wiki.find('Home'), { title: 'Front' });
      wiki.edit(wiki.find('Plan'), { title: 'Plans' });
      expect((await sync()).counts).to.include({ unchanged: 2, removed: 0 });
      const now = await paths();
      expect(now).to.include.members(['Pier/Front', 'Pier/Front/Berth 1', 'Pier/Front/Drawings/Plans/Below']);
      expect(now).to.have.length(9);
    });

    it('leave attachments out where they are not wanted', async () => {
      await begin('confluence');
      await select(spaceRef('PIER'));
      const [container, createdAt] = [wiki.find('Plan'), new Date()];
      wiki.attach({ container, title: 'new.txt', mediaType: 'text/plain', content: 'New.', createdAt });
      wiki.comment({ container, body: '<p>Agreed.</p>', createdAt });
      expect((await sync()).counts).to.include({ total: 0 });
    });

    it('find what was deleted: in the trash once anything else is changed, and within a day otherwise', async () => {
      await begin('confluence');
      await select(spaceRef('PIER'));
      wiki.find('Berth 1').status = 'trashed';
      wiki.edit(wiki.find('Home'), { body: '<p>The pier, newly.</p>' });
      expect((await sync()).counts).to.include({ indexed: 1, removed: 1 });
      wiki.contents.splice(wiki.contents.indexOf(wiki.find('Berth 2')), 1);
      expect((await sync()).counts).to.include({ total: 0 });
      await letADayPass();
      const listings = await asked(async () => {
        expect((await sync()).counts).to.include({ removed: 1, indexed: 0 });
      });
      expect(listings.filter((path) => path.includes('/pages'))).to.have.length(1);
      // What was changed shortly before the new start is told again.
      expect((await sync()).counts).to.include({ indexed: 0, removed: 0 });
      expect(await asked(sync)).to.deep.equal(['GET /wiki/rest/api/content/search']);
    });

    it('are read page by page, where there are many', async () => {
      wiki.addSpace({ key: 'MANY', name: 'Many', pages: 300 });
      await begin('confluence');
      await select(spaceRef('MANY'));
      for (const content of wiki.contents.filter(({ space }) => space.key === 'MANY'))
        wiki.edit(content, { body: `<p>${content.title} was written anew.</p>` });
      wiki.oddPages = true;
      expect((await sync()).counts).to.include({ total: 300, indexed: 300 });
      wiki.oddPages = false;
      expect(await asked(async () => expect((await sync()).counts).to.include({ total: 0 }))).to.have.length(2);
    });
  });

  describe('Jira', function () {
    this.timeout(240_000);
    let jira: JiraState;
    const projectRef = (key: string): string =>
      `project/${site.cloudId}/${jira.projects.find((project) => project.key === key)?.id ?? expect.fail(`no ${key}`)}`;
    const SEARCH = 'POST /rest/api/3/search/jql';

    beforeEach(() => {
      jira = site.jira ?? expect.fail('the site has no Jira');
      jira.addProject({ key: 'EX', name: 'Example', issues: 8 });
      jira.addProject({ key: 'ELSE', name: 'Elsewhere', issues: 2 });
    });
    const edit = (key: string, summary: string): void =>
      void Object.assign(jira.issue(key), { summary, updated: new Date() });

    it('cost one request where there are none, and one again after some were told', async () => {
      await begin('jira');
      await select(projectRef('EX'), { includeAttachments: true });
      expect(await asked(sync)).to.deep.equal([SEARCH]);
      edit('EX-1', 'Written anew');
      expect(await asked(async () => expect((await sync()).counts).to.include({ indexed: 1 }))).to.include(SEARCH);
      expect(await asked(sync)).to.deep.equal([SEARCH]);
    });

    it('bring edits, additions, moves and deletions to their ends', async () => {
      await begin('jira');
      await select(projectRef('EX'), { includeAttachments: true });
      edit('EX-1', 'Written anew');
      jira.addIssue('EX', { summary: 'Added', description: 'Of winter lights.' });
      jira.addAttachment(jira.issue('EX-2'), {
        filename: 'log.txt',
        mimeType: 'text/plain',
        bytes: Buffer.from('A log of lights.'),
      });
      jira.moveIssue('EX-3', 'ELSE');
      jira.moveIssue('ELSE-1', 'EX');
      edit('ELSE-2', 'Not of interest');
      jira.removeIssue('EX-4');
      const requests = await asked(async () =>
        expect((await sync()).counts).to.include({ indexed: 5, removed: 1, failed: 0 }),
      );
      // The issues come whole: only the attachment is fetched.
      expect(requests.filter((path) => path.includes('/issue/'))).to.deep.equal([]);
      const now = await paths();
      expect(now).to.include.members([
        'Example/EX-1 Written anew',
        'Example/EX-9 Added',
        'Example/EX-2 Issue 2 of Example/log.txt',
        'Example/EX-10 Issue 1 of Elsewhere',
      ]);
      expect(now).to.have.length(10);
      await letADayPass();
      expect((await sync()).counts).to.include({ indexed: 0, removed: 1 });
      expect(await paths()).to.deep.equal(now.filter((path) => !path.includes('EX-4')));
    });

    it('leave issues alone that a query holds, which is listed anew', async () => {
      await begin('jira');
      await select(`query/${site.cloudId}/${encodeURIComponent('project = EX AND summary ~ "Issue"')}`);
      expect(await paths()).to.have.length(8);
      edit('EX-1', 'Issue that was written anew');
      expect((await sync()).counts).to.include({ indexed: 1, removed: 0 });
      expect(await paths()).to.have.length(8);
      edit('EX-2', 'Found no more');
      expect((await sync()).counts).to.include({ removed: 1 });
    });
  });
});

describe('the change feeds of Confluence', () => {
  const world = async (...sites: WikiSite[]) => {
    const opened = await startWorld(sites);
    const feeds = opened.provider.changes ?? expect.fail('Confluence has no change feeds');
    return { ...opened, feeds };
  };

  it('are the sites; the own one is the only one there is', async () => {
    const [one, two] = [harbour(), quay()];
    const both = await world(one, two);
    try {
      const { feeds } = both;
      expect(await feeds.own(both.connect())).to.equal(undefined);
      const feedOf = (ref: string) => feeds.feedOf(ref, both.connect());
      expect(feedOf(`page/${one.cloudId}/5`)).to.equal(one.cloudId);
      expect(feedOf(`attachment/${two.cloudId}/att5`)).to.equal(two.cloudId);
    } finally {
      await both.close();
    }
  });

  it('begin anew for a place that they do not know', async () => {
    const one = await world(harbour());
    const { feeds } = one;
    const connection = one.connect();
    try {
      const feed = (await feeds.own(connection)) ?? expect.fail('there is no feed');
      for (const cursor of ['', 'lost', '{}', '{"readAt":1,"listedAt":1,"seen":[]}'])
        expect((await failureOf(feeds.read(connection, feed, cursor))).kind).to.equal('cursor_expired');
    } finally {
      await one.close();
    }
  });

  it('tell of a Data Center, whose spaces go by their key', async () => {
    const site = dock();
    const one = await world(site);
    const { feeds } = one;
    try {
      const connection = await one.connectByToken('personal_access_token', site);
      const feed = (await feeds.own(connection)) ?? expect.fail('there is no feed');
      const start = await feeds.start(connection, feed);
      expect((await feeds.read(connection, feed, start)).changes).to.deep.equal([]);
      const [plan, below] = ['Q3 / plan: "Übersicht" 日本 <& more>', 'Below the plan'].map((title) =>
        site.confluence.find(title),
      );
      if (!plan || !below) throw new Error('The pages are gone.');
      site.confluence.edit(below, { body: '<p>Deeper.</p>' });
      const { changes, done } = await feeds.read(connection, feed, start);
      expect(done).to.equal(true);
      expect(changes).to.have.length(1);
      const [change] = changes;
      if (change?.kind !== 'present') throw new Error('It is not told.');
      expect(change.item).to.include({ ref: `page/-/${below.id}`, version: '2' });
      expect(change.within[0]).to.equal(`page/-/${plan.id}`);
      expect(change.within).to.include('space/-/DOC');
      expect(change.item.between?.at(-1)).to.equal(plan.title);
    } finally {
      await one.close();
    }
  });
});
