/** Running text in pieces; `hit` marks the ones to be shown highlighted. Views escape each piece on its own. */
export type TextPart = { text: string; hit: boolean };

const WORD = /[\p{L}\p{N}]+/gu;
/** Words that tell nothing of what a text is about, in lower case. */
export const COMMON = new Set(
  (
    'a about an and any are as at be because been but by can could did do does for from had has have how i if in into is it its ' +
    'may me must my no not of on or our shall should so that the their them then there these they this to us was we were what ' +
    'when where which while who why will with would you your ' +
    'aber als am an auf aus bei das dem den der des die durch ein eine einen einer es für hat im in ist mit nach nicht oder sich ' +
    'sie sind um und von vor wann warum was wenn wer wie wird wo zu zum zur'
  ).split(' '),
);

/** The beginning that forms of one word share, as far as cutting common endings finds it. */
function stem(word: string): string {
  const cut = word.replace(/(?:ings?|ies|ied|ers?|en|es|ed|ly|e?s|e|y)$/u, '');
  return cut.length >= 3 ? cut : word;
}

/** Words of a query worth marking, as stems; common words only where there are no others. */
export function queryStems(query: string): string[] {
  const words = (query.toLowerCase().match(WORD) ?? []).filter((word) => word.length > 1 || /\p{N}/u.test(word));
  const telling = words.filter((word) => !COMMON.has(word));
  return [...new Set((telling.length > 0 ? telling : words).map(stem))];
}

const isHit = (word: string, stems: string[]): boolean => {
  const lower = word.toLowerCase();
  const own = stem(lower);
  return stems.some((s) => own === s || (s.length >= 5 && lower.startsWith(s)));
};

/** Splits a text into marked and unmarked pieces; joined they give the text again. */
export function highlight(text: string, stems: string[]): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(WORD)) {
    if (!isHit(match[0], stems)) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), hit: false });
    end = match.index + match[0].length;
    parts.push({ text: match[0], hit: true });
  }
  if (end < text.length) parts.push({ text: text.slice(end), hit: false });
  return parts;
}

/**
 * The stretch of a passage that shows most of the query's words, cut at word borders, with "…" where something is left out.
 * Shape: at most about `length` characters.
 */
export function excerpt(text: string, stems: string[], length = 420): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  if (plain.length <= length) return plain;
  const hits = [...plain.matchAll(WORD)].filter((match) => isHit(match[0], stems)).map((match) => match.index);
  let start = 0;
  let most = 0;
  for (const hit of hits) {
    const count = hits.filter((other) => other >= hit && other < hit + length - 80).length;
    if (count > most) {
      most = count;
      start = Math.max(0, hit - 60);
    }
  }
  // What would leave only a scrap out at the beginning starts there instead.
  if (start < 80) start = 0;
  start = Math.min(start, Math.max(0, plain.length - length));
  if (start > 0) start = plain.indexOf(' ', start) + 1 || start;
  let end = Math.min(plain.length, start + length);
  if (end < plain.length) end = Math.max(plain.lastIndexOf(' ', end), start + length / 2);
  return `${start > 0 ? '… ' : ''}${plain.slice(start, end)}${end < plain.length ? ' …' : ''}`;
}
