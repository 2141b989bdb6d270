import { expect } from 'chai';
import type { AtlassianPerson } from '../../providers/atlassian/sandbox-world.ts';
import type { Exchange } from './exchanges.ts';
import { ANN, BEN, smallState, startJira, type Jira, type Json } from './jira-alone.ts';
import { describeWire } from './jira-contract.ts';

const exchanges: Exchange[] = [];

describe('searching in the stand-in for Jira', () => {
  let jira: Jira;

  beforeEach(async () => {
    jira = await startJira(smallState());
  });
  afterEach(async () => {
    exchanges.push(...jira.exchanges);
    await jira.close();
  });

  describe('searching by JQL', () => {
    const search = async (body: Record<string, unknown>): Promise<Json> => {
      const { status, text, json } = await jira.post('/search/jql', body);
      expect(status, text).to.equal(200);
      return json;
    };

    it('tells only ids where no fields are named', async () => {
      const { issues, isLast, ...rest } = await search({ jql: 'project = EX order by created asc', maxResults: 2 });
      expect(issues).to.deep.equal([{ id: '10001' }, { id: '10002' }]);
      expect(isLast).to.equal(false);
      expect(rest).to.have.all.keys('nextPageToken');
    });

    it('goes on by an opaque token, without a total, and says nothing of a next page on the last', async () => {
      const jql = 'project = EX order by updated desc';
      const seen: string[] = [];
      let page = await search({ jql, fields: ['key'], maxResults: 3 });
      for (;;) {
        seen.push(...page.issues.map(({ key }: { key: string }) => key));
        expect(page).not.to.have.any.keys('total', 'startAt');
        if (page.nextPageToken === undefined) break;
        expect(page.isLast).to.equal(false);
        page = await search({ jql, fields: ['key'], maxResults: 3, nextPageToken: page.nextPageToken });
      }
      expect(page).to.have.all.keys('issues', 'isLast').and.include({ isLast: true });
      expect(seen).to.deep.equal([7, 6, 5, 4, 3, 2, 1].map((number) => `EX-${number}`));
    });

    it('loses nothing when an issue is deleted between two pages', async () => {
      const asked = { jql: 'project = EX order by key', fields: ['key'], maxResults: 3 };
      const { nextPageToken } = await search(asked);
      jira.state.removeIssue('EX-1');
      const { issues } = await search({ ...asked, nextPageToken });
      expect(issues.map(({ key }: { key: string }) => key)).to.deep.equal(['EX-4', 'EX-5', 'EX-6']);
    });

    it('refuses a token that it has not given for this query', async () => {
      const { nextPageToken } = await search({ jql: 'project = EX', maxResults: 1 });
      for (const body of [
        { jql: 'project = "AND"', nextPageToken },
        { jql: 'project = EX', nextPageToken: 'CAEaAggD' },
      ])
        expect((await jira.post('/search/jql', body)).status, JSON.stringify(body)).to.equal(400);
    });

    it('gives 5,000 issues where only ids and keys are asked for, otherwise 100, and fewer when it sees fit', async () => {
      jira.state.addProject({ key: 'MANY', name: 'Many', issues: 150 });
      const sizeWith = async (fields: string[]): Promise<number> =>
        (await search({ jql: 'project = MANY', fields, maxResults: 9000 })).issues.length;
      expect(await sizeWith(['id', 'key'])).to.equal(150);
      expect(await sizeWith(['summary'])).to.equal(100);
      jira.state.largestPages = { ids: 50, fields: 20 };
      expect(await sizeWith(['key'])).to.equal(50);
      expect(await sizeWith(['summary'])).to.equal(20);
    });

    it('gives the fields named, passes unknown ones over, and tells their names when asked', async () => {
      const { issues, names } = await search({
        jql: 'key = EX-1',
        fields: ['summary', 'customfield_10020', 'nonsense', '-summary,updated'],
        expand: 'names,renderedFields',
      });
      expect(issues[0].fields).to.deep.equal({ updated: '2026-01-05T01:01:00.000-0800', customfield_10020: null });
      expect(names).to.deep.equal({ updated: 'Updated', customfield_10020: 'Sprint' });
      expect(issues[0].renderedFields).to.deep.equal({ updated: null, customfield_10020: null });
    });

    it('leaves comments and attachments out of the navigable fields', async () => {
      const [issue] = (await search({ jql: 'key = EX-1', fields: ['*navigable'] })).issues;
      expect(issue.fields).to.include.keys('summary', 'description').and.not.have.any.keys('comment', 'attachment');
      const [whole] = (await search({ jql: 'key = EX-1', fields: ['*all', '-comment'] })).issues;
      expect(whole.fields).to.include.keys('attachment').and.not.have.any.keys('comment');
    });

    it('takes a body as its description has it, and nothing else', async () => {
      const refused: [unknown, number][] = [
        [{ jql: 'project = EX', startAt: 5 }, 400],
        [{ jql: 'project = EX', maxResults: '5' }, 400],
        [{ jql: 'project = EX', fields: 'summary' }, 400],
        ['{', 400],
      ];
      for (const [body, status] of refused)
        expect((await jira.post('/search/jql', body)).status, JSON.stringify(body)).to.equal(status);
      expect((await jira.post('/search/jql', '{"jql":"project = EX"}', {})).status, 'no content type').to.equal(415);
    });

    it('counts what a query finds', async () => {
      expect((await jira.post('/search/approximate-count', { jql: 'project = EX' })).json).to.deep.equal({ count: 7 });
      expect((await jira.post('/search/approximate-count', { jql: 'order by key' })).status).to.equal(400);
    });

    it('says that the old search is gone', async () => {
      for (const answer of [await jira.get('/search?jql=project=EX'), await jira.post('/search', { jql: '' })]) {
        expect(answer.status).to.equal(410);
        expect(answer.json.errorMessages[0]).to.match(/^The requested API has been removed\. .*CHANGE-2046$/);
      }
    });
  });

  describe('JQL', () => {
    it('is refused where it restricts nothing, or sorts by more than seven fields', async () => {
      for (const jql of ['', '  ', 'order by updated desc'])
        expect(await jira.refusal(jql)).to.equal(
          'Unbounded JQL queries are not allowed here. Please add a search restriction to your query.',
        );
      const eight = 'key, id, created, updated, summary, status, priority, project';
      expect(await jira.refusal(`project = EX order by ${eight}`)).to.contain('maximum of 7');
      expect(await jira.refusal('project = EX order by text')).to.equal("Not able to sort using field 'text'.");
    });

    it('takes reserved words as values only in quotation marks', async () => {
      expect(await jira.refusal('project = AND')).to.equal(
        "Error in the JQL Query: Expecting either a value, list or function but got 'AND'. You must surround 'AND' in quotation marks to use it as a value. (line 1, character 11)",
      );
      expect(await jira.refusal('project in (EX, do)')).to.equal(
        "Error in the JQL Query: 'do' is a reserved JQL word. You must surround it in quotation marks to use it in a query. (line 1, character 17)",
      );
      expect(await jira.keys('project = "AND"')).to.have.members(['AND-1', 'AND-2']);
      expect(await jira.keys("project = 'AND'")).to.have.members(['AND-1', 'AND-2']);
    });

    it('is refused in Jira’s own words where it is not understood', async () => {
      const refused: [string, string][] = [
        ['project EX', "Expecting operator but got 'EX'. The valid operators are '=', "],
        ['project = EX EX', "Expecting either 'OR' or 'AND' but got 'EX'. (line 1, character 14)"],
        ['project = EX AND', 'Expecting a field name at the end of the query.'],
        ['project =', 'Expecting either a value, list or function before the end of the query.'],
        ['(project = EX', "Expecting ')' before the end of the query."],
        ['project = "EX', "The quoted string 'EX' has not been completed. (line 1, character 11)"],
        ['project = EX%', "The character '%' is a reserved JQL character."],
        ['summary ~ "a\\d"', "'\\d' is an illegal JQL escape sequence."],
        ['project = EX\norder by key key', "Expecting ',' but got 'key'. (line 2, character 14)"],
      ];
      for (const [jql, says] of refused) expect(await jira.refusal(jql)).to.contain(`Error in the JQL Query: ${says}`);
    });

    it('names the field or the value that there is not', async () => {
      const refused: [string, string][] = [
        ["project = 'ZZ'", "The value 'ZZ' does not exist for the field 'project'."],
        ['project = 99', "A value with ID '99' does not exist for the field 'project'."],
        ['status = Finished', "The value 'Finished' does not exist for the field 'status'."],
        ['colour = red', "Field 'colour' does not exist or you do not have permission to view it."],
        ['key = EX-99', "An issue with key 'EX-99' does not exist for field 'key'."],
        ['project ~ EX', "The operator '~' is not supported by the 'project' field."],
        ['summary = "Issue 1"', "The operator '=' is not supported by the 'summary' field."],
        ['text ~ "*age"', "The text query '*age' for field 'text' is not allowed to start with character '*'."],
        ['text ~ "[draft"', "Unable to parse the text '[draft' for field 'text'."],
        ['updated >= yesterday', "Date value 'yesterday' for field 'updated' is invalid. Valid formats include: "],
      ];
      for (const [jql, says] of refused) expect(await jira.refusal(jql)).to.contain(says);
    });

    it('does not say whether a project is hidden, archived or not there', async () => {
      for (const key of ['BOARD', 'OLD', 'ZZ'])
        expect(await jira.refusal(`project = ${key}`)).to.equal(
          `The value '${key}' does not exist for the field 'project'.`,
        );
      expect(await jira.keys('project = BOARD', BEN)).to.deep.equal(['BOARD-1']);
      expect(await jira.keys('created >= "2020-01-01" order by key')).to.have.length(9);
    });

    it('joins and negates', async () => {
      const found: [string, string[]][] = [
        ['key in (EX-1, EX-2) OR project = "AND" AND key = AND-2', ['EX-2', 'EX-1', 'AND-2']],
        ['(key in (EX-1, EX-2) OR project = "AND") AND summary ~ "issue 2"', ['EX-2', 'AND-2']],
        ['project = EX and not (key <= EX-5 or key = EX-6)', ['EX-7']],
        ['project = EX && key not in (EX-1, EX-2, EX-3, EX-4) and id != 10005', ['EX-7', 'EX-6']],
        ['project = 10002 and assignee is EMPTY and reporter = currentUser()', ['AND-2', 'AND-1']],
      ];
      for (const [jql, keys] of found) expect(await jira.keys(jql), jql).to.have.members(keys);
    });

    it('asks for what an issue is and has', async () => {
      const { state } = jira;
      const [parent, child] = [state.issue('EX-1'), state.issue('EX-2')];
      Object.assign(child, { parent, status: 'Done', type: 'Bug', priority: 'High', assignee: BEN, due: '2026-05-01' });
      Object.assign(child, { labels: ['Ramp', 'oil'], sprint: 'Week 4', ship: 'Curlew' });
      state.addAttachment(child, { filename: 'a.txt', mimeType: 'text/plain', bytes: Buffer.from('a') });
      for (const jql of [
        'parent = EX-1',
        'statusCategory = done',
        'resolution is not EMPTY',
        'type = Bug AND issuetype in (bug, Story)',
        'priority = High',
        `assignee = "${BEN.accountId}"`,
        'due <= "2026-05-02"',
        'labels = ramp',
        'sprint = "Week 4"',
        'cf[10020] is not EMPTY and ship != Sandpiper',
        'attachments is not EMPTY',
      ])
        expect(await jira.keys(jql), jql).to.deep.equal(['EX-2']);
      expect(await jira.keys('resolution = Unresolved and project = EX')).to.have.length(6);
      expect(await jira.keys('project = EX and ship != Curlew'), 'those without a ship').to.deep.equal([]);
      expect(await jira.refusal('attachments = "a.txt"')).to.contain("operator '=' is not supported");
      const byPriority = await jira.keys('project = EX order by priority asc, key desc');
      expect(byPriority.slice(0, 2)).to.deep.equal(['EX-2', 'EX-7']);
    });

    it('finds words, their beginnings, and what stands in quotation marks together', async () => {
      const issue = jira.state.issue('EX-3');
      issue.summary = 'Ramp of "Sandpiper" leaks [again]';
      jira.state.addComment(issue, { body: 'A **kittiwake** nests there.' });
      const found: [string, boolean][] = [
        ['text ~ "kittiwake"', true],
        ['summary ~ "kittiwake"', false],
        ['summary ~ "leaks ramp"', true],
        ['summary ~ "leak"', false],
        ['summary ~ "leak*"', true],
        ['summary ~ "\\"leaks ramp\\""', false],
        ['summary ~ "\\"of sandpiper\\""', true],
        ['summary ~ "\\\\[again\\\\]"', true],
        ['summary !~ "ramp" and key = EX-3', false],
      ];
      for (const [jql, there] of found) expect(await jira.keys(jql), jql).to.deep.equal(there ? ['EX-3'] : []);
    });

    it('reads dates in the time zone of who asks, to the minute, and milliseconds in none', async () => {
      // EX-1 was made at 09:01 UTC, which is 01:01 for Ann and 10:01 for Ben.
      const first = async (at: string, as: AtlassianPerson): Promise<number> =>
        (await jira.keys(`project = EX and updated <= ${at}`, as)).length;
      expect(await first('"2026-01-05 01:03"', ANN)).to.equal(3);
      expect(await first('"2026-01-05 01:03"', BEN)).to.equal(0);
      expect(await first("'2026/01/05 10:03'", BEN)).to.equal(3);
      const at = String(Date.parse('2026-01-05T09:03:00Z'));
      expect([await first(at, ANN), await first(at, BEN)]).to.deep.equal([3, 3]);
      expect(await jira.refusal(`updated <= "${at}"`)).to.contain('Date value');
      jira.state.issue('EX-7').updated = new Date();
      expect(await jira.keys('updated > -1d')).to.deep.equal(['EX-7']);
    });

    it('is taken apart without being run', async () => {
      const { json } = await jira.post('/jql/parse', {
        queries: ['project = EX order by key', 'project = do', 'order by key'],
      });
      const [good, bad, unbounded] = json.queries as Json[];
      expect(good?.structure.orderBy).to.deep.equal([{ field: 'key', direction: 'asc' }]);
      expect(bad).to.have.all.keys('query', 'errors');
      expect(unbounded).to.have.all.keys('query', 'structure');
    });
  });

  describeWire(exchanges);
});
