export type FieldSpec = {
  id: string;
  name: string;
  /** A column of the issue list may be made of it; the rest comes only to those who name it, or ask for all. */
  navigable: boolean;
  clauseNames: string[];
  schema: { type: string; items?: string; system?: string; custom?: string; customId?: number };
};

const system = (
  id: string,
  name: string,
  type: string,
  more: { items?: string; hidden?: true; clauses?: string[] } = {},
) => ({
  id,
  name,
  navigable: !more.hidden,
  clauseNames: more.clauses ?? [id],
  schema: { type, ...(more.items ? { items: more.items } : {}), system: id },
});

const custom = (customId: number, name: string, type: string, kind: string, items?: string): FieldSpec => ({
  id: `customfield_${customId}`,
  name,
  navigable: true,
  clauseNames: [`cf[${customId}]`, name],
  schema: { type, ...(items ? { items } : {}), custom: kind, customId },
});

/** Fields of an issue. Names of custom fields differ from site to site, and so do the numbers in their ids. */
export const FIELDS: FieldSpec[] = [
  system('summary', 'Summary', 'string'),
  system('issuetype', 'Issue Type', 'issuetype', { clauses: ['issuetype', 'type'] }),
  system('project', 'Project', 'project'),
  system('status', 'Status', 'status'),
  system('priority', 'Priority', 'priority'),
  system('resolution', 'Resolution', 'resolution'),
  system('resolutiondate', 'Resolved', 'datetime', { clauses: ['resolutiondate', 'resolved'] }),
  system('created', 'Created', 'datetime', { clauses: ['created', 'createdDate'] }),
  system('updated', 'Updated', 'datetime', { clauses: ['updated', 'updatedDate'] }),
  system('duedate', 'Due date', 'date', { clauses: ['due', 'duedate'] }),
  system('assignee', 'Assignee', 'user'),
  system('reporter', 'Reporter', 'user'),
  system('creator', 'Creator', 'user'),
  system('labels', 'Labels', 'array', { items: 'string' }),
  system('description', 'Description', 'string'),
  system('environment', 'Environment', 'string'),
  system('parent', 'Parent', 'issuelink'),
  system('subtasks', 'Sub-tasks', 'array', { items: 'issuelinks', hidden: true, clauses: ['subtasks'] }),
  system('issuelinks', 'Linked Issues', 'array', { items: 'issuelinks', clauses: ['issueLink'] }),
  system('attachment', 'Attachment', 'array', { items: 'attachment', hidden: true, clauses: ['attachments'] }),
  system('comment', 'Comment', 'comments-page', { hidden: true }),
  custom(10020, 'Sprint', 'array', 'com.pyxis.greenhopper.jira:gh-sprint', 'json'),
  custom(10041, 'Ship', 'option', 'com.atlassian.jira.plugin.system.customfieldtypes:select'),
];

/** Which fields an answer holds; `none` where it is only told which issues there are. */
export type Selection = { fields: Set<string> } | { none: 'id' | 'key' };

/**
 * Reads the `fields` of a request, each of which may name several. Unknown ones are passed over. `usual` is what comes when none is named,
 * `all` what a list of exceptions is taken from.
 */
export function selectionOf(
  named: string[],
  usual: '*all' | '*navigable' | 'id',
  all: '*all' | '*navigable',
): Selection {
  const wanted = named
    .flatMap((part) => part.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (wanted.length === 0) wanted.push(usual);
  if (wanted.every((part) => part === 'id')) return { none: 'id' };
  if (wanted.every((part) => part === 'id' || part === 'key')) return { none: 'key' };
  if (wanted.every((part) => part.startsWith('-'))) wanted.unshift(all);
  const fields = new Set<string>();
  for (const part of wanted) {
    if (part.startsWith('-')) fields.delete(part.slice(1));
    else
      for (const { id, navigable } of FIELDS)
        if (part === id || part === '*all' || (part === '*navigable' && navigable)) fields.add(id);
  }
  return { fields };
}

/** Display names of the fields selected. */
export const namesOf = (selection: Selection): Record<string, string> =>
  Object.fromEntries(chosen(selection).map(({ id, name }) => [id, name]));

/** The fields selected, in their usual order. */
export const chosen = (selection: Selection): FieldSpec[] =>
  'fields' in selection ? FIELDS.filter(({ id }) => selection.fields.has(id)) : [];

/** `GET /field`. */
export function fieldDetails({ id, name, navigable, clauseNames, schema }: FieldSpec): Record<string, unknown> {
  const isCustom = schema.custom !== undefined;
  return { id, key: id, name, custom: isCustom, orderable: true, navigable, searchable: true, clauseNames, schema };
}
