import { countTerms } from '../index/terms.ts';
import type { SearchResult } from '../services/search-service.ts';

/** Passages that are looked through for the ones that are shown to a model. */
export const CANDIDATES = 24;
/** Tokens of all passages of one question: small enough for models with a window of 4,096. */
export const CONTEXT_TOKENS = 3_000;
/** Tokens around each: its two lines with the code. */
const FRAME_TOKENS = 60;
/** Share of a passage's terms that an earlier one has as well, from which on it says the same. */
const SAME = 0.85;

/** At most `limit` passages, best first, none of which repeats another, that fit into the budget together. */
export function choosePassages(results: SearchResult[], limit: number): SearchResult[] {
  const chosen: { passage: SearchResult; terms: Set<string> }[] = [];
  let left = CONTEXT_TOKENS;
  for (const passage of results) {
    if (chosen.length === limit) break;
    const cost = passage.tokenCount + FRAME_TOKENS;
    if (cost > left) continue;
    const terms = new Set(countTerms(passage.text).keys());
    if (chosen.some((other) => shareOf(terms, other.terms) >= SAME)) continue;
    chosen.push({ passage, terms });
    left -= cost;
  }
  return chosen.map(({ passage }) => passage);
}

function shareOf(terms: Set<string>, others: Set<string>): number {
  const shared = [...terms].filter((term) => others.has(term)).length;
  return terms.size === 0 ? 1 : shared / terms.size;
}
