import { foldWord } from './fold.ts';

/**
 * The hub's own splitting of text into search terms. Postgres' text search knows neither Chinese, Japanese and Thai, which
 * write no spaces, nor identifiers such as ABC-123; and its dictionaries ask for one language per column.
 */

/** Longest term kept, in characters; longer ones are cut, so that both sides still meet. */
const MAX_TERM_LENGTH = 64;
/** A tsvector keeps at most 255 positions per lexeme; more occurrences add nothing to the ranking. */
const MAX_POSITIONS = 255;
/** Terms of a query that are looked at; longer queries are cut. */
const MAX_QUERY_TERMS = 128;

/** Words joined by these characters are one identifier and its parts: ABC-123, 10.0.0.1, ann@example.com, O'Brien; C++, C#. */
const WORD =
  /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:[-_.:@#+'’·,][\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*(?:\+\+|#)?|\p{Extended_Pictographic}/gu;
const JOINERS = /[-_.:@#+'’·,]/u;
/** Scripts searched by pairs of characters: no spaces (Chinese, Japanese) or glued particles (Korean). */
const PAIRED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々]+/gu;
/** Scripts without spaces whose words ICU knows from dictionaries. */
const SEGMENTED = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{M}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

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

/** The term that marks a user's chunks. It holds a space, which no term of a text does. */
export function ownerTerm(userId: string): string {
  return `owner ${userId}`;
}

/** A literal for `::tsvector`: each term with as many positions as it occurs. */
export function toTsvector(counts: Map<string, number>): string {
  const lexemes: string[] = [];
  for (const [term, count] of counts) {
    const positions = Array.from({ length: Math.min(count, MAX_POSITIONS) }, (_, index) => index + 1);
    lexemes.push(`${quoteLexeme(term)}:${positions.join(',')}`);
  }
  return lexemes.join(' ');
}

/** A literal for `::tsquery` that matches passages with any of the terms. Empty for no terms. */
export function toTsquery(terms: string[]): string {
  return terms.map(quoteLexeme).join(' | ');
}

function quoteLexeme(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function* split(text: string, singles: boolean): Generator<string> {
  for (const match of text.normalize('NFKC').matchAll(WORD)) {
    const word = match[0];
    if (UNSPACED.test(word)) yield* splitUnspaced(word, singles);
    else yield* splitWord(word);
  }
}

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
      return;
    }
    const whole = pieces.join('');
    if (whole.length <= MAX_TERM_LENGTH) yield* fold(whole);
  }
  const possessive = /['’]/.test(word);
  for (const piece of pieces) {
    if (possessive && piece.length === 1) continue;
    yield* fold(piece);
    const parts = innerWords(piece);
    if (parts.length > 1) for (const part of parts) yield* fold(part);
  }
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
