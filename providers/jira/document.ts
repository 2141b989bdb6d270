import { adfToHtml } from '../atlassian/adf.ts';
import { escapeHtml } from '../escape-html.ts';
import { dateOf, isRecord } from '../json.ts';
import { titleOf, type Comment, type Issue } from './wire.ts';

/** The fields people look for first, under the words they know them by. */
const SHOWN: [string, string][] = [
  ['Project', 'project'],
  ['Type', 'issuetype'],
  ['Status', 'status'],
  ['Resolution', 'resolution'],
  ['Priority', 'priority'],
  ['Assignee', 'assignee'],
  ['Reporter', 'reporter'],
  ['Labels', 'labels'],
  ['Components', 'components'],
  ['Affects versions', 'versions'],
  ['Fix versions', 'fixVersions'],
  ['Parent', 'parent'],
  ['Due', 'duedate'],
  ['Resolved', 'resolutiondate'],
  ['Created', 'created'],
  ['Updated', 'updated'],
];

export type IssueDocument = { name: string; html: string; details: Record<string, string | string[]> };

/**
 * An issue as a page of HTML: its fields, then all that people wrote in it. `names` are those of custom fields; one without a name is left
 * out. `comments` are all of them, the oldest first.
 */
export function issueDocument(issue: Issue, names: Record<string, string>, comments: Comment[]): IssueDocument {
  const { fields } = issue;
  const title = titleOf(issue);
  const shown = SHOWN.map(([label, field]): [string, string[]] => [label, words(fields[field])]);
  const custom = Object.entries(fields).flatMap(([field, value]): [string, unknown][] => {
    const name = field.startsWith('customfield_') ? names[field] : undefined;
    return name === undefined ? [] : [[name, value]];
  });
  const rows = [...shown, ...custom.map(([name, value]): [string, string[]] => [name, words(value)])];
  const texts: [string, unknown][] = [
    ['Description', fields.description],
    ['Environment', fields.environment],
    ...custom.filter(([, value]) => isDocument(value)),
  ];
  const html = [
    `<!doctype html><html><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    list(rows.flatMap(([label, values]) => (values.length > 0 ? [`${label}: ${values.join(', ')}`] : []))),
    ...texts.map(([name, value]) => section(name, written(value, 2))),
    section('Linked issues', list(arrayOf(fields.issuelinks).map(linkOf))),
    section('Sub-tasks', list(arrayOf(fields.subtasks).map(issueInBrief))),
    section('Attachments', list((fields.attachment ?? []).map(({ filename }) => filename))),
    section('Comments', comments.map(commentOf).join('')),
    '</body></html>',
  ];
  return { name: `${title}.html`, html: html.join('\n'), details: detailsOf(issue, shown) };
}

function detailsOf(issue: Issue, shown: [string, string[]][]): IssueDocument['details'] {
  const details: IssueDocument['details'] = { Key: issue.key };
  for (const [label, values] of shown) {
    const [first] = values;
    if (first !== undefined) details[label] = values.length === 1 ? first : values;
  }
  return details;
}

function commentOf({ author, created, body }: Comment): string {
  const heading = [author?.displayName ?? 'Somebody', ...words(created)].join(', ');
  return `<h3>${escapeHtml(heading)}</h3>${written(body, 3)}`;
}

/** `is blocked by EX-2 Crash (Done)` */
function linkOf(link: unknown): string {
  if (!isRecord(link) || !isRecord(link.type)) return '';
  const outward = isRecord(link.outwardIssue);
  const how = outward ? link.type.outward : link.type.inward;
  const other = issueInBrief(outward ? link.outwardIssue : link.inwardIssue);
  return other === '' ? '' : `${typeof how === 'string' ? how : ''} ${other}`.trim();
}

function issueInBrief(issue: unknown): string {
  const title = words(issue).join(' ');
  const status = isRecord(issue) && isRecord(issue.fields) ? words(issue.fields.status).join(' ') : '';
  return title !== '' && status !== '' ? `${title} (${status})` : title;
}

/** A field's value as people read it; nothing for values that are meant for programs, and for texts, which have places of their own. */
function words(value: unknown): string[] {
  if (typeof value === 'number') return [String(value)];
  if (typeof value === 'string') return isForPrograms(value) ? [] : [spokenDate(value)];
  if (Array.isArray(value)) return (value as unknown[]).flatMap(words);
  if (!isRecord(value) || isDocument(value)) return [];
  // Clocks of service desks carry the name of the clock, not a value.
  if ('completedCycles' in value || 'ongoingCycle' in value) return [];
  // Issues, here in brief.
  if (typeof value.key === 'string' && isRecord(value.fields))
    return [[value.key, ...words(value.fields.summary)].join(' ')];
  const [name = []] = [value.displayName, value.name, value.value].filter((part) => part != null).map(words);
  // The second half of a choice in two steps.
  const child = words(value.child);
  return child.length > 0 ? [[...name, ...child].join(' / ')] : name;
}

/** Ranks, and objects of other programs as text. */
const isForPrograms = (text: string): boolean => text.trim() === '' || /^(\{|\d+\|[a-z0-9]*:)/.test(text);

const spokenDate = (text: string): string => (/^\d{4}-\d\d-\d\dT/.test(text) ? (minuteOf(dateOf(text)) ?? text) : text);

const minuteOf = (date: Date | undefined): string | undefined =>
  date && `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const isDocument = (value: unknown): boolean => isRecord(value) && value.type === 'doc';

/** A text with its headings below ours, which are at level `above`. Everything in it is escaped but its own tags. */
const written = (doc: unknown, above: number): string =>
  isDocument(doc) || typeof doc === 'string'
    ? adfToHtml(doc).replace(
        /<(\/?)h([1-6])>/g,
        (_tag, slash: string, level: string) => `<${slash}h${Math.min(6, Number(level) + above)}>`,
      )
    : '';

const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

const section = (title: string, html: string): string => (html === '' ? '' : `<h2>${escapeHtml(title)}</h2>${html}`);

function list(entries: string[]): string {
  const found = entries.filter((entry) => entry !== '').map((entry) => `<li>${escapeHtml(entry)}</li>`);
  return found.length > 0 ? `<ul>${found.join('')}</ul>` : '';
}
