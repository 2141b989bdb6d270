import { badRequest, type Refusal } from './sandbox-refusal.ts';
import { placeOf, RESERVED, tokenise, type Token } from './sandbox-jql-tokens.ts';

/** One value of a clause; `number` tells 10000 from "10000", which JQL does not take for the same. */
export type Value = { value: string; number?: true } | { function: string; arguments: string[] } | { keyword: 'empty' };
export type Operator = '=' | '!=' | '<' | '>' | '<=' | '>=' | '~' | '!~' | 'in' | 'not in' | 'is' | 'is not';
export type Clause =
  { operator: 'and' | 'or' | 'not'; clauses: Clause[] } | { field: string; operator: Operator; values: Value[] };
/** `where` is absent in a query that restricts nothing. */
export type Jql = { where?: Clause; orderBy: { field: string; direction: 'asc' | 'desc' }[] };

const VALID_OPERATORS =
  "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.";
const COMPARISONS = new Set(['=', '!=', '<', '>', '<=', '>=', '~', '!~']);
/** Reserved words that the grammar itself has a place for are misplaced; the rest are only reserved. */
const GRAMMAR = new Set(['and', 'or', 'not', 'in', 'is', 'order', 'by', 'asc', 'desc', 'empty', 'null', 'was']);

/** Jira Query Language as far as words go: what fields and values there are, `compileJql` knows. Errors: Refusal 400 in Jira's words. */
export function parseJql(jql: string): Jql {
  const tokens = tokenise(jql);
  let at = 0;

  const error = (text: string, token?: Token): Refusal =>
    badRequest(`Error in the JQL Query: ${text}${token ? ` ${placeOf(jql, token.at)}` : ''}`);
  const isKeyword = (word: string, token = tokens[at]): boolean =>
    token?.kind === 'word' && token.value.toLowerCase() === word;
  const isSign = (...signs: string[]): boolean =>
    tokens[at]?.kind === 'sign' && signs.includes(tokens[at]?.value ?? '');
  const takeIf = (holds: boolean): boolean => {
    if (holds) at += 1;
    return holds;
  };

  /** Not a word of the language itself, unless in quotation marks. */
  const refuseReserved = (token: Token, misplaced: string): void => {
    if (token.kind !== 'word') return;
    const word = token.value.toLowerCase();
    if (GRAMMAR.has(word)) throw error(misplaced, token);
    if (RESERVED.has(word))
      throw error(
        `'${token.value}' is a reserved JQL word. You must surround it in quotation marks to use it in a query.`,
        token,
      );
  };

  const joined = (operator: 'and' | 'or', signs: string[], inner: () => Clause): Clause => {
    const clauses = [inner()];
    while (takeIf(isKeyword(operator) || isSign(...signs))) clauses.push(inner());
    return clauses.length === 1 && clauses[0] ? clauses[0] : { operator, clauses };
  };
  const either = (): Clause => joined('or', ['||', '|'], both);
  const both = (): Clause => joined('and', ['&&', '&'], negated);
  const negated = (): Clause => {
    if (takeIf(isKeyword('not') || isSign('!'))) return { operator: 'not', clauses: [negated()] };
    if (!takeIf(isSign('('))) return terminal();
    const clause = either();
    if (!takeIf(isSign(')'))) {
      const token = tokens[at];
      throw token
        ? error(`Expecting ')' but got '${token.value}'.`, token)
        : error("Expecting ')' before the end of the query.");
    }
    return clause;
  };

  const terminal = (): Clause => {
    const field = fieldName();
    const operator = operatorOf();
    if (operator === 'in' || operator === 'not in') return { field, operator, values: list() };
    return { field, operator, values: [single()] };
  };

  const fieldName = (): string => {
    const token = tokens[at];
    if (!token) throw error('Expecting a field name at the end of the query.');
    const misplaced = `Expecting a field name but got '${token.value}'. You must surround '${token.value}' in quotation marks to use it as a field name.`;
    if (token.kind === 'sign') throw error(misplaced, token);
    refuseReserved(token, misplaced);
    at += 1;
    return token.value;
  };

  const operatorOf = (): Operator => {
    const token = tokens[at];
    if (!token) throw error(`Expecting operator before the end of the query. ${VALID_OPERATORS}`);
    if (token.kind === 'sign' && COMPARISONS.has(token.value)) {
      at += 1;
      return token.value as Operator;
    }
    if (takeIf(isKeyword('in'))) return 'in';
    if (isKeyword('not') && isKeyword('in', tokens[at + 1])) {
      at += 2;
      return 'not in';
    }
    if (takeIf(isKeyword('is'))) return takeIf(isKeyword('not')) ? 'is not' : 'is';
    throw error(`Expecting operator but got '${token.value}'. ${VALID_OPERATORS}`, token);
  };

  const list = (): Value[] => {
    const token = tokens[at];
    if (!takeIf(isSign('('))) {
      if (!token) throw error('Expecting a list of values before the end of the query.');
      throw error(`Expecting either a list of values or function but got '${token.value}'.`, token);
    }
    const values = [single()];
    while (takeIf(isSign(','))) values.push(single());
    if (takeIf(isSign(')'))) return values;
    const wrong = tokens[at];
    throw wrong
      ? error(`Expecting ')' or ',' but got '${wrong.value}'.`, wrong)
      : error("Expecting ')' before the end of the query.");
  };

  const single = (): Value => {
    const token = tokens[at];
    if (!token) throw error('Expecting either a value, list or function before the end of the query.');
    const misplaced = `Expecting either a value, list or function but got '${token.value}'. You must surround '${token.value}' in quotation marks to use it as a value.`;
    if (token.kind === 'sign') throw error(misplaced, token);
    at += 1;
    if (isKeyword('empty', token) || isKeyword('null', token)) return { keyword: 'empty' };
    refuseReserved(token, misplaced);
    if (token.kind === 'word' && takeIf(isSign('('))) return { function: token.value, arguments: argumentsOf() };
    return token.kind === 'number' ? { value: token.value, number: true } : { value: token.value };
  };

  const argumentsOf = (): string[] => {
    const given: string[] = [];
    while (!takeIf(isSign(')'))) {
      const token = tokens[at];
      if (!token) throw error("Expecting ')' before the end of the query.");
      at += 1;
      if (token.value !== ',') given.push(token.value);
    }
    return given;
  };

  const orderBy = (): Jql['orderBy'] => {
    if (!takeIf(isKeyword('order'))) return [];
    const by = tokens[at];
    if (!takeIf(isKeyword('by'))) throw error(`Expecting 'by' but got '${by?.value ?? ''}'.`, by);
    const fields: Jql['orderBy'] = [];
    do {
      const field = fieldName();
      const direction = takeIf(isKeyword('desc')) ? 'desc' : 'asc';
      if (direction === 'asc') takeIf(isKeyword('asc'));
      fields.push({ field, direction });
    } while (takeIf(isSign(',')));
    return fields;
  };

  const where = tokens.length > 0 && !isKeyword('order') ? either() : undefined;
  const order = orderBy();
  const rest = tokens[at];
  if (rest)
    throw error(`Expecting ${order.length > 0 ? "','" : "either 'OR' or 'AND'"} but got '${rest.value}'.`, rest);
  return { where, orderBy: order };
}
