/** PDFium's signs for a hyphen at a line end, and the soft hyphen itself: as characters of the text they join two lines. */
const JOINT_SIGNS = '\u0002\u00ad\ufffe';
const JOINT = new RegExp(`[${JOINT_SIGNS}]`);
const JOINTS = new RegExp(`([\\p{L}\\p{M}\\p{N}]*)[${JOINT_SIGNS}]\\s*([\\p{L}\\p{M}\\p{N}]*)`, 'gu');

const BROKEN_END = /[\p{L}\p{M}]+-$/u;
const WORD = /[\p{L}\p{M}\p{N}]+(-[\p{L}\p{M}\p{N}]+)*/gu;
/** The same for text without accents, in a third of the time. */
const PLAIN_WORD = /[a-z0-9]+(?:-[a-z0-9]+)*/g;
// eslint-disable-next-line no-control-regex
const PLAIN = /^[\u0000-\u007f]*$/;

/** Whether a text is a word of the document, in lower case; hyphenated ones are known whole and by their parts. */
export type WordTest = (word: string) => boolean;

/** The words of a document's lines: what tells "cutting-edge" from "effi-cient". They are gathered when first asked for: few documents need them. */
export function wordTestOf(lines: () => string[]): WordTest {
  let words: Set<string> | undefined;
  return (word) => (words ??= wordsOf(lines())).has(word);
}

function wordsOf(lines: string[]): Set<string> {
  const words = new Set<string>();
  let continues = false;
  for (const line of lines) {
    // Halves of words that were broken at a line end are no words.
    let whole = JOINT.test(line) ? line.replace(JOINTS, ' ') : line;
    if (whole.endsWith('-')) whole = whole.replace(BROKEN_END, '');
    if (continues) whole = whole.replace(/^\p{Ll}+/u, '');
    const lower = whole.toLowerCase();
    for (const word of lower.match(PLAIN.test(lower) ? PLAIN_WORD : WORD) ?? []) {
      words.add(word);
      if (word.includes('-')) for (const part of word.split('-')) words.add(part);
    }
    continues = line.endsWith('-') && BROKEN_END.test(line);
  }
  return words;
}

/**
 * Lines to one text. A word broken at a line end is joined, with its hyphen if the document writes it so elsewhere or both parts
 * are words of it; lines that begin anew stay lines; everything else is joined by a space (none between Chinese or Japanese).
 */
export function joinLines(lines: { text: string; isBroken: boolean }[], isWord: WordTest): string {
  const parts: string[] = [];
  let last = '';
  for (const [at, { text, isBroken }] of lines.entries()) {
    if (at > 0) {
      if (JOINT.test(last.slice(-1))) parts.push('');
      else if (last.endsWith('-') && /\p{L}-$/u.test(last) && /^\p{Ll}/u.test(text)) {
        parts.push('');
        parts[parts.length - 2] = `${last.slice(0, -1)}\u{fffe}`;
      } else if (isBroken) parts.push('\n');
      else parts.push(CJK_END.test(last.slice(-2)) && CJK_START.test(text) ? '' : ' ');
    }
    parts.push(text);
    last = text;
  }
  const joined = parts.join('');
  if (!JOINT.test(joined)) return joined;
  return joined.replace(JOINTS, (_, left: string, right: string) => joinWord(left, right, isWord));
}

function joinWord(left: string, right: string, isWord: WordTest): string {
  const [a, b] = [left.toLowerCase(), right.toLowerCase()];
  if (isWord(a + b)) return left + right;
  const isCompound =
    isWord(`${a}-${b}`) ||
    /\d$/.test(left) ||
    /^[\d\p{Lu}]/u.test(right) ||
    (a.length > 2 && b.length > 2 && isWord(a) && isWord(b));
  return isCompound ? `${left}-${right}` : left + right;
}

const CJK_END = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。]$/u;
const CJK_START = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。]/u;
