import { expect } from 'chai';
import type { AtlassianPerson } from '../../providers/atlassian/sandbox-world.ts';
import { companyJira } from '../../providers/jira/sandbox-company.ts';
import type { Exchange } from './exchanges.ts';
import { ANN, BEN, person, smallState, startJira, type Jira, type Json } from './jira-alone.ts';
import { describeWire } from './jira-contract.ts';

const exchanges: Exchange[] = [];

describe('the stand-in for Jira', () => {
  let jira: Jira;

  beforeEach(async () => {
    jira = await startJira(smallState());
  });
  afterEach(async () => {
    exchanges.push(...jira.exchanges);
    await jira.close();
  });

  describe('projects', () => {
    it('come by offset, with a next page at the address of the site', async () => {
      const { json } = await jira.get('/project/search?maxResults=1');
      expect(json).to.deep.include({ startAt: 0, maxResults: 1, total: 2, isLast: false });
      expect(json.nextPage).to.equal('https://acme.example/rest/api/3/project/search?maxResults=1&startAt=1');
      const last = (await jira.get('/project/search?startAt=1&maxResults=500&expand=description,lead,insight')).json;
      expect(last).to.include({ maxResults: 100, isLast: true }).and.not.have.any.keys('nextPage');
      expect(last.values[0]).to.deep.include({
        key: 'EX',
        insight: { totalIssueCount: 7, lastIssueUpdateTime: '2026-01-05T01:07:00.000-0800' },
      });
    });

    it('are those that are live and seen, unless others are asked for', async () => {
      const keys = async (query: string, as?: AtlassianPerson): Promise<string[]> =>
        ((await jira.get(`/project/search?${query}`, { as })).json.values as { key: string }[]).map(({ key }) => key);
      expect(await keys('')).to.deep.equal(['AND', 'EX']);
      expect(await keys('orderBy=-name', BEN)).to.deep.equal(['EX', 'BOARD', 'AND']);
      expect(await keys('status=archived')).to.deep.equal(['OLD']);
      expect(await keys('query=exam')).to.deep.equal(['EX']);
      expect(await keys('keys=EX&keys=AND')).to.deep.equal(['AND', 'EX']);
    });

    it('are a 404 where nothing is what was asked for', async () => {
      expect((await jira.get('/project/search?query=nonsense')).status).to.equal(404);
      expect((await jira.get('/project/search?orderBy=colour')).status).to.equal(400);
    });

    it('are found by key and by id, if one may see them', async () => {
      expect((await jira.get('/project/ex')).json).to.deep.include({ key: 'EX', name: 'Example', description: '' });
      expect((await jira.get('/project/10001')).json).to.include({ key: 'EX' });
      expect((await jira.get('/project/OLD')).json).to.include({ archived: true });
      const hidden = await jira.get('/project/BOARD');
      expect([hidden.status, hidden.json.errorMessages]).to.deep.equal([
        404,
        ["No project could be found with key 'BOARD'."],
      ]);
    });
  });

  describe('issues', () => {
    it('come whole where no fields are named', async () => {
      const { json } = await jira.get('/issue/ex-1?expand=renderedFields,names');
      expect(json.fields).to.include.keys('summary', 'comment', 'attachment', 'issuelinks', 'customfield_10041');
      expect(json.fields.description).to.deep.include({ type: 'doc', version: 1 });
      expect(json.renderedFields.description).to.contain('<strong>more</strong>');
      expect(json.names).to.include({ customfield_10041: 'Ship' });
      expect((await jira.get('/issue/EX-1?fields=-description')).json.fields).not.to.have.any.keys('description');
    });

    it('keep their id when they are moved, and are found by the old key', async () => {
      jira.state.moveIssue('EX-2', 'AND');
      const { status, json } = await jira.get('/issue/EX-2?fields=project');
      expect([status, json.id, json.key]).to.deep.equal([200, '10002', 'AND-3']);
      expect(json.fields.project).to.include({ key: 'AND' });
      expect(await jira.keys('key = EX-2')).to.deep.equal(['AND-3']);
    });

    it('are a 404 to those who may not see them', async () => {
      for (const key of ['BOARD-1', 'EX-99', '99']) {
        const { status, json } = await jira.get(`/issue/${key}`);
        expect([status, json]).to.deep.equal([
          404,
          { errorMessages: ['Issue does not exist or you do not have permission to see it.'], errors: {} },
        ]);
      }
      expect((await jira.get('/issue/BOARD-1', { as: BEN })).status).to.equal(200);
    });

    it('show links from both ends, but not to what is hidden', async () => {
      jira.state.addLink(jira.state.issue('EX-1'), 'Blocks', jira.state.issue('EX-2'));
      jira.state.addLink(jira.state.issue('BOARD-1'), 'Relates', jira.state.issue('EX-2'));
      const linksOf = async (key: string, as?: AtlassianPerson): Promise<unknown[]> =>
        ((await jira.get(`/issue/${key}?fields=issuelinks`, { as })).json.fields.issuelinks as Json[]).map(
          ({ outwardIssue, inwardIssue }) => (outwardIssue ? `to ${outwardIssue.key}` : `from ${inwardIssue.key}`),
        );
      expect(await linksOf('EX-1')).to.deep.equal(['to EX-2']);
      expect(await linksOf('EX-2')).to.deep.equal(['from EX-1']);
      expect(await linksOf('EX-2', BEN)).to.deep.equal(['from EX-1', 'from BOARD-1']);
    });

    it('carry a part of their comments, and give the rest page by page', async () => {
      const issue = jira.state.issue('EX-1');
      for (let number = 1; number <= 130; number += 1)
        jira.state.addComment(issue, { body: `Comment ${number}`, created: new Date(Date.UTC(2026, 1, 1, 0, number)) });
      const embedded = async (): Promise<Json> => (await jira.get('/issue/EX-1?fields=comment')).json.fields.comment;
      expect(await embedded()).to.include({ total: 130, maxResults: 20, startAt: 0 });
      jira.state.embeddedComments = 50;
      expect((await embedded()).comments).to.have.length(50);
      const page = (await jira.get('/issue/10001/comment?startAt=100&maxResults=100&orderBy=created')).json;
      expect(page).to.include({ total: 130, startAt: 100, maxResults: 100 });
      expect(page.comments).to.have.length(30);
      expect(page.comments[0]).to.include({ created: '2026-01-31T17:41:00.000-0800' });
      const newest = (await jira.get('/issue/EX-1/comment?maxResults=1&orderBy=-created')).json.comments[0];
      expect(newest.body.content[0].content[0].text).to.equal('Comment 130');
      expect((await jira.get('/issue/EX-1/comment?orderBy=author')).status).to.equal(400);
    });

    it('are fetched in bulk, by id, without those that are not there', async () => {
      jira.state.failingIds.add('10003');
      jira.state.moveIssue('EX-4', 'AND');
      const asked = ['EX-4', '10003', 'EX-2', 'BOARD-1', '99', 'EX-1', '10001'];
      const { json } = await jira.post('/issue/bulkfetch', { issueIdsOrKeys: asked, fields: ['summary'] });
      expect(json.issues.map(({ key }: { key: string }) => key)).to.deep.equal(['EX-1', 'EX-2', 'AND-3']);
      expect(json.issueErrors.map(({ id }: { id: string }) => id)).to.deep.equal(['10003']);
      const usual = (await jira.post('/issue/bulkfetch', { issueIdsOrKeys: ['EX-1'] })).json.issues[0];
      expect(usual.fields).to.include.keys('summary').and.not.have.any.keys('comment');
      for (const issueIdsOrKeys of [[], Array.from({ length: 101 }, (_, at) => String(at))])
        expect((await jira.post('/issue/bulkfetch', { issueIdsOrKeys })).status).to.equal(400);
    });
  });

  describe('attachments', () => {
    const words = 'Words of the file.';
    let id: string;
    beforeEach(() => {
      const attachment = { filename: 'Łódź plan.txt', mimeType: 'text/plain', bytes: Buffer.from(words) };
      ({ id } = jira.state.addAttachment(jira.state.issue('EX-1'), attachment));
    });

    it('stand in their issue under the address of the site, and by themselves', async () => {
      const [inIssue] = (await jira.get('/issue/EX-1?fields=attachment')).json.fields.attachment;
      expect(inIssue).to.include({ id, filename: 'Łódź plan.txt', size: words.length, mimeType: 'text/plain' });
      expect(inIssue.content).to.equal(`https://acme.example/rest/api/3/attachment/content/${id}`);
      expect((await jira.get(`/attachment/${id}`)).json).to.include({ id: Number(id), filename: 'Łódź plan.txt' });
      expect((await jira.get('/attachment/meta')).json).to.deep.equal({ enabled: true, uploadLimit: 1_000_000_000 });
    });

    it('are given out by a redirect to the media service', async () => {
      const { status, headers, text } = await jira.get(`/attachment/content/${id}`);
      expect([status, text]).to.deep.equal([303, '']);
      expect(headers.get('location')).to.match(/^https:\/\/media\.example\/file\/[0-9a-f-]{36}\/binary\?name=/);
    });

    it('are given out at once when asked so, whole or in part', async () => {
      const path = `/attachment/content/${id}?redirect=false`;
      const ranged = (range: string) => jira.get(path, { headers: { range } });
      expect(await jira.get(path)).to.include({ status: 200, text: words });
      const part = await ranged('bytes=9-11');
      expect([part.status, part.text, part.headers.get('content-range')]).to.deep.equal([206, 'the', 'bytes 9-11/18']);
      expect(await ranged('bytes=-5')).to.include({ status: 206, text: 'file.' });
      expect(await ranged('bytes=13-')).to.include({ status: 206, text: 'file.' });
      expect((await ranged('bytes=18-')).status).to.equal(416);
      expect((await ranged('lines=1-2')).status).to.equal(400);
    });

    it('are a 404 where they are unknown, hidden or switched off', async () => {
      const hidden = jira.state.addAttachment(jira.state.issue('BOARD-1'), {
        filename: 'secret.txt',
        mimeType: 'text/plain',
        bytes: Buffer.from('hidden'),
      });
      for (const other of ['99', hidden.id])
        for (const path of [`/attachment/${other}`, `/attachment/content/${other}`])
          expect((await jira.get(path)).status, path).to.equal(404);
      jira.state.attachmentsEnabled = false;
      expect((await jira.get(`/attachment/content/${id}`)).status).to.equal(404);
      expect((await jira.get('/issue/EX-1?fields=attachment')).json.fields.attachment).to.deep.equal([]);
    });
  });

  describe('people', () => {
    it('are told who they are, without what they hide', async () => {
      expect((await jira.get('/myself')).json).to.include({
        accountId: ANN.accountId,
        emailAddress: 'ann.oster@tributary.example',
        timeZone: 'America/Los_Angeles',
      });
      const ben = (await jira.get('/myself', { as: BEN })).json;
      expect(ben).to.include({ displayName: 'Ben Hale' }).and.not.have.any.keys('emailAddress');
    });

    it('who are not signed in may search, and find nothing, but are nobody', async () => {
      const nobody = { as: 'nobody' as const };
      const me = await jira.get('/myself', nobody);
      expect([me.status, me.json['status-code']]).to.deep.equal([401, 401]);
      const found = await jira.get('/search/jql?jql=created%20%3E%3D%20-900d', nobody);
      expect([found.status, found.json.issues]).to.deep.equal([200, []]);
      expect((await jira.get('/project/search', nobody)).json).to.include({ total: 0, isLast: true });
      expect((await jira.get('/issue/EX-1', nobody)).status).to.equal(404);
    });

    it('need the permission that a call is for', async () => {
      const without = (scope: string) => ({ headers: { 'x-without': scope } });
      for (const path of ['/search/jql?jql=project=EX', '/issue/EX-1', '/field', '/attachment/meta', '/project/EX'])
        expect((await jira.get(path, without('read:jira-work'))).status, path).to.equal(401);
      expect((await jira.get('/myself', without('read:jira-user'))).status).to.equal(401);
      expect((await jira.get('/myself', without('read:jira-work'))).status).to.equal(200);
    });

    it('can read what fields and server there are', async () => {
      const fields = (await jira.get('/field')).json as unknown as Record<string, unknown>[];
      expect(fields.find(({ id }) => id === 'customfield_10041')).to.deep.include({
        name: 'Ship',
        custom: true,
        clauseNames: ['cf[10041]', 'Ship'],
      });
      expect((await jira.get('/serverInfo')).json).to.include({
        deploymentType: 'Cloud',
        baseUrl: 'https://acme.example',
      });
    });
  });

  describeWire(exchanges);
});

describe('the tracker of the sample company', () => {
  const MARIT = person('Marit Halloran');
  const TOMAS = person('Tomas Okafor');
  let jira: Jira;

  before(async () => {
    jira = await startJira(await companyJira([MARIT, TOMAS, person('Ines Beaumont')]));
  });
  after(() => jira.close());

  it('has three projects for everybody, one of them with a reserved word for a key, one hidden and one archived', async () => {
    const keys = async (query: string, as: AtlassianPerson): Promise<string[]> =>
      ((await jira.get(`/project/search?${query}`, { as })).json.values as { key: string }[]).map(({ key }) => key);
    expect(await keys('', TOMAS)).to.deep.equal(['AND', 'DESK', 'FLEET']);
    expect(await keys('', MARIT)).to.deep.equal(['AND', 'DESK', 'FLEET', 'LEASE']);
    expect(await keys('status=archived', TOMAS)).to.deep.equal(['DOCK21']);
    expect(await jira.keys('created >= "2020-01-01"', TOMAS)).to.have.length(37);
  });

  it('is the same at every start', async () => {
    const again = await companyJira([MARIT, TOMAS, person('Ines Beaumont')]);
    expect(JSON.stringify(again.issues.map(({ id, key, description }) => [id, key, description]))).to.equal(
      JSON.stringify(jira.state.issues.map(({ id, key, description }) => [id, key, description])),
    );
  });

  it('has an issue with 130 comments, one that was moved, sub-tasks, links, sprints and files', async () => {
    expect((await jira.get('/issue/FLEET-7/comment?maxResults=1', { as: TOMAS })).json.total).to.equal(130);
    expect((await jira.get('/issue/DESK-9?fields=summary', { as: TOMAS })).json.key).to.equal('FLEET-16');
    const { fields } = (await jira.get('/issue/FLEET-9', { as: TOMAS })).json;
    expect(fields.subtasks.map(({ key }: { key: string }) => key)).to.deep.equal(['FLEET-10']);
    expect(fields.issuelinks).to.have.length(2);
    expect(fields.customfield_10020[0]).to.include({ name: 'Dock preparation 1' });
    const files = jira.state.issues.flatMap(({ attachments }) => attachments);
    expect(files.map(({ mimeType }) => mimeType)).to.include.members(['application/pdf', 'image/png', 'text/csv']);
    for (const { filename, bytes } of files) expect(bytes.length, filename).to.be.greaterThan(200);
  });

  it('is written in all the nodes that people use', () => {
    const seen = new Set<string>();
    const visit = ({ type, content = [] }: { type: string; content?: { type: string }[] }): void => {
      seen.add(type);
      content.forEach(visit);
    };
    for (const { description } of jira.state.issues) if (description) visit(description);
    expect([...seen]).to.include.members(
      'heading bulletList orderedList listItem table tableHeader tableCell codeBlock panel expand blockquote rule taskList taskItem mediaSingle media mention emoji date status inlineCard'.split(
        ' ',
      ),
    );
  });
});
