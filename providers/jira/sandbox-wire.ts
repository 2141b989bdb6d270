import { adfToHtml } from '../atlassian/adf.ts';
import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { chosen, namesOf, type Selection } from './sandbox-fields.ts';
import type { JiraAttachment, JiraComment, JiraIssue, JiraProject, JiraState, View } from './sandbox-state.ts';
import { doneWire, LINKS, priorityWire, shipWire, sprintWire, statusWire, TYPES, typeWire } from './sandbox-terms.ts';
import { stampOf } from './sandbox-time.ts';

type Json = Record<string, unknown>;

const EXPANDS = 'renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations';
const SIZES = ['16x16', '24x24', '32x32', '48x48'];

/** Issues and what belongs to them in Jira's shapes, as one person sees them. */
export type Wire = {
  person(person: AtlassianPerson): Json;
  project(project: JiraProject, expansions: Set<string>): Json;
  /** With the fields selected. */
  issue(issue: JiraIssue, selection: Selection, expansions: Set<string>): Json;
  comment(issue: JiraIssue, comment: JiraComment): Json;
  /** By itself, not inside of an issue. */
  attachment(attachment: JiraAttachment): Json;
};

type Context = { siteUrl: string; state: JiraState; view: View };

/** `siteUrl` is the site's own address: links name it, also in what the gateway answers. */
export function createWire(context: Context): Wire {
  const { siteUrl, state, view } = context;
  const values = createValues(context);
  return {
    person: (person) => personWire(person, siteUrl),
    comment: (issue, comment) => commentWire(issue, comment, context),
    // Here, and only here, the id comes as a number.
    attachment: (given) => ({ ...attachmentWire(given, context), id: Number(given.id) }),

    issue(issue, selection, expansions) {
      if ('none' in selection && selection.none === 'id') return { id: issue.id };
      const all = (of: (id: string) => unknown): Json =>
        Object.fromEntries(chosen(selection).map(({ id }) => [id, of(id)]));
      return {
        expand: 'fields' in selection ? EXPANDS : '',
        id: issue.id,
        self: `${siteUrl}/rest/api/3/issue/${issue.id}`,
        key: issue.key,
        ...('fields' in selection ? { fields: all((id) => values[id]?.(issue)) } : {}),
        ...(expansions.has('renderedFields') ? { renderedFields: all((id) => rendered(issue, id, context)) } : {}),
        ...(expansions.has('names') ? { names: namesOf(selection) } : {}),
      };
    },

    project(project, expansions) {
      const { description, lead, archived } = project;
      const issues = view.issues.filter((issue) => issue.project === project);
      const newest = Math.max(...issues.map(({ updated }) => updated.getTime()));
      const insight = {
        totalIssueCount: issues.length,
        ...(issues.length > 0 ? { lastIssueUpdateTime: stamp(new Date(newest), view) } : {}),
      };
      return {
        expand: 'description,lead,issueTypes,url,projectKeys,permissions,insight',
        ...projectInBrief(project, siteUrl),
        style: 'classic',
        isPrivate: project.members !== undefined,
        properties: {},
        ...(archived ? { archived: true, archivedDate: stamp(archived, view) } : {}),
        ...(expansions.has('description') ? { description } : {}),
        ...(expansions.has('lead') ? { lead: personWire(lead, siteUrl) } : {}),
        ...(expansions.has('issueTypes') ? { issueTypes: TYPES.map((name) => typeWire(name, siteUrl)) } : {}),
        ...(expansions.has('insight') ? { insight } : {}),
      };
    },
  };

  /** Only what is written in words is rendered; the rest is null. */
  function rendered(issue: JiraIssue, id: string, within: Context): unknown {
    if (id === 'description') return adfToHtml(issue.description ?? '');
    if (id !== 'comment') return null;
    const comments = issue.comments.slice(0, state.embeddedComments);
    return { comments: comments.map((one) => ({ ...commentWire(issue, one, within), body: adfToHtml(one.body) })) };
  }
}

/** What each field of an issue holds; one without a parent has no such field at all. */
function createValues(context: Context): Record<string, (issue: JiraIssue) => unknown> {
  const { siteUrl, state, view } = context;
  const time = (at: Date): string => stamp(at, view);
  const person = (who: AtlassianPerson): Json => personWire(who, siteUrl);
  return {
    summary: ({ summary }) => summary,
    issuetype: ({ type }) => typeWire(type, siteUrl),
    project: ({ project }) => projectInBrief(project, siteUrl),
    status: ({ status }) => statusWire(status, siteUrl),
    priority: ({ priority }) => priorityWire(priority, siteUrl),
    resolution: ({ status }) => (status === 'Done' ? doneWire(siteUrl) : null),
    resolutiondate: ({ status, updated }) => (status === 'Done' ? time(updated) : null),
    created: ({ created }) => time(created),
    updated: ({ updated }) => time(updated),
    duedate: ({ due }) => due ?? null,
    assignee: ({ assignee }) => (assignee ? person(assignee) : null),
    reporter: ({ reporter }) => person(reporter),
    creator: ({ reporter }) => person(reporter),
    labels: ({ labels }) => labels,
    description: ({ description }) => description,
    environment: () => null,
    parent: ({ parent }) => (parent ? issueInBrief(parent, siteUrl) : undefined),
    subtasks: (issue) =>
      view.issues.filter(({ parent }) => parent === issue).map((child) => issueInBrief(child, siteUrl)),
    issuelinks: (issue) => linksOf(issue, context),
    attachment: ({ attachments }) =>
      state.attachmentsEnabled ? attachments.map((one) => attachmentWire(one, context)) : [],
    comment: (issue) => ({
      comments: issue.comments.slice(0, state.embeddedComments).map((one) => commentWire(issue, one, context)),
      self: `${siteUrl}/rest/api/3/issue/${issue.id}/comment`,
      maxResults: Math.min(issue.comments.length, state.embeddedComments),
      total: issue.comments.length,
      startAt: 0,
    }),
    customfield_10020: ({ sprint }) => (sprint ? [sprintWire(sprint)] : null),
    customfield_10041: ({ ship }) => (ship ? shipWire(ship, siteUrl) : null),
  };
}

/** Jira says times in the time zone of who asks. */
const stamp = (at: Date, { viewer }: View): string => stampOf(at, viewer?.timeZone ?? 'UTC');

const pictures = (address: string): Json => Object.fromEntries(SIZES.map((size) => [size, `${address}?size=${size}`]));

const personWire = ({ accountId, name, email, timeZone, accountType }: AtlassianPerson, siteUrl: string): Json => ({
  self: `${siteUrl}/rest/api/3/user?accountId=${encodeURIComponent(accountId)}`,
  accountId,
  ...(email === undefined ? {} : { emailAddress: email }),
  avatarUrls: pictures(`${siteUrl}/avatar/${encodeURIComponent(accountId)}`),
  displayName: name,
  active: true,
  timeZone,
  accountType,
});

const projectInBrief = ({ id, key, name, type }: JiraProject, siteUrl: string): Json => ({
  self: `${siteUrl}/rest/api/3/project/${id}`,
  id,
  key,
  name,
  projectTypeKey: type,
  simplified: false,
  avatarUrls: pictures(`${siteUrl}/secure/projectavatar/${id}`),
});

const issueInBrief = ({ id, key, summary, status, priority, type }: JiraIssue, siteUrl: string): Json => ({
  id,
  key,
  self: `${siteUrl}/rest/api/3/issue/${id}`,
  fields: {
    summary,
    status: statusWire(status, siteUrl),
    priority: priorityWire(priority, siteUrl),
    issuetype: typeWire(type, siteUrl),
  },
});

/** Links from both of their ends; those to what the person may not see are left out. */
function linksOf(issue: JiraIssue, { siteUrl, view }: Context): Json[] {
  const outward = issue.links.map((link) => ({ ...link, side: 'outwardIssue' }));
  const inward = view.issues.flatMap((from) =>
    from.links.filter(({ to }) => to === issue).map((link) => ({ ...link, to: from, side: 'inwardIssue' })),
  );
  return [...outward, ...inward]
    .filter(({ to }) => view.issues.includes(to))
    .map(({ id, type, to, side }) => ({
      id,
      self: `${siteUrl}/rest/api/3/issueLink/${id}`,
      type: LINKS[type],
      [side]: issueInBrief(to, siteUrl),
    }));
}

function attachmentWire(given: JiraAttachment, { siteUrl, view }: Context): Json {
  const { id, filename, author, created, mimeType, bytes } = given;
  const api = `${siteUrl}/rest/api/3/attachment`;
  return {
    self: `${api}/${id}`,
    id,
    filename,
    author: personWire(author, siteUrl),
    created: stamp(created, view),
    size: bytes.length,
    mimeType,
    content: `${api}/content/${id}`,
    ...(mimeType.startsWith('image/') ? { thumbnail: `${api}/thumbnail/${id}` } : {}),
  };
}

function commentWire(issue: JiraIssue, comment: JiraComment, { siteUrl, view }: Context): Json {
  const { id, author, body, created, updated } = comment;
  return {
    self: `${siteUrl}/rest/api/3/issue/${issue.id}/comment/${id}`,
    id,
    author: personWire(author, siteUrl),
    body,
    updateAuthor: personWire(author, siteUrl),
    created: stamp(created, view),
    updated: stamp(updated, view),
    jsdPublic: true,
  };
}
