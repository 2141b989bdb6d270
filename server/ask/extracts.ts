import { countTerms } from '../index/terms.ts';
import type { SearchResult } from '../services/search-service.ts';
import type { Citation, Statement } from './answer-check.ts';
import { toPlainText, addressesIn } from './plain-text.ts';
import { bestQuote, tellingTerms } from './sentences.ts';

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
    const inNames = new Set(countTerms([passage.title, ...passage.headingPath].join('\n')).keys());
    const inQuote = new Set(countTerms(quote).keys());
    const held = [...terms].filter((term) => inQuote.has(term) || inNames.has(term)).length;
    return { passage, quote, matched, confidence: held / Math.max(1, terms.size) };
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
  const statements = citations.map<Statement>(({ number, passage, quote, confidence }) => ({
    text: toPlainText(quote, addressesIn([passage.text])),
    cites: [number],
    support: confidence,
    begins: 'paragraph',
  }));
  return { statements, citations, confidence: Math.max(0, ...passages.map((passage) => passage.confidence)) };
}
