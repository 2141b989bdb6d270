import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { jqlDate } from '../jira/sandbox-time.ts';
import { unparsable, type Clause, type Cql, type Operator, type Value } from './sandbox-cql.ts';
import { markupText } from './sandbox-markup.ts';
import type { Found } from './sandbox-found.ts';
import { badRequest, type Refusal } from './sandbox-refusal.ts';

type Test = (found: Found) => boolean;
type Rank = string | number;
type Field = {
  operators: Operator[];
  /** Says whether one value is the thing's, by an operator that is no negation. Errors: Refusal 400. */
  test: (value: Value, operator: Operator) => Test;
  rank?: (found: Found) => Rank;
};

const EQUALITY: Operator[] = ['=', '!=', 'in', 'not in'];
const TEXT: Operator[] = ['~', '!~'];
const DATES: Operator[] = ['=', '!=', '<', '>', '<=', '>='];
const TYPES = [
  'page',
  'blogpost',
  'folder',
  'whiteboard',
  'database',
  'embed',
  'attachment',
  'comment',
  'space',
  'user',
];
const MINUTE_MS = 60_000;

export type CompiledCql = { matches: Test; compare: (a: Found, b: Found) => number; words: string[] };

/**
 * Checks a query and makes it answer; `words` are those that were asked for as text, to be marked in titles.
 * Errors: Refusal 400 for unknown fields, operators that a field has not, and keys of spaces without quotation marks.
 */
export function compileCql(cql: string, { where, orderBy }: Cql, viewer: AtlassianPerson): CompiledCql {
  const words: string[] = [];
  const fields = fieldsFor(viewer, words, () => unparsable(cql));
  const fieldOf = (name: string): Field => {
    const field = fields.get(name);
    if (!field) throw badRequest(`Could not parse cql : Unknown field '${name}' in query: ${cql}`);
    return field;
  };
  const orders = orderBy.map(({ field, direction }) => {
    const { rank } = fieldOf(field);
    if (!rank) throw badRequest(`Could not parse cql : Field '${field}' cannot be used for sorting: ${cql}`);
    return { rank, sign: direction === 'desc' ? -1 : 1 };
  });
  const testOf = (clause: Clause): Test => {
    if ('clauses' in clause) {
      const tests = clause.clauses.map(testOf);
      if (clause.operator === 'not') return (found) => !tests.some((test) => test(found));
      return clause.operator === 'and'
        ? (found) => tests.every((test) => test(found))
        : (found) => tests.some((test) => test(found));
    }
    const { operators, test } = fieldOf(clause.field);
    const { operator, values } = clause;
    if (!operators.includes(operator))
      throw badRequest(`Could not parse cql : Operator ${operator} is not supported for field ${clause.field}`);
    const tests = values.map((value) => test(value, operator));
    const isNegation = operator === '!=' || operator === '!~' || operator === 'not in';
    return (found) => tests.some((holds) => holds(found)) !== isNegation;
  };
  return {
    words,
    matches: where ? testOf(where) : () => true,
    compare(a, b) {
      for (const { rank, sign } of orders) {
        const [left, right] = [rank(a), rank(b)];
        if (left !== right) return (left < right ? -1 : 1) * sign;
      }
      return 0;
    },
  };
}

function fieldsFor(viewer: AtlassianPerson, words: string[], refusal: () => Refusal): Map<string, Field> {
  const plain = (value: Value): string => {
    if ('text' in value) return value.text;
    if (value.call === 'currentuser') return viewer.accountId;
    throw refusal();
  };
  const equal = (of: (found: Found) => (string | undefined)[], rank?: Field['rank']): Field => ({
    operators: EQUALITY,
    test(value) {
      const wanted = plain(value).toLowerCase();
      return (found) => of(found).some((one) => one?.toLowerCase() === wanted);
    },
    rank,
  });
  const text = (of: (found: Found) => string): Field => ({
    operators: TEXT,
    test(value) {
      const wanted = plain(value);
      words.push(...wordsOf(wanted));
      return (found) => says(of(found), wanted);
    },
  });
  const date = (of: (found: Found) => Date): Field => ({
    operators: DATES,
    test(value, operator) {
      const at = instantOf(value, viewer.timeZone);
      if (at === undefined) throw refusal();
      // To the minute: seconds count for nothing.
      return (found) => COMPARE[operator]?.(Math.floor(of(found).getTime() / MINUTE_MS) * MINUTE_MS, at) ?? false;
    },
    rank: (found) => of(found).getTime(),
  });
  const ids = (of: (found: Found) => (string | undefined)[]): Field => ({
    ...equal(of),
    test(value) {
      const wanted = plain(value);
      if (!/^(att)?\d+$/.test(wanted)) throw refusal();
      return (found) => of(found).includes(wanted);
    },
  });
  const title = { ...text((found) => found.title), rank: (found: Found) => found.title.toLowerCase() };
  const space = equal(
    ({ space: { key } }) => [key],
    ({ space: { key } }) => key,
  );
  const modified = date(({ version }) => version.createdAt);
  return new Map<string, Field>([
    [
      'type',
      {
        ...equal(
          ({ type }) => [type],
          ({ type }) => type,
        ),
        test(value) {
          const wanted = plain(value).toLowerCase();
          if (!TYPES.includes(wanted)) throw refusal();
          return ({ type }) => type === wanted;
        },
      },
    ],
    [
      'space',
      {
        ...space,
        test(value, operator) {
          if ('text' in value && !value.quoted) throw refusal();
          return space.test(value, operator);
        },
      },
    ],
    [
      'title',
      {
        ...title,
        operators: [...EQUALITY, ...TEXT],
        test(value, operator) {
          if (TEXT.includes(operator)) return title.test(value, operator);
          const wanted = plain(value);
          return (found) => found.title === wanted;
        },
      },
    ],
    ['text', text((found) => `${found.title} ${textOf(found)}`)],
    ['sitesearch', text((found) => `${found.title} ${textOf(found)}`)],
    ['id', { ...ids(({ id }) => [id]), rank: ({ id }) => id.padStart(20, '0') }],
    ['content', ids(({ id }) => [id])],
    ['container', ids(({ container }) => [container?.id])],
    ['parent', ids(({ content }) => [content?.parent?.id])],
    ['ancestor', ids(ancestorIds)],
    ['label', equal(({ content }) => content?.labels ?? [])],
    ['creator', equal(({ author }) => [author.accountId])],
    ['created', date(({ createdAt }) => createdAt)],
    ['lastmodified', modified],
  ]);
}

/** Of what stands in the tree; what hangs on a page is found by its container. */
function ancestorIds({ content }: Found): string[] {
  const found: string[] = [];
  for (let at = content?.parent; at; at = at.parent) found.push(at.id);
  return found;
}

const textOf = ({ content, comment }: Found): string => markupText(content?.body ?? comment?.body ?? '');

const COMPARE: Partial<Record<Operator, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};

/** A date in quotation marks as JQL has it too, or `now("-4w")`. Undefined for what is no date. */
function instantOf(value: Value, timeZone: string): number | undefined {
  if ('text' in value) return /^\d{4}/.test(value.text) ? jqlDate(value.text, timeZone) : undefined;
  if (value.call !== 'now') return undefined;
  return value.argument === undefined ? Date.now() : jqlDate(value.argument, timeZone);
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Every word is there, whole or up to its `*`; in quotation marks one after the other. */
function says(text: string, query: string): boolean {
  const there = wordsOf(text);
  const phrase = /^"(.*)"$/.exec(query)?.[1];
  if (phrase !== undefined) return ` ${there.join(' ')} `.includes(` ${wordsOf(phrase).join(' ')} `);
  const wanted = [...query.toLowerCase().matchAll(/([\p{L}\p{N}]+)(\*?)/gu)];
  if (wanted.length === 0) return false;
  return wanted.every(([, word = '', star]) =>
    there.some((candidate) => (star === '*' ? candidate.startsWith(word) : candidate === word)),
  );
}
