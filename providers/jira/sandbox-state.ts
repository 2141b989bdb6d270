import { stableUuid, accountIdOfName, type AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { adfOf, type Adf, type Names } from './sandbox-adf.ts';
import type { LinkName, PriorityName, StatusName, TypeName } from './sandbox-terms.ts';

export type JiraProject = {
  id: string;
  key: string;
  name: string;
  description: string;
  type: 'software' | 'service_desk' | 'business';
  lead: AtlassianPerson;
  /** Account ids of those who may browse it; absent: everybody at the site. */
  members?: string[];
  archived?: Date;
  /** Of the newest issue. */
  lastNumber: number;
};

export type JiraComment = { id: string; author: AtlassianPerson; body: Adf; created: Date; updated: Date };

export type JiraAttachment = {
  id: string;
  /** At the media service. */
  mediaId: string;
  filename: string;
  author: AtlassianPerson;
  created: Date;
  mimeType: string;
  bytes: Buffer;
};

export type JiraLink = { id: string; type: LinkName; to: JiraIssue };

export type JiraIssue = {
  id: string;
  key: string;
  /** Under which it is found as well, since it was moved. */
  formerKeys: string[];
  project: JiraProject;
  type: TypeName;
  status: StatusName;
  priority: PriorityName;
  summary: string;
  description: Adf | null;
  reporter: AtlassianPerson;
  assignee?: AtlassianPerson;
  labels: string[];
  /** Name of the sprint it is in. */
  sprint?: string;
  /** A choice of the custom field "Ship". */
  ship?: string;
  /** A day: 2026-05-01. */
  due?: string;
  created: Date;
  updated: Date;
  parent?: JiraIssue;
  /** Going out from this one; the other end sees the same link from its side. */
  links: JiraLink[];
  comments: JiraComment[];
  attachments: JiraAttachment[];
};

type NewIssue = Partial<Omit<JiraIssue, 'id' | 'key' | 'project' | 'description' | 'links'>> & {
  summary: string;
  /** Markdown, see `adfOf`. */
  description?: string;
};

/** What one Jira site holds; tests change it at any time, and the next request sees it. */
export type JiraState = {
  people: AtlassianPerson[];
  projects: JiraProject[];
  issues: JiraIssue[];
  /** Most issues on a page of a search: of one that asks for ids and keys only, and of any other. */
  largestPages: { ids: number; fields: number };
  /** Most comments that come inside of an issue. */
  embeddedComments: number;
  /** The site's setting; without it there are no attachments. */
  attachmentsEnabled: boolean;
  /** Ids that a bulk fetch names among its errors, to be asked for again. */
  failingIds: Set<string>;
  /** With `issues`, that many small ones, a minute apart. */
  addProject(project: { key: string; name: string; issues?: number } & Partial<JiraProject>): JiraProject;
  addIssue(projectKey: string, issue: NewIssue): JiraIssue;
  /** `body` is Markdown. */
  addComment(issue: JiraIssue, comment: { author?: AtlassianPerson; body: string; created?: Date }): JiraComment;
  addAttachment(
    issue: JiraIssue,
    attachment: { filename: string; mimeType: string; bytes: Buffer; author?: AtlassianPerson; created?: Date },
  ): JiraAttachment;
  addLink(from: JiraIssue, type: LinkName, to: JiraIssue): void;
  /** Keeps the id; the old key finds it still. */
  moveIssue(key: string, toProjectKey: string): JiraIssue;
  removeIssue(key: string): void;
  /** Errors: Error for a key or an id that nothing has. */
  issue(keyOrId: string): JiraIssue;
};

const FIRST_ID = 10_000;
const EPOCH = Date.parse('2026-01-05T09:00:00Z');
const MINUTE_MS = 60_000;

/**
 * An empty Jira site; the first person is the one who does what nobody is named for. Ids are the same at every start, and those of two
 * sites are alike, as everywhere in Jira, but for the media service's, which `seed` tells apart.
 */
export function createJiraState(people: AtlassianPerson[], seed = ''): JiraState {
  const [somebody] = people;
  if (!somebody) throw new Error('A Jira site needs a person.');
  const ids = { project: FIRST_ID, issue: FIRST_ID, comment: FIRST_ID, attachment: FIRST_ID, link: FIRST_ID };
  const next = (kind: keyof typeof ids): string => String((ids[kind] += 1));

  const names = (mediaOf: string): Names => ({
    accountIdOf: (name) => people.find((person) => person.name === name)?.accountId ?? accountIdOfName(name),
    mediaIdOf: (filename) => stableUuid(`media ${seed} ${mediaOf} ${filename}`),
  });
  const projectOf = (key: string): JiraProject => {
    const project = state.projects.find((candidate) => candidate.key === key);
    if (!project) throw new Error(`The stand-in has no project ${key}.`);
    return project;
  };
  const nextKey = (project: JiraProject): string => `${project.key}-${(project.lastNumber += 1)}`;
  const touch = (issue: JiraIssue, at: Date): void => {
    if (at > issue.updated) issue.updated = at;
  };

  const state: JiraState = {
    people,
    projects: [],
    issues: [],
    largestPages: { ids: 5000, fields: 100 },
    embeddedComments: 20,
    attachmentsEnabled: true,
    failingIds: new Set(),

    addProject({ issues = 0, ...given }) {
      const project: JiraProject = {
        id: next('project'),
        description: '',
        type: 'software',
        lead: somebody,
        lastNumber: 0,
        ...given,
      };
      state.projects.push(project);
      for (let number = 1; number <= issues; number += 1) {
        const created = new Date(EPOCH + number * MINUTE_MS);
        const description = `Words of issue ${number}, with **more** to read.`;
        state.addIssue(project.key, { summary: `Issue ${number} of ${project.name}`, description, created });
      }
      return project;
    },

    addIssue(projectKey, { description, ...given }) {
      const project = projectOf(projectKey);
      const key = nextKey(project);
      const created = given.created ?? new Date();
      const issue: JiraIssue = {
        id: next('issue'),
        key,
        formerKeys: [],
        project,
        type: 'Task',
        status: 'To Do',
        priority: 'Medium',
        description: description ? adfOf(description, names(key)) : null,
        reporter: somebody,
        labels: [],
        created,
        updated: created,
        links: [],
        comments: [],
        attachments: [],
        ...given,
      };
      state.issues.push(issue);
      return issue;
    },

    addComment(issue, { author = somebody, body, created = new Date() }) {
      const comment = {
        id: next('comment'),
        author,
        body: adfOf(body, names(issue.key)),
        created,
        updated: created,
      };
      issue.comments.push(comment);
      touch(issue, created);
      return comment;
    },

    addAttachment(issue, { author = somebody, created = new Date(), ...given }) {
      const id = next('attachment');
      const isTwin = issue.attachments.some(({ filename }) => filename === given.filename);
      const mediaId = names(issue.key).mediaIdOf(isTwin ? `${given.filename} ${id}` : given.filename);
      const attachment = { id, mediaId, author, created, ...given };
      issue.attachments.push(attachment);
      touch(issue, created);
      return attachment;
    },

    addLink: (from, type, to) => void from.links.push({ id: next('link'), type, to }),

    moveIssue(key, toProjectKey) {
      const issue = state.issue(key);
      issue.formerKeys.push(issue.key);
      issue.project = projectOf(toProjectKey);
      issue.key = nextKey(issue.project);
      issue.updated = new Date();
      return issue;
    },

    removeIssue(key) {
      const issue = state.issue(key);
      state.issues.splice(state.issues.indexOf(issue), 1);
    },

    issue(keyOrId) {
      const issue = issueIn(state.issues, keyOrId);
      if (!issue) throw new Error(`The stand-in has no issue ${keyOrId}.`);
      return issue;
    },
  };
  return state;
}

/** As Jira finds an issue: by id, by key in any case, and by a key it had before it was moved. */
export function issueIn(issues: JiraIssue[], keyOrId: string): JiraIssue | undefined {
  const wanted = keyOrId.toUpperCase();
  return (
    issues.find(({ id, key }) => id === keyOrId || key === wanted) ??
    issues.find(({ formerKeys }) => formerKeys.includes(wanted))
  );
}

/** What one person, or somebody who is not signed in, gets to see. */
export type View = {
  viewer?: AtlassianPerson;
  /** Archived ones too. */
  projects: JiraProject[];
  issues: JiraIssue[];
};

export function viewOf({ projects, issues }: JiraState, viewer: AtlassianPerson | undefined): View {
  const mayBrowse = ({ members }: JiraProject): boolean =>
    viewer !== undefined && (members?.includes(viewer.accountId) ?? true);
  return { viewer, projects: projects.filter(mayBrowse), issues: issues.filter(({ project }) => mayBrowse(project)) };
}
