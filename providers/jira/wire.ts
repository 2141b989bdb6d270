import { z } from 'zod';
import { dateOf } from '../json.ts';
import { mediaTypeOf } from '../media-types.ts';
import type { Item } from '../provider.ts';
import { formatRef, type Ref } from './refs.ts';

const text = z.string().nullish();
const id = z.string().regex(/^\d+$/);
const person = z.object({ displayName: text }).nullish();

/** The fields of an issue that listings need, as Jira's `fields` parameter spells them. */
export const LISTED_FIELDS = ['summary', 'updated', 'project', 'attachment'];
/** All that may be worth reading: custom fields have other names at each site. */
export const ALL_FIELDS = ['*all', '-worklog', '-watches', '-votes'];

/** The id alone comes as a number. */
export const attachmentSchema = z.object({
  id: z.coerce.string().regex(/^\d+$/),
  filename: z.string().min(1),
  mimeType: text,
  size: z.number().int().nonnegative().nullish(),
  created: text,
});

export const commentSchema = z.object({ author: person, created: text, body: z.unknown() });

export const issueSchema = z.object({
  id,
  key: z.string().min(1),
  fields: z.looseObject({
    summary: text,
    updated: text,
    project: z.object({ id, name: text }),
    attachment: z.array(attachmentSchema).nullish(),
    comment: z.object({ comments: z.array(commentSchema), total: z.number() }).nullish(),
  }),
  /** What the fields are called at this site. */
  names: z.record(z.string(), z.string()).optional(),
});

export const issuesSchema = z.object({
  issues: z.array(issueSchema),
  nextPageToken: text,
  isLast: z.boolean().nullish(),
  names: z.record(z.string(), z.string()).nullish(),
});

export const commentsSchema = z.object({ comments: z.array(commentSchema), total: z.number() });
export const countSchema = z.object({ count: z.number() });
export const projectSchema = z.object({ id, key: z.string().min(1), name: z.string() });
export const projectsSchema = z.object({ values: z.array(projectSchema), isLast: z.boolean().nullish() });

export type Attachment = z.infer<typeof attachmentSchema>;
export type Comment = z.infer<typeof commentSchema>;
export type Issue = z.infer<typeof issueSchema>;
export type Project = z.infer<typeof projectSchema>;

/** The site that something was read at: its id, which connections by token do not need, and the address people know. */
export type Site = { cloudId?: string; url: string };

export const toSiteItem = (site: { cloudId: string; name: string; url: string }): Item => ({
  ...folder({ kind: 'site', cloudId: site.cloudId }, site.name),
  webUrl: site.url,
});

/** `isRoot`: the site is not shown in the browser, because there is one only. */
export const toProjectItem = ({ id, key, name }: Project, { cloudId, url }: Site, isRoot: boolean): Item => ({
  ...folder({ kind: 'project', cloudId, id }, name),
  webUrl: `${url}/browse/${encodeURIComponent(key)}`,
  ...(isRoot ? {} : { parentRef: formatRef({ kind: 'site', cloudId }) }),
});

/** All that a query finds. `count` is Jira's estimate. */
export const toQueryItem = (jql: string, count: number, { cloudId, url }: Site): Item => ({
  ...folder({ kind: 'query', cloudId, jql }, `All ${count.toLocaleString('en')} issues found by: ${jql}`),
  webUrl: `${url}/issues/?jql=${encodeURIComponent(jql)}`,
});

/** Change feeds call things by their refs, which hold numbers that stay. */
function called(of: Ref): Pick<Item, 'ref' | 'address'> {
  const ref = formatRef(of);
  return { ref, address: ref };
}

const folder = (of: Ref, name: string): Item => ({
  ...called(of),
  name,
  kind: 'folder',
  mediaType: 'inode/directory',
  importable: true,
});

export function toIssueItem(issue: Issue, { cloudId, url }: Site): Item {
  const { project, updated, attachment } = issue.fields;
  return {
    ...called({ kind: 'issue', cloudId, id: issue.id }),
    name: titleOf(issue),
    kind: 'file',
    mediaType: 'text/html',
    modifiedAt: dateOf(updated),
    version: versionOf(issue),
    webUrl: `${url}/browse/${encodeURIComponent(issue.key)}`,
    parentRef: formatRef({ kind: 'project', cloudId, id: project.id }),
    importable: true,
    ...(attachment?.length ? { hasChildren: true } : {}),
  };
}

export const titleOf = ({ key, fields }: Issue): string => `${key} ${fields.summary ?? ''}`.trim();

/** The instant: its spelling changes with the time zone of the account. */
export const versionOf = ({ fields }: Issue): string | undefined =>
  dateOf(fields.updated)?.toISOString() ?? fields.updated ?? undefined;

/** Attachments never change, so that their id tells versions apart. */
export function toAttachmentItem(from: Attachment, issueId: string, { cloudId, url }: Site): Item {
  return {
    ...called({ kind: 'attachment', cloudId, issueId, id: from.id }),
    name: from.filename,
    kind: 'file',
    mediaType: typeOf(from),
    sizeBytes: from.size ?? undefined,
    modifiedAt: dateOf(from.created),
    version: from.id,
    webUrl: `${url}/secure/attachment/${from.id}/${encodeURIComponent(from.filename)}`,
    parentRef: formatRef({ kind: 'issue', cloudId, id: issueId }),
    importable: true,
    hint: JSON.stringify({ filename: from.filename, mimeType: from.mimeType, size: from.size }),
  };
}

/** Jira's word for it, unless that says nothing. */
export const typeOf = ({ filename, mimeType }: Pick<Attachment, 'filename' | 'mimeType'>): string =>
  !mimeType || /^application\/(octet-stream|binary)$/.test(mimeType) ? mediaTypeOf(filename) : mimeType;
