import { readFile } from 'node:fs/promises';
import { accountIdOfName, type AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { mediaTypeOf } from '../media-types.ts';
import { sampleBytes } from '../sandbox/company-accounts.ts';
import { createJiraState, type JiraIssue, type JiraProject, type JiraState } from './sandbox-state.ts';
import type { PriorityName, StatusName, TypeName } from './sandbox-terms.ts';

type CompanyProject = Pick<JiraProject, 'key' | 'name' | 'description' | 'type' | 'archived'> & {
  /** Their issues stand in a file beside this one. */
  source: string;
  lead: string;
  members?: string[];
};

const PROJECTS: CompanyProject[] = [
  {
    key: 'FLEET',
    name: 'Fleet Maintenance',
    description: 'Work on Curlew, Sandpiper and Greenshank, and all that follows from incidents.',
    type: 'software',
    lead: 'Tomas Okafor',
    source: 'fleet.md',
  },
  {
    key: 'DESK',
    name: 'Systems Desk',
    description: 'Whatever has a plug, a screen or a password.',
    type: 'service_desk',
    lead: 'Emeka Bright',
    source: 'desk.md',
  },
  {
    key: 'AND',
    name: 'Announcements and Displays',
    description: 'What passengers hear and read.',
    type: 'business',
    lead: 'Ines Beaumont',
    source: 'and.md',
  },
  {
    key: 'LEASE',
    name: 'Terminal Lease',
    description: 'Talks with the harbour authority.',
    type: 'business',
    lead: 'Marit Halloran',
    members: ['Marit Halloran', 'Ines Beaumont'],
    source: 'lease.md',
  },
  {
    key: 'DOCK21',
    name: 'Dry Dock 2021',
    description: 'Closed with the last invoice.',
    type: 'software',
    lead: 'Tomas Okafor',
    archived: new Date('2022-02-01T10:00:00Z'),
    source: 'dock21.md',
  },
];

/** The days for which the log of soundings has an entry. */
const SOUNDINGS = { from: Date.parse('2025-12-04T06:10:00Z'), days: 128 };
const DAY_MS = 86_400_000;

/** One issue as its source has it: properties, then the description, then comments and files in the order they came. */
type Source = {
  key: string;
  summary: string;
  properties: Map<string, string>;
  description: string;
  parts: { kind: 'Comment' | 'File'; name: string; author: string; at: Date; text: string }[];
};

/** The tracker of the invented Saltmarsh Ferry Company. Of its people, `people` are those who may sign in. */
export async function companyJira(people: AtlassianPerson[]): Promise<JiraState> {
  const state = createJiraState([...people]);
  const personOf = (name: string): AtlassianPerson => {
    const known = state.people.find((person) => person.name === name);
    if (known) return known;
    const accountId = accountIdOfName(name);
    const person: AtlassianPerson = { accountId, name, timeZone: 'Europe/London', accountType: 'atlassian' };
    state.people.push(person);
    return person;
  };
  for (const { source: _, lead, members, ...project } of PROJECTS)
    state.addProject({ ...project, lead: personOf(lead), members: members?.map((name) => personOf(name).accountId) });
  const files = PROJECTS.map(({ source }) => readFile(new URL(`./sandbox-issues/${source}`, import.meta.url), 'utf8'));
  const sources = (await Promise.all(files)).flatMap(parseSources);
  // Numbers inside of Jira follow the order in which things were made.
  const byDate = [...sources].sort((a, b) => dateOf(a).getTime() - dateOf(b).getTime());
  const issues = new Map(byDate.map((source) => [source.key, addIssue(state, source, personOf)]));
  for (const source of sources) connect(state, source, issues);
  return state;
}

const dateOf = ({ properties }: Source): Date => timeOf(properties.get('created') ?? '');
const timeOf = (text: string): Date => new Date(`${text.replace(' ', 'T')}:00Z`);

/** Reads the Markdown of one project: an issue begins at `# KEY-1 Summary`, its parts at `## Comment by` and `## File … by`. */
function parseSources(markdown: string): Source[] {
  return markdown.split(/^(?=# [A-Z][A-Z0-9]+-\d+ )/m).map((text) => {
    const [, key = '', summary = '', list = '', rest = ''] = /^# (\S+) (.*)\n\n((?:- .*\n)+)([^]*)$/.exec(text) ?? [];
    const [description = '', ...parts] = rest.split(/^(?=## (?:Comment|File .*) by .*, \d{4}-\d\d-\d\d \d\d:\d\d$)/m);
    return {
      key,
      summary,
      properties: new Map([...list.matchAll(/^- (\w+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value])),
      description: description.trim(),
      parts: parts.map((part) => {
        const [, kind, name = '', author = '', at = '', body = ''] =
          /^## (Comment|File)(?: (.*?))? by (.*), (.{16})\n([^]*)$/.exec(part) ?? [];
        return { kind: kind === 'File' ? kind : 'Comment', name, author, at: timeOf(at), text: body.trim() };
      }),
    };
  });
}

function addIssue(state: JiraState, source: Source, personOf: (name: string) => AtlassianPerson): JiraIssue {
  const { key, summary, properties, description, parts } = source;
  const [projectKey = '', number = ''] = key.split('-');
  const project = state.projects.find((candidate) => candidate.key === projectKey);
  if (!project) throw new Error(`There is no project for ${key}.`);
  const named = (name: string): AtlassianPerson | undefined => {
    const person = properties.get(name);
    return person === undefined ? undefined : personOf(person);
  };
  const newest = project.lastNumber;
  project.lastNumber = Number(number) - 1;
  const issue = state.addIssue(projectKey, {
    summary,
    description,
    type: (properties.get('type') ?? 'Task') as TypeName,
    status: (properties.get('status') ?? 'To Do') as StatusName,
    priority: (properties.get('priority') ?? 'Medium') as PriorityName,
    reporter: named('reporter'),
    assignee: named('assignee'),
    labels: listOf(properties.get('labels')),
    formerKeys: listOf(properties.get('was')),
    created: dateOf(source),
    due: properties.get('due'),
    ship: properties.get('ship'),
    sprint: properties.get('sprint'),
  });
  project.lastNumber = Math.max(newest, project.lastNumber);
  if (properties.get('log') === 'soundings') addSoundings(state, issue);
  for (const { kind, name, author, at: created, text } of parts) {
    if (kind === 'Comment') state.addComment(issue, { author: personOf(author), body: text, created });
    else
      state.addAttachment(issue, {
        filename: name,
        mimeType: mediaTypeOf(name),
        bytes: sampleBytes({ name }, name, Buffer.from(`${text}\n`)),
        author: personOf(author),
        created,
      });
  }
  issue.comments.sort((a, b) => a.created.getTime() - b.created.getTime());
  return issue;
}

const listOf = (text: string | undefined): string[] => (text ?? '').split(', ').filter((part) => part !== '');

/** Parents and links, once all issues are there. */
function connect(state: JiraState, { key, properties }: Source, issues: Map<string, JiraIssue>): void {
  const issueOf = (name: string): JiraIssue => {
    const issue = issues.get(name);
    if (!issue) throw new Error(`There is no issue ${name}.`);
    return issue;
  };
  const issue = issueOf(key);
  const parent = properties.get('parent');
  if (parent !== undefined) issue.parent = issueOf(parent);
  for (const to of listOf(properties.get('blocks'))) state.addLink(issue, 'Blocks', issueOf(to));
  for (const to of listOf(properties.get('relates'))) state.addLink(issue, 'Relates', issueOf(to));
}

/** What the tablet on the bridge writes every morning. */
function addSoundings(state: JiraState, issue: JiraIssue): void {
  const author: AtlassianPerson = {
    accountId: '557058:0b1c7d0e-5d2e-4c44-9f6a-7d1f2c0a9e31',
    name: 'Curlew Bridge Tablet',
    timeZone: 'Etc/UTC',
    accountType: 'app',
  };
  state.people.push(author);
  for (let day = 0; day < SOUNDINGS.days; day += 1) {
    const created = new Date(SOUNDINGS.from + day * DAY_MS);
    // About 0.4 cm a day come in, until a pump or the plug of 18 March ends it.
    const level = day < 105 ? 2.2 + ((day * 0.4) % 4.4) : 2.1;
    const litres = day < 105 && level > 6 ? 180 + (day % 5) * 10 : 0;
    const trim = ((day * 7) % 4) / 10;
    state.addComment(issue, {
      author,
      created,
      body: `SND T3 ${level.toFixed(1)} TRIM ${trim.toFixed(1)} PUMP ${litres}`,
    });
  }
}
