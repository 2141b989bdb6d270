import { cutBefore } from './cut.ts';

/** What stands before a passage where it is embedded and searched: the document's title and the headings above it, each once. */
export function prefixParts(title: string, headingPath: string[]): string[] {
  const all = [title, ...headingPath].map((part) => part.replace(/\s+/g, ' ').trim());
  return all.filter((part, at) => part !== '' && part !== all[at - 1]);
}

export const PREFIX_SEPARATOR = ' › ';

/** The forms that a prefix may take, the longest first and none at all last: parts are clipped ever shorter, and headings in the middle left out. */
export function* prefixForms(title: string, headingPath: string[]): Generator<string> {
  const parts = prefixParts(title, headingPath);
  for (let length = 320; length >= 10; length = Math.floor(length / 2)) {
    const kept = length < 160 && parts.length > 2 ? [parts[0]!, parts.at(-1)!] : parts;
    yield kept.map((part) => clip(part, length)).join(PREFIX_SEPARATOR);
  }
  yield '';
}

const clip = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, cutBefore(text, 0, length))}…`;

/** What is embedded of a passage. */
export const embedTextOf = (prefix: string, text: string): string => (prefix === '' ? text : `${prefix}\n\n${text}`);
