import { countTerms } from '../index/terms.ts';
import type { SearchResult } from '../services/search-service.ts';
import { toPlainText } from './plain-text.ts';
import { NO_ANSWER } from './prompt.ts';
import { bestQuote, sentenceSpans, tellingTerms } from './sentences.ts';

/** A passage that bears out a sentence of the answer. */
export type Citation = {
  /** As the answer names it, from 1. */
  number: number;
  passage: SearchResult;
  /** One or two sentences of the passage, letter by letter. */
  quote: string;
  /** 0 to 1: how many of the telling words of the sentences that cite it stand in the quote, or in its title and headings. */
  confidence: number;
};

/** A sentence of the answer, as plain text. */
export type Statement = {
  text: string;
  /** Numbers of citations, without repetition. */
  cites: number[];
  /** 0 to 1: the best of its citations; 0 without one. */
  support: number;
  /** What stands before it: it goes on, or begins a line or a paragraph. */
  begins: 'on' | 'line' | 'paragraph';
  /** "-" or "3." of a line of a list. */
  bullet?: string;
};

export type CheckedAnswer = {
  statements: Statement[];
  citations: Citation[];
  /** The model says that the passages hold no answer. */
  declined: boolean;
};

export type AnswerCheck = {
  /** Takes the next piece of the model's text; gives what is checked meanwhile, as it is to be appended. */
  push(piece: string): string;
  /** Takes the end; gives the rest. `whole` false: the last sentence may be a part of one, and is left out. */
  end(options?: { whole?: boolean }): string;
  result(): CheckedAnswer;
};

/** [1], [1, 2], [1-3], [Passage 2], 【4†source】 and the like. */
const MARKER =
  /\s*[[【]\s*\^?(?:passages?|sources?|documents?|no\.?)?\s*#?(\d{1,6}(?:\s*(?:,|;|-|–|and|&)\s*\^?#?\d{1,6})*)\s*(?:†[^\]】]*)?[\]】]/giu;
const BULLET = /^\s*(?:([-*•‣])|(\d{1,3})[.)])\s+(?=\S)/u;
const LINE_MARKS = /^\s*(?:#{1,6}\s+|>\s*)+/;
const FENCE = /^\s*(?:`{3,}|~{3,}|(?:[-*_]\s*){3,}$|\|?[\s:|-]*-{3,}[\s:|-]*\|?$)/;
const LONGEST_RANGE = 20;
/** Characters after which a sentence without an end is taken as one. */
const LONGEST_SENTENCE = 2_000;
const isDeclined = (text: string): boolean =>
  text
    .replace(/^[\s"'*`_]+/, '')
    .toUpperCase()
    .startsWith(NO_ANSWER);

/**
 * Reads a model's answer as it comes, sentence by sentence: numbers that were not given are taken out, so are those of passages that
 * share no telling word with the sentence, and the rest is counted anew from 1, one number for each quote. Nothing is given out before the first sentence
 * that a passage bears out, so that an answer without any never appears.
 */
export function createAnswerCheck(question: string, passages: SearchResult[]): AnswerCheck {
  const asked = tellingTerms(question);
  const names = passages.map(({ title, headingPath }) => tellingTerms([title, ...headingPath].join('\n')));
  const termsOfText = passages.map(({ text }) => allTerms(text));
  const statements: Statement[] = [];
  const citations: Citation[] = [];
  let buffer = '';
  let declined = false;
  let begins: Statement['begins'] = 'paragraph';
  let bullet: string | undefined;
  let lineBegun = false;
  let given = 0;

  /** Which of the numbers bear the sentence out, as numbers of citations, and how well. */
  function cite(text: string, numbers: number[]): Pick<Statement, 'cites' | 'support'> {
    const own = tellingTerms(text);
    // "Yes." says what was asked.
    const terms = own.size > 0 ? own : asked;
    const cites = new Set<number>();
    let support = 0;
    for (const number of numbers) {
      const passage = passages[number - 1];
      if (!passage) continue;
      const shared = [...terms].filter((term) => termsOfText[number - 1]?.has(term) || names[number - 1]?.has(term));
      if (shared.length === 0) continue;
      const { quote } = bestQuote(passage.text, terms);
      const inQuote = allTerms(quote);
      const borne = [...terms].filter((term) => inQuote.has(term) || names[number - 1]?.has(term)).length / terms.size;
      let citation = citations.find((one) => one.passage === passage && one.quote.includes(quote));
      if (!citation) {
        citation = { number: citations.length + 1, passage, quote, confidence: borne };
        citations.push(citation);
      }
      citation.confidence = Math.max(citation.confidence, borne);
      support = Math.max(support, borne);
      cites.add(citation.number);
    }
    return { cites: [...cites], support };
  }

  function take(raw: string): void {
    const numbers: number[] = [];
    const bare = raw.replace(MARKER, (_, list: string) => {
      numbers.push(...numbersOf(list));
      return '';
    });
    const text = toPlainText(bare.replaceAll(NO_ANSWER, '').replace(/ (?=[.,;:!?](?:\s|$))/g, ''));
    if (!/[\p{L}\p{N}]/u.test(text)) {
      // Markers that stand alone belong to the sentence before.
      const last = statements.at(-1);
      if (!last || numbers.length === 0) return;
      const { cites, support } = cite(last.text, numbers);
      last.cites = [...new Set([...last.cites, ...cites])];
      last.support = Math.max(last.support, support);
      return;
    }
    statements.push({ text, ...cite(text, numbers), begins, ...(bullet === undefined ? {} : { bullet }) });
    begins = 'on';
    bullet = undefined;
  }

  /** Takes the sentences of a line that are whole; gives what is left of it. */
  function takeLine(line: string, isWhole: boolean): string {
    let rest = line;
    if (!lineBegun) {
      if (isWhole && line.trim() === '') {
        begins = 'paragraph';
        return '';
      }
      if (isWhole && FENCE.test(line)) return '';
      rest = rest.replace(LINE_MARKS, '');
      const mark = BULLET.exec(rest);
      bullet = mark ? (mark[1] ? '-' : `${mark[2]}.`) : undefined;
      if (mark) rest = rest.slice(mark[0].length);
    }
    const sentences = withMarkersBehind(rest);
    // The last may go on, and a marker that has just begun belongs to the one before.
    const open = isWhole ? 0 : /^[[【][^\]】]*$/u.test(sentences.at(-1) ?? '') ? 2 : 1;
    const whole = sentences.slice(0, Math.max(0, sentences.length - open));
    // What a line begins with may still turn out to be a list's mark.
    if (whole.length === 0 && !isWhole) return line;
    for (const sentence of whole) take(sentence);
    lineBegun = !isWhole;
    if (isWhole && begins === 'on') begins = 'line';
    return sentences.slice(whole.length).join('');
  }

  /** Takes what is whole in the buffer. */
  function drain(isEnd: boolean): void {
    for (let at = buffer.indexOf('\n'); at >= 0; at = buffer.indexOf('\n')) {
      const line = buffer.slice(0, at);
      buffer = buffer.slice(at + 1);
      takeLine(line, true);
      lineBegun = false;
    }
    buffer = takeLine(buffer, isEnd);
  }

  /** What was checked and not yet given out. */
  function news(): string {
    if (citations.length === 0) return '';
    let text = '';
    // A marker may still follow the last one.
    for (; given < statements.length; given += 1) text += written(statements[given]!, given === 0);
    return text;
  }

  return {
    push(piece) {
      if (declined) return '';
      buffer += piece;
      // Until it is known whether the answer begins so.
      if (statements.length === 0 && buffer.trim().length < NO_ANSWER.length + 4) return '';
      if (statements.length === 0 && isDeclined(buffer)) {
        declined = true;
        return '';
      }
      drain(buffer.length > LONGEST_SENTENCE && !buffer.includes('\n'));
      return news();
    },
    end({ whole = true } = {}) {
      if (statements.length === 0 && isDeclined(buffer)) declined = true;
      if (!declined) drain(whole);
      buffer = '';
      return declined ? '' : news();
    },
    result: () => ({ statements, citations, declined }),
  };
}

/** A sentence as it stands in the answer's text. */
export function written({ text, cites, begins, bullet }: Statement, isFirst: boolean): string {
  const before = isFirst ? '' : { on: ' ', line: '\n', paragraph: '\n\n' }[begins];
  const markers = cites.map((number) => `[${number}]`).join('');
  return `${before}${bullet === undefined ? '' : `${bullet} `}${text}${markers === '' ? '' : ` ${markers}`}`;
}

/** Sentences, each with the markers that stand behind its end. */
function withMarkersBehind(line: string): string[] {
  const sentences: string[] = [];
  for (const { start, end } of sentenceSpans(line)) {
    let sentence = line.slice(start, end);
    const leading = new RegExp(`^(?:${MARKER.source})+\\s*`, 'iu').exec(sentence)?.[0];
    if (leading && sentences.length > 0) {
      sentences.push(`${sentences.pop()}${leading}`);
      sentence = sentence.slice(leading.length);
    }
    if (sentence !== '') sentences.push(sentence);
  }
  return sentences;
}

function numbersOf(list: string): number[] {
  return list.split(/[,;&]|and/i).flatMap((part) => {
    const [from = 0, to = from] = (part.match(/\d+/g) ?? []).map(Number);
    return to >= from && to - from <= LONGEST_RANGE
      ? Array.from({ length: to - from + 1 }, (_, at) => from + at)
      : [from];
  });
}

const allTerms = (text: string): Set<string> => new Set(countTerms(text).keys());
