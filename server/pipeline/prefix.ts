/** What stands before a passage where it is embedded and searched: the document's title and the headings above it, each once. */
export function prefixParts(title: string, headingPath: string[]): string[] {
  const all = [title, ...headingPath].map((part) => part.replace(/\s+/g, ' ').trim());
  return all.filter((part, at) => part !== '' && part !== all[at - 1]);
}

export const PREFIX_SEPARATOR = ' › ';
