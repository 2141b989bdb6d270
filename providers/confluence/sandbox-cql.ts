import { badRequest, type Refusal } from './sandbox-refusal.ts';

/** One value of a clause; `quoted` tells "DOC" from DOC, which CQL does not take for the same. */
export type Value = { text: string; quoted: boolean } | { call: string; argument?: string };
export type Operator = '=' | '!=' | '<' | '>' | '<=' | '>=' | '~' | '!~' | 'in' | 'not in';
export type Clause =
  { operator: 'and' | 'or' | 'not'; clauses: Clause[] } | { field: string; operator: Operator; values: Value[] };
export type Cql = { where?: Clause; orderBy: { field: string; direction: 'asc' | 'desc' }[] };

type Token = { kind: 'word' | 'text' | 'sign'; value: string };

const TOKEN = /\s*(?:"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|(!=|<=|>=|!~|[=<>~(),])|([\w.-]+))/y;
/** Words of the language, which stand in quotation marks where they are a value. */
const RESERVED = new Set(['and', 'or', 'not', 'in', 'order', 'by', 'asc', 'desc']);

export const unparsable = (cql: string): Refusal => badRequest(`Could not parse cql : ${cql}`);

/** Confluence Query Language as far as words go; what fields and values there are, `compileCql` knows. Errors: Refusal 400. */
export function parseCql(cql: string): Cql {
  const tokens = tokenise(cql);
  let at = 0;
  const isWord = (word: string): boolean => tokens[at]?.kind === 'word' && tokens[at]?.value.toLowerCase() === word;
  const isSign = (sign: string): boolean => tokens[at]?.kind === 'sign' && tokens[at]?.value === sign;
  const takeIf = (holds: boolean): boolean => {
    if (holds) at += 1;
    return holds;
  };
  const need = (holds: boolean): void => {
    if (!takeIf(holds)) throw unparsable(cql);
  };
  const take = (kinds: Token['kind'][]): Token => {
    const token = tokens[at];
    if (!token || !kinds.includes(token.kind)) throw unparsable(cql);
    if (token.kind === 'word' && RESERVED.has(token.value.toLowerCase())) throw unparsable(cql);
    at += 1;
    return token;
  };

  const joined = (operator: 'and' | 'or', inner: () => Clause): Clause => {
    const clauses = [inner()];
    while (takeIf(isWord(operator))) clauses.push(inner());
    return clauses.length === 1 && clauses[0] ? clauses[0] : { operator, clauses };
  };
  const either = (): Clause => joined('or', () => joined('and', negated));
  const negated = (): Clause => {
    if (takeIf(isWord('not'))) return { operator: 'not', clauses: [negated()] };
    if (!takeIf(isSign('('))) return comparison();
    const clause = either();
    need(isSign(')'));
    return clause;
  };
  const comparison = (): Clause => {
    const field = take(['word']).value.toLowerCase();
    const isNot = takeIf(isWord('not'));
    if (takeIf(isWord('in'))) return { field, operator: isNot ? 'not in' : 'in', values: list() };
    if (isNot) throw unparsable(cql);
    const { value } = take(['sign']);
    if (['(', ')', ','].includes(value)) throw unparsable(cql);
    return { field, operator: value as Operator, values: [single()] };
  };
  const list = (): Value[] => {
    need(isSign('('));
    const values = [single()];
    while (takeIf(isSign(','))) values.push(single());
    need(isSign(')'));
    return values;
  };
  const single = (): Value => {
    const { kind, value } = take(['word', 'text']);
    if (kind === 'text') return { text: value, quoted: true };
    if (!takeIf(isSign('('))) return { text: value, quoted: false };
    const argument = isSign(')') ? undefined : take(['text']).value;
    need(isSign(')'));
    return { call: value.toLowerCase(), argument };
  };

  const where = isWord('order') ? undefined : either();
  const orderBy: Cql['orderBy'] = [];
  if (takeIf(isWord('order'))) {
    need(isWord('by'));
    do {
      const field = take(['word']).value.toLowerCase();
      const isDown = takeIf(isWord('desc'));
      if (!isDown) takeIf(isWord('asc'));
      orderBy.push({ field, direction: isDown ? 'desc' : 'asc' });
    } while (takeIf(isSign(',')));
  }
  if (at < tokens.length) throw unparsable(cql);
  return { where, orderBy };
}

function tokenise(cql: string): Token[] {
  const tokens: Token[] = [];
  const text = cql.trim();
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [, double, single, sign, word] = TOKEN.exec(text) ?? [];
    const quoted = double ?? single;
    if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replace(/\\([^])/g, '$1') });
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign });
    else if (word !== undefined) tokens.push({ kind: 'word', value: word });
    else throw unparsable(cql);
  }
  if (tokens.length === 0) throw unparsable(cql);
  return tokens;
}
