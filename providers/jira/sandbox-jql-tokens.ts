import { badRequest, type Refusal } from './sandbox-refusal.ts';

/** `number` is a word of digits only: an id, or a date in milliseconds. `at` counts from 0. */
export type Token = { kind: 'word' | 'number' | 'text' | 'sign'; value: string; at: number };

const ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\', "'": "'", '"': '"', ' ': ' ' };
const SIGNS = ['!=', '!~', '<=', '>=', '&&', '||', '=', '<', '>', '~', '!', '&', '|', '(', ')', ','];
const WORD = /(?:cf\[\d+\]|[^\s"'=!<>~&|(),{}[\]*/%+^$#@?;\\])+/iy;

/** Words that JQL keeps for itself; as a value or a field they stand in quotation marks. Source: support.atlassian.com, "JQL reserved words". */
export const RESERVED = new Set(
  (
    'abort access add after alias all alter and any are as asc at audit avg be before begin between boolean break but by byte ' +
    'catch cf char character check checkpoint collate collation column commit connect continue count create current date ' +
    'decimal declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else ' +
    'empty encoding end equals escape exclusive exec execute exists explain false fetch file field first float for from ' +
    'function go goto grant greater group having identified if immediate in increment index initial inner inout input insert ' +
    'int integer intersect intersection into is isempty isnull it join last left less like limit lock long max min minus mode ' +
    'modify modulo more multiply next no noaudit not notin nowait null number object of on option or order outer output power ' +
    'previous prior privileges public raise raw remainder rename resource return returns revoke right row rowid rownum rows ' +
    'select session set share size sqrt start strict string subtract such sum synonym table that the their then there these ' +
    'they this to trans transaction trigger true uid union unique update user validate values view was when whenever where ' +
    'while will with'
  ).split(' '),
);

/** Where in the query something is, as Jira counts: from 1, with its line. */
export function placeOf(jql: string, at: number): string {
  const before = jql.slice(0, at).split('\n');
  return `(line ${before.length}, character ${(before.at(-1)?.length ?? 0) + 1})`;
}

/** Errors: Refusal 400 in Jira's words for what is no JQL. */
export function tokenise(jql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < jql.length) {
    const letter = jql[at] ?? '';
    if (/\s/.test(letter)) {
      at += 1;
      continue;
    }
    if (letter === '"' || letter === "'") {
      const text = quoted(jql, at);
      tokens.push({ kind: 'text', value: text.value, at });
      at = text.end;
      continue;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(jql)?.[0];
    const sign = SIGNS.find((candidate) => jql.startsWith(candidate, at));
    const value = word ?? sign;
    if (value === undefined) throw illegal(jql, at);
    tokens.push({ kind: word === undefined ? 'sign' : /^-?\d+$/.test(word) ? 'number' : 'word', value, at });
    at += value.length;
  }
  return tokens;
}

function quoted(jql: string, start: number): { value: string; end: number } {
  const mark = jql[start];
  let value = '';
  for (let at = start + 1; at < jql.length; at += 1) {
    const letter = jql[at] ?? '';
    if (letter === mark) return { value, end: at + 1 };
    if (letter !== '\\') {
      value += letter;
      continue;
    }
    const unicode = /^u([0-9a-f]{4})/i.exec(jql.slice(at + 1))?.[1];
    const plain = ESCAPES[jql[at + 1] ?? ''];
    if (unicode === undefined && plain === undefined)
      throw badRequest(
        `Error in the JQL Query: '\\${jql[at + 1] ?? ''}' is an illegal JQL escape sequence. ` +
          `The valid escape sequences are \\', \\", \\t, \\n, \\r, \\\\, '\\ ' and \\uXXXX. ${placeOf(jql, at)}`,
      );
    value += unicode === undefined ? plain : String.fromCharCode(parseInt(unicode, 16));
    at += unicode === undefined ? 1 : 5;
  }
  throw badRequest(
    `Error in the JQL Query: The quoted string '${jql.slice(start + 1)}' has not been completed. ${placeOf(jql, start)}`,
  );
}

function illegal(jql: string, at: number): Refusal {
  const letter = jql[at] ?? '';
  const code = letter.charCodeAt(0).toString(16).padStart(4, '0');
  return badRequest(
    `Error in the JQL Query: The character '${letter}' is a reserved JQL character. ` +
      `You must enclose it in a string or use the escape '\\u${code}' instead. ${placeOf(jql, at)}`,
  );
}
