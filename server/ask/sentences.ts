import { COMMON } from '../highlight.ts';
import { countTerms, queryTerms } from '../index/terms.ts';

/** A stretch of a text; `end` is behind it. */
export type Span = { start: number; end: number };

/** A short word and a point before a number or a small letter, and titles: "1 Nov. 2025", "approx. ten", "Dr. Ada". */
const ABBREVIATED = /(?:^|[\s(])\p{L}{1,6}\.\s+$/u;
const TITLE = /(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|vs)\.\s+$/u;

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Where the sentences of a text stand, one after the other, with the white space behind each. A line's end ends a sentence too. */
export function sentenceSpans(text: string): Span[] {
  const spans: Span[] = [];
  let open: number | undefined;
  for (const { index, segment } of segmenter.segment(text)) {
    const end = index + segment.length;
    open ??= index;
    // Marks inside of an address or a number end no sentence; in scripts without spaces nothing follows the mark.
    if (!/[\s。！？｡]$/u.test(segment) && end < text.length) continue;
    if (TITLE.test(segment) || (ABBREVIATED.test(segment) && /^[\p{Ll}\p{N}]/u.test(text.slice(end, end + 2))))
      continue;
    spans.push({ start: open, end });
    open = undefined;
  }
  if (open !== undefined) spans.push({ start: open, end: text.length });
  return spans;
}

const COMMON_TERMS = new Set([...COMMON].flatMap((word) => [word, ...queryTerms(word)]));

/** The terms of a text that tell what it is about, as the index has them: without case, accents and endings. */
export function tellingTerms(text: string): Set<string> {
  return new Set(queryTerms(text).filter((term) => !COMMON_TERMS.has(term)));
}

/** 0 to 1: how many of the terms stand in one of the texts. Without terms there is nothing to miss. */
export function shareHeld(terms: Set<string>, texts: string[]): number {
  const held = new Set(countTerms(texts.join('\n')).keys());
  return terms.size === 0 ? 1 : [...terms].filter((term) => held.has(term)).length / terms.size;
}

const MOST_OF_QUOTE = 480;

export type Quote = { quote: string; matched: number };

/**
 * The one or two sentences of a text, letter by letter as they stand there, that hold most of the terms; of equal ones the first. A
 * long one, such as a table's row, is cut at spaces around the first term in it.
 */
export function bestQuote(text: string, terms: Set<string>): Quote {
  const spans = sentenceSpans(text).filter(({ start, end }) => text.slice(start, end).trim() !== '');
  const termsOf = (span: Span) => [...tellingTerms(text.slice(span.start, span.end))].filter((term) => terms.has(term));
  const held = spans.map(termsOf);
  let best: Span & { matched: number; score: number } = { start: 0, end: text.length, matched: 0, score: -1 };
  spans.forEach((span, at) => {
    const next = spans[at + 1];
    const matched = held[at]?.length ?? 0;
    if (matched > best.score) best = { ...span, matched, score: matched };
    if (!next) return;
    // Two sentences must say more than one, so a second costs one term.
    const both = new Set([...(held[at] ?? []), ...(held[at + 1] ?? [])]).size;
    if (both - 1 > best.score && next.end - span.start <= MOST_OF_QUOTE)
      best = { start: span.start, end: next.end, matched: both, score: both - 1 };
  });
  return { quote: cut(text.slice(best.start, best.end).trim(), terms), matched: best.matched };
}

function cut(sentence: string, terms: Set<string>): string {
  if (sentence.length <= MOST_OF_QUOTE) return sentence;
  const words = [...sentence.matchAll(/\S+/g)];
  const hit = words.find(({ 0: word }) => [...tellingTerms(word)].some((term) => terms.has(term)))?.index ?? 0;
  let start = Math.max(0, Math.min(hit - 80, sentence.length - MOST_OF_QUOTE));
  if (start > 0) start = words.find(({ index }) => index >= start)?.index ?? start;
  const end = start + MOST_OF_QUOTE;
  const space = sentence.lastIndexOf(' ', end);
  return sentence.slice(start, end >= sentence.length ? undefined : space > start ? space : end).trim();
}
