import { foldWord } from './fold.ts';

/**
 * The hub's own splitting of text into search terms. Postgres' text search knows neither Chinese, Japanese and Thai, which
 * write no spaces, nor identifiers such as ABC-123; and its dictionaries ask for one language per column.
 */

/** Longest term kept, in characters; longer ones are cut, so that both sides still meet. */
const MAX_TERM_LENGTH = 64;
/** A tsvector keeps at most 255 positions per lexeme; more occurrences add nothing to the ranking. */
const MAX_POSITIONS = 255;
/** By how often a term occurs: the first so many positions. */
const POSITIONS = Array.from({ length: MAX_POSITIONS + 1 }, (_, count) =>
  Array.from({ length: count }, (_, index) => index + 1).join(','),
);
/** Terms of a query that are looked at; longer queries are cut. */
const MAX_QUERY_TERMS = 128;

/** Words joined by these characters are one identifier and its parts: ABC-123, 10.0.0.1, ann@example.com, O'Brien; C++, C#. */
const WORD =
  /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:[-_.:@#+'’·,][\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*(?:\+\+|#)?|\p{Extended_Pictographic}/gu;
const JOINERS = /[-_.:@#+'’·,]/u;
/** Joiners that hold an identifier together: a hyphen, an apostrophe and the like stand in plain words too. */
const TIGHT = /[_.:@#+]/u;
/** Identifiers that other identifiers are made of: both sides of an address, `foo_bar` of `foo_bar.baz`. */
const LOOSER = [/@/u, /[.:@#+,]/u];
/** Three names or more between slashes, or two of which the last has a dot: /var/log/error.log, src/terms.ts. */
const PATH = /[\p{L}\p{N}_.\-/\\]+/gu;
/** Hyphens that word processors write in place of the plain one; the one that only shows at a line's end is left out. */
const HYPHENS = /[\u2010-\u2013\u2212]/g;
const SOFT_HYPHEN = /\u00ad/g;
/** ASCII has nothing to normalize. */
// eslint-disable-next-line no-control-regex
const PLAIN = /^[\x00-\x7f]*$/;
/** Scripts searched by pairs of characters: no spaces (Chinese, Japanese) or glued particles (Korean). */
const PAIRED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々]+/gu;
/** Scripts without spaces whose words ICU knows from dictionaries. */
const SEGMENTED = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{M}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** The terms of words met before: most of a text are the same few again. A longer word would keep the whole text it was cut from in memory. */
const remembered = new Map<string, string[]>();
const MOST_REMEMBERED = 50_000;
const LONGEST_REMEMBERED = 12;

const segmenter = new Intl.Segmenter('th', { granularity: 'word' });

/**
 * How often each term occurs in a passage; the sum is the passage's length for the ranking.
 * Single Chinese characters are terms as well, so that a query of one character finds something.
 */
export function countTerms(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of split(text, true)) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

/** The distinct terms of a query in their order, at most 128. */
export function queryTerms(text: string): string[] {
  return [...new Set(split(text, false))].slice(0, MAX_QUERY_TERMS);
}

/**
 * Those terms of a query that stand for a whole identifier, such as `abc123` for ABC-123: who asks for one wants it, and not what shares a
 * part with it.
 */
export function identifierTerms(text: string): Set<string> {
  const found = new Set<string>();
  const normalized = normalize(text);
  for (const path of pathsOf(normalized)) found.add(path);
  for (const [word] of normalized.matchAll(WORD)) {
    if (UNSPACED.test(word)) continue;
    const whole = joined(word);
    const hasParts = whole !== word || innerWords(word).length > 1;
    const isOne = hasParts && whole.length > 3 && (/\p{N}/u.test(word) ? /\p{L}|[-_]/u.test(word) : TIGHT.test(word));
    if (isOne) for (const term of fold(whole)) found.add(term);
  }
  return found;
}

/** The term that marks a user's chunks. It holds a space, which no term of a text does. */
export function ownerTerm(userId: string): string {
  return `owner ${userId}`;
}

/** A literal for `::tsvector`: each term with as many positions as it occurs, and with none for once, which Postgres counts the same. */
export function toTsvector(counts: Map<string, number>): string {
  const lexemes: string[] = [];
  for (const [term, count] of counts) {
    lexemes.push(count === 1 ? quoteLexeme(term) : `${quoteLexeme(term)}:${POSITIONS[Math.min(count, MAX_POSITIONS)]}`);
  }
  return lexemes.join(' ');
}

/** A literal for `::tsquery` that matches passages with any of the terms. Empty for no terms. */
export function toTsquery(terms: string[]): string {
  return terms.map(quoteLexeme).join(' | ');
}

function quoteLexeme(term: string): string {
  return /['\\]/.test(term) ? `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : `'${term}'`;
}

/** An array and no generator: every word of every document passes here. */
function split(text: string, singles: boolean): string[] {
  const normalized = normalize(text);
  const terms = [...pathsOf(normalized)];
  for (const word of normalized.match(WORD) ?? [])
    for (const term of remembered.get(word) ?? splitAny(word, singles)) terms.push(term);
  return terms;
}

function splitAny(word: string, singles: boolean): string[] {
  return UNSPACED.test(word) ? [...splitUnspaced(word, singles)] : remember(word, [...splitWord(word)]);
}

function remember(word: string, terms: string[]): string[] {
  if (word.length > LONGEST_REMEMBERED) return terms;
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(word, terms);
  return terms;
}

const normalize = (text: string): string =>
  PLAIN.test(text) ? text : text.normalize('NFKC').replace(SOFT_HYPHEN, '').replace(HYPHENS, '-');

/** Each path as one term. */
function* pathsOf(text: string): Generator<string> {
  if (!/[/\\]/.test(text)) return;
  for (const [path] of text.matchAll(PATH)) {
    const names = path.split(/[/\\]+/).filter(Boolean);
    if (names.length < 2 || (names.length < 3 && !/\.\p{L}/u.test(names.at(-1) ?? ''))) continue;
    const whole = names.map(joined).join('').toLowerCase();
    // Lines to be filled in, as in ____/____/____, name nothing.
    if (/[\p{L}\p{N}]/u.test(whole) && whole.length <= MAX_TERM_LENGTH && !UNSPACED.test(whole)) yield whole;
  }
}

/** An identifier without its joiners. */
const joined = (word: string): string => word.split(JOINERS).join('');

/** A word as it stands, or an identifier: whole without its joiners, and its parts. */
function* splitWord(word: string): Generator<string> {
  if (/[+#]$/.test(word)) {
    yield word.toLowerCase().slice(-MAX_TERM_LENGTH);
    word = word.replace(/[+#]+$/, '');
  }
  const pieces = word.split(JOINERS);
  if (pieces.length > 1) {
    if (/^[\d.,:]+$/.test(word)) {
      yield plainNumber(word);
      // An address with its port is found without that.
      if (/\..*:/.test(word)) yield word.slice(0, word.indexOf(':'));
      return;
    }
    yield* wholes(word);
  }
  const possessive = /['’]/.test(word);
  for (const piece of pieces) {
    if (possessive && piece.length === 1) continue;
    yield* fold(piece);
    const parts = innerWords(piece);
    if (parts.length > 1) for (const part of parts) yield* fold(part);
  }
}

/** An identifier as one term, and so those it is made of. */
function* wholes(word: string): Generator<string> {
  const within = LOOSER.flatMap((joiner) => word.split(joiner)).filter((part) => part !== word && JOINERS.test(part));
  for (const part of new Set([word, ...within])) {
    const whole = joined(part);
    if (whole.length <= MAX_TERM_LENGTH) yield* fold(whole);
  }
  // The version v1.2.3 is found as 1.2.3.
  if (/^v\d+(?:\.\d+)+$/i.test(word)) yield word.slice(1);
}

/** 1,234.50 → 1234.50; versions, addresses and times stay as they are. */
function plainNumber(word: string): string {
  return /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(word) ? word.replaceAll(',', '') : word;
}

/** getUserName → get, User, Name; ISO27001 → ISO, 27001. Short or many pieces are noise (hashes, B12) and give nothing. */
function innerWords(word: string): string[] {
  if (word.length < 5 || !/\p{Ll}\p{Lu}|\p{L}\p{N}|\p{N}\p{L}/u.test(word)) return [];
  const parts = word.match(/\p{N}+|\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{M}]+|\p{L}+/gu) ?? [];
  return parts.length <= 5 && parts.every((part) => part.length > 1) ? parts : [];
}

function* splitUnspaced(word: string, singles: boolean): Generator<string> {
  let end = 0;
  const between = function* (from: number, to: number): Generator<string> {
    for (const match of word.slice(from, to).matchAll(WORD)) yield* splitWord(match[0]);
  };
  const runs = [...word.matchAll(PAIRED), ...word.matchAll(SEGMENTED)].sort((a, b) => a.index - b.index);
  for (const run of runs) {
    if (run.index < end) continue;
    yield* between(end, run.index);
    end = run.index + run[0].length;
    if (!UNSPACED.test(run[0])) continue;
    yield* /^[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{M}]/u.test(run[0])
      ? segment(run[0])
      : pairs([...run[0]], singles);
  }
  yield* between(end, word.length);
}

function* segment(run: string): Generator<string> {
  // NFKC takes the Thai vowel SARA AM apart, and ICU's dictionary has its words with the whole letter.
  for (const part of segmenter.segment(run.replaceAll('\u0e4d\u0e32', '\u0e33')))
    if (part.isWordLike) yield part.segment.slice(0, MAX_TERM_LENGTH);
}

function* pairs(characters: string[], singles: boolean): Generator<string> {
  if (singles || characters.length === 1) yield* characters;
  for (let index = 0; index + 1 < characters.length; index++) yield `${characters[index]}${characters[index + 1]}`;
}

function fold(word: string): string[] {
  // A word of nothing but marks folds to nothing, and an empty lexeme is a syntax error in Postgres.
  return foldWord(word.slice(0, MAX_TERM_LENGTH)).filter(Boolean);
}
