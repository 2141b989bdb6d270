/** PDFium's signs for a hyphen at a line end, and the soft hyphen itself: as characters of the text they join two lines. */
const JOINT_SIGNS = '\u0002\u00ad\ufffe';
const JOINT = new RegExp(`[${JOINT_SIGNS}]`, 'u');
const JOINTS = new RegExp(`([\\p{L}\\p{M}\\p{N}]*)[${JOINT_SIGNS}]\\s*([\\p{L}\\p{M}\\p{N}]*)`, 'gu');

const BROKEN_END = /[\p{L}\p{M}]+-$/u;
const WORD = /[\p{L}\p{M}\p{N}]+(-[\p{L}\p{M}\p{N}]+)*/gu;

/** The words of a document in lower case, hyphenated ones also whole: what tells "cutting-edge" from "effi-cient". */
export function knownWords(lines: string[]): Set<string> {
  const words = new Set<string>();
  let continues = false;
  for (const line of lines) {
    // Halves of words that were broken at a line end are no words.
    const whole = line.replace(JOINTS, ' ').replace(BROKEN_END, '');
    for (const [word] of (continues ? whole.replace(/^\p{Ll}+/u, '') : whole).toLowerCase().matchAll(WORD)) {
      words.add(word);
      if (word.includes('-')) for (const part of word.split('-')) words.add(part);
    }
    continues = BROKEN_END.test(line);
  }
  return words;
}

/**
 * Lines to one text. A word broken at a line end is joined, with its hyphen if the document writes it so elsewhere or both parts
 * are words of it; lines that begin anew stay lines; everything else is joined by a space (none between Chinese or Japanese).
 */
export function joinLines(lines: { text: string; isBroken: boolean }[], words: Set<string>): string {
  const parts: string[] = [];
  let last = '';
  for (const [at, { text, isBroken }] of lines.entries()) {
    if (at > 0) {
      if (JOINT.test(last.slice(-1))) parts.push('');
      else if (/\p{L}-$/u.test(last) && /^\p{Ll}/u.test(text)) {
        parts.push('');
        parts[parts.length - 2] = `${last.slice(0, -1)}\u{fffe}`;
      } else if (isBroken) parts.push('\n');
      else parts.push(CJK_END.test(last) && CJK_START.test(text) ? '' : ' ');
    }
    parts.push(text);
    last = text;
  }
  const joined = parts.join('');
  if (!JOINT.test(joined)) return joined;
  return joined.replace(JOINTS, (_, left: string, right: string) => joinWord(left, right, words));
}

function joinWord(left: string, right: string, words: Set<string>): string {
  const [a, b] = [left.toLowerCase(), right.toLowerCase()];
  if (words.has(a + b)) return left + right;
  const isCompound =
    words.has(`${a}-${b}`) ||
    /\d$/.test(left) ||
    /^[\d\p{Lu}]/u.test(right) ||
    (a.length > 2 && b.length > 2 && words.has(a) && words.has(b));
  return isCompound ? `${left}-${right}` : left + right;
}

const CJK_END = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。]$/u;
const CJK_START = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。]/u;
