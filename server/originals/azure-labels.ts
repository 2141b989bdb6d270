import type { OriginalLabels } from './originals.ts';

/**
 * Characters of each value, so that all of them stay far below the 8 KB that a blob's metadata may have.
 * Source: https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources
 */
const MOST = { title: 2000, pageid: 1500, url: 3000 };

/**
 * Metadata of a blob: `title`, `source`, `pageid` and `url`. Values are percent-encoded UTF-8, because they travel as headers. A long title
 * is cut; an id or address that is too long is left out, since half of one leads nowhere.
 */
export function toMetadata({ title, source, pageId, url }: OriginalLabels): Record<string, string> {
  const id = encode(pageId);
  const address = encode(url ?? '');
  return {
    title: encodeUpTo(title, MOST.title),
    source,
    ...(id !== '' && id.length <= MOST.pageid ? { pageid: id } : {}),
    ...(address !== '' && address.length <= MOST.url ? { url: address } : {}),
  };
}

/** Half a surrogate pair cannot be encoded. */
const encode = (text: string): string => encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\uFFFD'));

function encodeUpTo(text: string, most: number): string {
  let encoded = '';
  for (const character of text) {
    const next = encode(character);
    if (encoded.length + next.length > most) break;
    encoded += next;
  }
  return encoded;
}
