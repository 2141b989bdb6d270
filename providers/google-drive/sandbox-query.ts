/** What a search query is tried on. */
export type Queried = {
  name: string;
  mimeType: string;
  modifiedTime: string;
  parents: string[];
  trashed: boolean;
  starred: boolean;
  sharedWithMe: boolean;
  /** Words for full text search. */
  text: string;
};

export type Query = {
  matches(file: Queried): boolean;
  /** Folders named with `in parents`. */
  parents: string[];
  usesFullText: boolean;
};

/** A query that Google would refuse. */
export class QueryError extends Error {}

type Token = { kind: 'text' | 'word' | 'sign'; value: string };
type Test = (file: Queried) => boolean;

/**
 * Reads the `q` of a file list: `name`, `fullText`, `mimeType`, `modifiedTime`, `parents`, `trashed`, `starred` and
 * `sharedWithMe` with their operators, joined by and, or, not and brackets.
 * Source: https://developers.google.com/workspace/drive/api/guides/ref-search-terms (2026).
 * Errors: QueryError for everything else.
 */
export function parseQuery(q: string): Query {
  const tokens = tokenise(q);
  const parents: string[] = [];
  let usesFullText = false;
  let at = 0;

  const peek = (value: string): boolean => tokens[at]?.kind !== 'text' && tokens[at]?.value.toLowerCase() === value;
  const take = (kind?: Token['kind']): Token => {
    const token = tokens[at];
    if (!token || (kind && token.kind !== kind)) throw new QueryError(q);
    at += 1;
    return token;
  };

  const either = (): Test => {
    let left = both();
    while (peek('or')) {
      at += 1;
      const [a, b] = [left, both()];
      left = (file) => a(file) || b(file);
    }
    return left;
  };
  const both = (): Test => {
    let left = negated();
    while (peek('and')) {
      at += 1;
      const [a, b] = [left, negated()];
      left = (file) => a(file) && b(file);
    }
    return left;
  };
  const negated = (): Test => {
    if (!peek('not')) return single();
    at += 1;
    const inner = negated();
    return (file) => !inner(file);
  };
  const single = (): Test => {
    if (peek('(')) {
      at += 1;
      const inner = either();
      if (take('sign').value !== ')') throw new QueryError(q);
      return inner;
    }
    const first = take();
    if (first.kind === 'text') {
      if (take('word').value !== 'in' || take('word').value !== 'parents') throw new QueryError(q);
      parents.push(first.value);
      return (file) => file.parents.includes(first.value);
    }
    if (first.kind !== 'word') throw new QueryError(q);
    return term(first.value, take().value.toLowerCase());
  };
  const term = (field: string, operator: string): Test => {
    if (field === 'trashed' || field === 'starred' || field === 'sharedWithMe') {
      const value = take('word').value.toLowerCase();
      if ((value !== 'true' && value !== 'false') || (operator !== '=' && operator !== '!=')) throw new QueryError(q);
      const wanted = (value === 'true') === (operator === '=');
      return (file) => file[field] === wanted;
    }
    const value = take('text').value;
    if (field === 'name' && operator === 'contains') return (file) => startsAWord(file.name, value);
    if (field === 'name' || field === 'mimeType') {
      // Names are compared without regard to case.
      const same = (file: Queried): boolean => file[field].toLowerCase() === value.toLowerCase();
      if (operator === '=') return same;
      if (operator === '!=') return (file) => !same(file);
      if (field === 'mimeType' && operator === 'contains') return (file) => file.mimeType.startsWith(value);
    }
    if (field === 'fullText' && operator === 'contains') {
      usesFullText = true;
      return (file) => hasWords(`${file.name} ${file.text}`, value);
    }
    if (field === 'modifiedTime' && !Number.isNaN(Date.parse(value))) {
      const compare = COMPARISONS[operator];
      if (compare) return (file) => compare(Date.parse(file.modifiedTime), Date.parse(value));
    }
    throw new QueryError(q);
  };

  const matches = either();
  if (at < tokens.length) throw new QueryError(q);
  return { matches, parents, usesFullText };
}

const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function tokenise(q: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:'((?:[^'\\]|\\.)*)'|([A-Za-z]+)|(!=|<=|>=|[=<>()]))\s*/gsy;
  while (pattern.lastIndex < q.length) {
    const found = pattern.exec(q);
    if (!found) throw new QueryError(q);
    const [, text, word, sign] = found;
    if (text !== undefined) {
      if (/\\[^'\\]/.test(text.replace(/\\\\/g, ''))) throw new QueryError(q);
      tokens.push({ kind: 'text', value: text.replace(/\\(.)/gs, '$1') });
    } else if (word !== undefined) tokens.push({ kind: 'word', value: word });
    else tokens.push({ kind: 'sign', value: sign ?? '' });
  }
  return tokens;
}

/** `contains` finds the beginnings of words only: "Hello" finds HelloWorld, "World" does not. */
function startsAWord(name: string, beginning: string): boolean {
  const [haystack, needle] = [name.toLowerCase(), beginning.toLowerCase()];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1))
    if (at === 0 || !/[\p{L}\p{N}]/u.test(haystack[at - 1] ?? '')) return true;
  return false;
}

/** All words of the query stand in the text, in any order; in double quotes they stand together. */
function hasWords(text: string, query: string): boolean {
  const wordsOf = (of: string): string[] => of.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const words = wordsOf(text);
  const phrase = /^"(.*)"$/s.exec(query.trim());
  if (phrase) return ` ${words.join(' ')} `.includes(` ${wordsOf(phrase[1] ?? '').join(' ')} `);
  const known = new Set(words);
  const wanted = wordsOf(query);
  return wanted.length > 0 && wanted.every((word) => known.has(word));
}
