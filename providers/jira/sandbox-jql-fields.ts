import { textOf } from './sandbox-adf.ts';
import type { Operator, Value } from './sandbox-jql.ts';
import { badRequest, type Refusal } from './sandbox-refusal.ts';
import { issueIn, type JiraIssue, type JiraProject, type View } from './sandbox-state.ts';
import { categoryOf, CATEGORY_NAMES, PRIORITIES, SHIPS, STATUSES, TYPES } from './sandbox-terms.ts';
import { jqlDate } from './sandbox-time.ts';

const EMPTINESS: Operator[] = ['is', 'is not'];
const EQUALITY: Operator[] = ['=', '!=', 'in', 'not in', ...EMPTINESS];
const ORDERED: Operator[] = [...EQUALITY, '<', '>', '<=', '>='];
const TEXT: Operator[] = ['~', '!~', ...EMPTINESS];

export type Test = (issue: JiraIssue) => boolean;
export type Rank = string | number;
/** What a query may ask of one field. */
export type Field = {
  operators: Operator[];
  /** Says whether one value is the issue's, by an operator that is no negation. Errors: Refusal 400 for a value there is not. */
  test(value: Value, operator: Operator, name: string): Test;
  isEmpty: Test;
  /** What results are sorted by; absent: they cannot be. */
  rank?: (issue: JiraIssue) => Rank;
};

/** The fields that one person can ask for, by each of their names in lower case. */
export function fieldsFor(view: View): Map<string, Field> {
  const key = keyField(view);
  const created = dateField(view, (issue) => issue.created);
  const updated = dateField(view, (issue) => issue.updated);
  const due = dateField(view, (issue) => (issue.due === undefined ? undefined : new Date(issue.due)));
  const type = choice(TYPES, (issue) => issue.type);
  const sprint = choice(undefined, (issue) => issue.sprint);
  const ship = choice(SHIPS, (issue) => issue.ship);
  const text = textField((issue) => `${issue.summary} ${textOf(issue.description)} ${commentsOf(issue)}`);
  return new Map<string, Field>([
    ['project', projectField(view.projects.filter(({ archived }) => !archived))],
    ['key', key],
    ['issuekey', key],
    ['issue', key],
    ['id', key],
    ['parent', keyField(view, (issue) => issue.parent)],
    ['summary', textField((issue) => issue.summary)],
    ['description', textField((issue) => textOf(issue.description))],
    ['comment', textField(commentsOf)],
    ['text', { ...text, rank: undefined }],
    ['status', choice(STATUSES, (issue) => issue.status)],
    ['statuscategory', choice(CATEGORY_NAMES, (issue) => categoryOf(issue.status).name)],
    ['resolution', resolutionField],
    ['issuetype', type],
    ['type', type],
    ['priority', choice(PRIORITIES, (issue) => issue.priority)],
    ['labels', labelsField],
    ['assignee', personField(view, (issue) => issue.assignee?.accountId)],
    ['reporter', personField(view, (issue) => issue.reporter.accountId)],
    ['creator', personField(view, (issue) => issue.reporter.accountId)],
    ['created', created],
    ['createddate', created],
    ['updated', updated],
    ['updateddate', updated],
    ['due', due],
    ['duedate', due],
    ['sprint', sprint],
    ['cf[10020]', sprint],
    ['ship', ship],
    ['cf[10041]', ship],
    ['attachments', attachmentsField],
  ]);
}

const noValue = (value: Value, name: string): Refusal => {
  const text = 'value' in value ? value.value : '';
  return 'number' in value
    ? badRequest(`A value with ID '${text}' does not exist for the field '${name}'.`)
    : badRequest(`The value '${text}' does not exist for the field '${name}'.`);
};

/** Errors: Refusal for functions, none of which gives a value of this kind. */
function plain(value: Value, name: string): string {
  if ('value' in value) return value.value;
  if ('function' in value)
    throw badRequest(`A value provided by the function '${value.function}' is invalid for the field '${name}'.`);
  return '';
}

/** One of the words known; all words are, where none are given. Sorted by the order they stand in. */
function choice(known: readonly string[] | undefined, of: (issue: JiraIssue) => string | undefined): Field {
  return {
    operators: EQUALITY,
    test(value, _operator, name) {
      const wanted = plain(value, name).toLowerCase();
      if (known && !known.some((one) => one.toLowerCase() === wanted)) throw noValue(value, name);
      return (issue) => of(issue)?.toLowerCase() === wanted;
    },
    isEmpty: (issue) => of(issue) === undefined,
    rank: (issue) => known?.indexOf(of(issue) ?? '') ?? of(issue) ?? '',
  };
}

/** By key, name or id; to those who cannot see a project, there is none. */
function projectField(projects: JiraProject[]): Field {
  return {
    operators: EQUALITY,
    test(value, _operator, name) {
      const wanted = plain(value, name).toLowerCase();
      const found = projects.find(({ id, key, name: title }) =>
        [id, key.toLowerCase(), title.toLowerCase()].includes(wanted),
      );
      if (!found) throw noValue(value, name);
      return (issue) => issue.project === found;
    },
    isEmpty: () => false,
    rank: ({ project }) => project.name.toLowerCase(),
  };
}

const labelsField: Field = {
  operators: EQUALITY,
  test(value, _operator, name) {
    const wanted = plain(value, name).toLowerCase();
    return ({ labels }) => labels.some((label) => label.toLowerCase() === wanted);
  },
  isEmpty: ({ labels }) => labels.length === 0,
};

/** `Unresolved` is a word for having none. */
const resolutionField: Field = {
  ...choice(['Unresolved', 'Done'], ({ status }) => (status === 'Done' ? 'Done' : 'Unresolved')),
  isEmpty: ({ status }) => status !== 'Done',
};

const attachmentsField: Field = {
  operators: EMPTINESS,
  test: (value, _operator, name) => {
    throw noValue(value, name);
  },
  isEmpty: ({ attachments }) => attachments.length === 0,
};

/** The issue itself, unless `of` leads to another one. */
function keyField({ issues }: View, of: (issue: JiraIssue) => JiraIssue | undefined = (issue) => issue): Field {
  return {
    operators: ORDERED,
    test(value, operator, name) {
      const text = plain(value, name);
      const found = issueIn(issues, text);
      if (!found) {
        if ('number' in value) throw noValue(value, name);
        throw badRequest(
          /^[a-z][a-z0-9_]*-\d+$/i.test(text)
            ? `An issue with key '${text}' does not exist for field '${name}'.`
            : `The issue key '${text}' for field '${name}' is invalid.`,
        );
      }
      const compare = COMPARE[operator];
      if (!compare) return (issue) => of(issue) === found;
      return (issue) => issue.project === found.project && compare(Number(issue.id), Number(found.id));
    },
    isEmpty: (issue) => of(issue) === undefined,
    rank: (issue) => of(issue)?.key.replace(/\d+$/, (number) => number.padStart(9, '0')) ?? '',
  };
}

const COMPARE: Partial<Record<Operator, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};

function personField({ viewer }: View, of: (issue: JiraIssue) => string | undefined): Field {
  return {
    operators: EQUALITY,
    test(value, _operator, name) {
      const isMe = 'function' in value && value.function.toLowerCase() === 'currentuser';
      const wanted = isMe ? viewer?.accountId : plain(value, name);
      return (issue) => of(issue) === wanted;
    },
    isEmpty: (issue) => of(issue) === undefined,
    rank: (issue) => of(issue) ?? '~',
  };
}

function dateField({ viewer }: View, of: (issue: JiraIssue) => Date | undefined): Field {
  return {
    operators: ORDERED,
    test(value, operator, name) {
      const text = plain(value, name);
      const at = 'number' in value ? Number(text) : jqlDate(text, viewer?.timeZone ?? 'UTC');
      if (at === undefined)
        throw badRequest(
          `Date value '${text}' for field '${name}' is invalid. Valid formats include: ` +
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
        );
      const compare = COMPARE[operator] ?? ((a: number, b: number) => a === b);
      return (issue) => compare(of(issue)?.getTime() ?? NaN, at);
    },
    isEmpty: (issue) => of(issue) === undefined,
    rank: (issue) => of(issue)?.getTime() ?? 0,
  };
}

const commentsOf = ({ comments }: JiraIssue): string => comments.map(({ body }) => textOf(body)).join(' ');
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Text fields find words: all of them, whole, or their beginning before a `*`; in quotation marks one after the other. */
function textField(of: (issue: JiraIssue) => string): Field {
  return {
    operators: TEXT,
    test(value, _operator, name) {
      const query = plain(value, name).trim();
      checkTextQuery(query, name);
      const said = query.replace(/\\./gs, ' ');
      const phrases = [...said.matchAll(/"([^"]*)"/g)].map(([, phrase]) => ` ${wordsOf(phrase ?? '').join(' ')} `);
      const rest = said.replace(/"[^"]*"/g, ' ');
      const beginnings = [...rest.matchAll(/([\p{L}\p{N}]+)\*/gu)].map(([, word]) => (word ?? '').toLowerCase());
      const words = wordsOf(rest.replace(/[\p{L}\p{N}]+\*/gu, ' '));
      return (issue) => {
        const there = wordsOf(of(issue));
        const inOne = ` ${there.join(' ')} `;
        return (
          words.length + beginnings.length + phrases.length > 0 &&
          words.every((word) => there.includes(word)) &&
          beginnings.every((beginning) => there.some((word) => word.startsWith(beginning))) &&
          phrases.every((phrase) => inOne.includes(phrase))
        );
      };
    },
    isEmpty: (issue) => of(issue).trim() === '',
    rank: (issue) => of(issue).toLowerCase(),
  };
}

/** Errors: Refusal for what the text search cannot read: signs of its own that are not escaped with a backslash, or not in pairs. */
function checkTextQuery(query: string, name: string): void {
  if (query === '') throw badRequest(`The field '${name}' does not support searching for an empty string.`);
  const [first] = query;
  if (first === '*' || first === '?')
    throw badRequest(
      `The text query '${query}' for field '${name}' is not allowed to start with character '${first}'.`,
    );
  const unescaped = query.replace(/\\./gs, '');
  const outside = unescaped.replace(/"[^"]*"/g, '');
  if (/["[\]{}()^!\\]/.test(outside)) throw badRequest(`Unable to parse the text '${query}' for field '${name}'.`);
}
