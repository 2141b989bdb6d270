import type { Clause, Jql } from './sandbox-jql.ts';
import { fieldsFor, type Field, type Rank, type Test } from './sandbox-jql-fields.ts';
import { badRequest } from './sandbox-refusal.ts';
import type { JiraIssue, View } from './sandbox-state.ts';

const MOST_ORDER_FIELDS = 7;

/** A query that can be answered: which issues match, in which order they come. */
export type CompiledJql = {
  matches: Test;
  /** What an issue is sorted by, field by field, its id last; two of these are compared by `compareRanks`. */
  ranksOf(issue: JiraIssue): Rank[];
  compareRanks(a: Rank[], b: Rank[]): number;
};

/**
 * Checks a query against what the viewer can see, and makes it answer.
 * Errors: Refusal 400 in Jira's words for unknown fields and values, operators that a field has not, and queries that restrict nothing.
 */
export function compileJql(jql: Jql, view: View): CompiledJql {
  if (!jql.where)
    throw badRequest('Unbounded JQL queries are not allowed here. Please add a search restriction to your query.');
  if (jql.orderBy.length > MOST_ORDER_FIELDS)
    throw badRequest(`The order by clause can contain a maximum of ${MOST_ORDER_FIELDS} fields.`);
  const fields = fieldsFor(view);
  const fieldOf = (name: string): Field => {
    const field = fields.get(name.toLowerCase());
    if (!field) throw badRequest(`Field '${name}' does not exist or you do not have permission to view it.`);
    return field;
  };
  const orders = jql.orderBy.map(({ field, direction }) => {
    const { rank } = fieldOf(field);
    if (!rank) throw badRequest(`Not able to sort using field '${field}'.`);
    return { rank, sign: direction === 'desc' ? -1 : 1 };
  });
  return {
    matches: testOf(jql.where, fieldOf),
    ranksOf: (issue) => [...orders.map(({ rank }) => rank(issue)), Number(issue.id)],
    compareRanks(a, b) {
      for (const [at, left] of a.entries()) {
        const right = b[at] ?? 0;
        // What nothing else orders comes newest first.
        if (left !== right) return (left < right ? -1 : 1) * (orders[at]?.sign ?? -1);
      }
      return 0;
    },
  };
}

function testOf(clause: Clause, fieldOf: (name: string) => Field): Test {
  if ('clauses' in clause) {
    const tests = clause.clauses.map((inner) => testOf(inner, fieldOf));
    if (clause.operator === 'not') return (issue) => !tests.some((test) => test(issue));
    return clause.operator === 'and'
      ? (issue) => tests.every((test) => test(issue))
      : (issue) => tests.some((test) => test(issue));
  }
  const { field: name, operator, values } = clause;
  const field = fieldOf(name);
  if (!field.operators.includes(operator))
    throw badRequest(`The operator '${operator}' is not supported by the '${name}' field.`);
  const isNegated = operator === '!=' || operator === '!~' || operator === 'not in' || operator === 'is not';
  const tests = values.map((value): Test => {
    if ('keyword' in value) return field.isEmpty;
    if (operator === 'is' || operator === 'is not')
      throw badRequest(`The operator '${operator}' only supports the 'EMPTY' and 'NULL' values.`);
    return field.test(value, operator, name);
  });
  if (!isNegated) return (issue) => tests.some((test) => test(issue));
  const isAboutEmpty = values.some((value) => 'keyword' in value);
  // What has no value is not found by what it should not be.
  return (issue) => (isAboutEmpty || !field.isEmpty(issue)) && !tests.some((test) => test(issue));
}
