/** A document in the stand-in's index. */
export type Entry = Record<string, unknown>;
export type Condition = (entry: Entry) => boolean;

type Token = { kind: 'string' | 'date' | 'number' | 'word' | 'sign'; text: string };

const TOKEN = /\s*(?:'((?:[^']|'')*)'|(\d{4}-\d\d-\d\dT[\d:.]+Z)|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|([(),:/]))/y;
const OPERATORS = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le']);

/**
 * Reads a filter as Azure does, as far as the hub speaks its language. `isFilterable` says what may stand in it. Errors: Error with what is
 * wrong. Grammar: https://learn.microsoft.com/azure/search/search-query-odata-syntax-reference
 */
export function parseFilter(filter: string, isFilterable: (field: string) => boolean): Condition {
  const tokens = tokenize(filter);
  let at = 0;
  const variables = new Set<string>();
  const peek = () => tokens[at];
  const take = (text?: string): Token => {
    const token = tokens[at];
    if (!token || (text !== undefined && (token.kind === 'string' || token.text !== text)))
      throw new Error(`Syntax error: ${text ?? 'more'} was expected before “${token?.text ?? 'the end'}”.`);
    at += 1;
    return token;
  };
  const isWord = (text: string) => peek()?.kind === 'word' && peek()?.text === text;

  function either(): Condition {
    const parts = [both()];
    while (isWord('or')) {
      take();
      parts.push(both());
    }
    return (entry) => parts.some((part) => part(entry));
  }
  function both(): Condition {
    const parts = [unary()];
    while (isWord('and')) {
      take();
      parts.push(unary());
    }
    return (entry) => parts.every((part) => part(entry));
  }
  function unary(): Condition {
    if (!isWord('not')) return primary();
    take();
    const part = unary();
    return (entry) => !part(entry);
  }
  function primary(): Condition {
    if (peek()?.kind === 'sign' && peek()?.text === '(') {
      take('(');
      const inner = either();
      take(')');
      return inner;
    }
    const { kind, text: name } = take();
    if (kind !== 'word') throw new Error(`Syntax error: a field was expected and not “${name}”.`);
    if (name === 'search.in') return isIn();
    known(name);
    if (peek()?.text === '/') return any(name);
    const operator = take().text;
    if (!OPERATORS.has(operator)) throw new Error(`Syntax error: “${operator}” is no operator.`);
    const value = literal();
    return (entry) => compare(entry[name], operator, value);
  }
  function isIn(): Condition {
    take('(');
    const name = take().text;
    known(name);
    take(',');
    const list = String(literal());
    take(',');
    const delimiters = String(literal());
    take(')');
    const values = new Set(list.split(delimiters));
    return (entry) => values.has(String(entry[name]));
  }
  function any(name: string): Condition {
    take('/');
    take('any');
    take('(');
    const variable = take().text;
    take(':');
    variables.add(variable);
    const inner = either();
    variables.delete(variable);
    take(')');
    return (entry) => ((entry[name] ?? []) as unknown[]).some((value) => inner({ ...entry, [variable]: value }));
  }
  function known(name: string): void {
    if (!variables.has(name) && !isFilterable(name)) throw new Error(`“${name}” is not a filterable field.`);
  }
  function literal(): unknown {
    const token = take();
    if (token.kind === 'number') return Number(token.text);
    if (token.kind === 'string') return token.text;
    if (token.kind === 'date') return new Date(token.text);
    if (token.text === 'null') return null;
    throw new Error(`Syntax error: a value was expected and not “${token.text}”.`);
  }

  const condition = either();
  if (at < tokens.length) throw new Error(`Syntax error at “${tokens[at]?.text}”.`);
  return condition;
}

function tokenize(filter: string): Token[] {
  const tokens: Token[] = [];
  const kinds = ['string', 'date', 'number', 'word', 'sign'] as const;
  for (TOKEN.lastIndex = 0; filter.slice(TOKEN.lastIndex).trim() !== '';) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(filter);
    if (!match) throw new Error(`Syntax error at position ${from} of the filter.`);
    const place = match.slice(1).findIndex((part) => part !== undefined);
    const text = match[place + 1] as string;
    tokens.push({ kind: kinds[place] as Token['kind'], text: place === 0 ? text.replaceAll("''", "'") : text });
  }
  return tokens;
}

function compare(value: unknown, operator: string, other: unknown): boolean {
  if (other instanceof Date) {
    if (value === null || value === undefined) return false;
    return order(new Date(value as string).getTime(), operator, other.getTime());
  }
  const left = value ?? null;
  if (operator === 'eq') return left === other;
  if (operator === 'ne') return left !== other;
  if (left === null || other === null || typeof left !== typeof other) return false;
  return order(left as string, operator, other as string);
}

function order<T extends string | number>(left: T, operator: string, right: T): boolean {
  if (operator === 'eq') return left === right;
  if (operator === 'ne') return left !== right;
  if (operator === 'gt') return left > right;
  if (operator === 'ge') return left >= right;
  return operator === 'lt' ? left < right : left <= right;
}
