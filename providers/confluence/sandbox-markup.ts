const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** The words of a page in storage format, as Confluence finds them: with those of macros, without names and parameters. */
export const markupText = (storage: string): string =>
  storage
    .replace(/<ac:parameter\b[^>]*>[^<]*<\/ac:parameter>/g, ' ')
    .replace(/<!\[CDATA\[([^]*?)\]\]>/g, (_, text: string) => text.replace(/[<&]/g, ' '))
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(#?\w+);/g, (_, name: string) =>
      name.startsWith('#') ? String.fromCodePoint(Number(name.slice(1)) || 32) : (ENTITIES[name] ?? ' '),
    )
    .replace(/\s+/g, ' ')
    .trim();
