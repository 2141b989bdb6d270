import type { SearchResult } from '../services/search-service.ts';
import type { Citation, Statement } from './answer-check.ts';
import { toPlainText } from './plain-text.ts';
import { bestQuote, shareHeld, tellingTerms } from './sentences.ts';

const MOST = 4;
/** Below this share of the best one's match a sentence has little to do with the question. */
const LEAST_SHARE = 0.5;

/** The sentences of the passages that have most to do with the question, as an answer without a model: at most four, in the order of the passages. */
export function extractsOf(
  question: string,
  passages: SearchResult[],
): { statements: Statement[]; citations: Citation[]; confidence: number } {
  const terms = tellingTerms(question);
  const found = passages.map((passage) => {
    const { quote, matched } = bestQuote(passage.text, terms);
    const confidence = shareHeld(terms, [quote, passage.title, ...passage.headingPath]);
    return { passage, quote, matched, confidence };
  });
  const most = Math.max(...found.map(({ matched }) => matched));
  const chosen = found
    .filter(({ matched }, at) => at === 0 || matched >= Math.max(1, most * LEAST_SHARE))
    .slice(0, MOST);
  const citations = chosen.map(({ passage, quote, confidence }, at) => ({
    number: at + 1,
    passage,
    quote,
    confidence,
  }));
  const statements = citations.map<Statement>(({ number, quote, confidence }) => ({
    text: toPlainText(quote),
    cites: [number],
    support: confidence,
    begins: 'paragraph',
  }));
  return { statements, citations, confidence: Math.max(0, ...citations.map(({ confidence }) => confidence)) };
}
