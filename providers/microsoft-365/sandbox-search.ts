import { badRequest } from './sandbox-refusal.ts';

/** A word with a star, or a text in quotation marks: the part of the query language that is needed to look for words. */
const TERM = /"([^"]*)"|([\p{L}\p{N}]+)\*?/uy;

/**
 * Reads words of the Keyword Query Language, all of which must be there. Source:
 * https://learn.microsoft.com/en-us/sharepoint/dev/general-development/keyword-query-language-kql-syntax-reference (2026).
 * Errors: Refusal for anything else of that language.
 */
export function matcherOf(queryString: string): (text: string) => boolean {
  const tests: ((text: string, words: string[]) => boolean)[] = [];
  const query = queryString.trim();
  for (let at = 0; at < query.length; at = TERM.lastIndex) {
    TERM.lastIndex = at + (/^\s*/.exec(query.slice(at))?.[0].length ?? 0);
    const term = TERM.exec(query);
    if (!term) throw badRequest('The query is malformed.');
    const [whole, phrase] = term;
    const word = (term[2] ?? '').toLowerCase();
    if (phrase !== undefined) tests.push((text) => text.includes(phrase.toLowerCase()));
    else if (whole.endsWith('*')) tests.push((_text, words) => words.some((other) => other.startsWith(word)));
    else tests.push((_text, words) => words.includes(word));
  }
  return (original) => {
    const text = original.toLowerCase();
    const words = text.split(/[^\p{L}\p{N}]+/u);
    return tests.every((test) => test(text, words));
  };
}
