import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FORMATS } from '../../server/pipeline/normalized.ts';
import { referencePath } from './requirements.ts';

export type Outcome =
  | 'text'
  | 'no-text'
  | 'encrypted'
  | 'corrupt'
  | 'unsupported'
  | 'too-large'
  | 'timeout'
  | 'parser-crash'
  | 'incomplete';

/** What a real document is, and what must come out of it. */
export type RealDocument = {
  file: string;
  format: string;
  bytes: number;
  sha256: string;
  expect: Outcome;
  alsoAcceptable?: Outcome[];
  match: 'words' | 'nospace';
  mustContain: string[];
  mustNotContain: string[];
};

/** Real documents that may lie beside the project, with their manifest; undefined in most clones. */
export function realDocuments(): { folder: string; files: RealDocument[] } | undefined {
  const folder = referencePath('corpus', 'open');
  if (!folder) return undefined;
  const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { files: RealDocument[] };
  return { folder, files: manifest.files };
}

/** The manifest's rule "words", and "nospace" where an entry asks for it. */
function comparable(text: string, match: RealDocument['match']): string {
  const plain = text
    .normalize('NFKC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g, '')
    .replace(/[\\*_~`|#]/g, '');
  return plain.replace(/\s+/g, match === 'nospace' ? '' : ' ');
}

/** What is wrong with the outcome of one file; nothing for a match. */
export function mismatches(
  entry: RealDocument,
  outcome: Outcome,
  document: { text: string; chunks: { text: string; tokenCount: number }[] } | undefined,
): string[] {
  const isKnown =
    (FORMATS as readonly string[]).includes(entry.format) ||
    ['confluence-html', 'confluence-storage'].includes(entry.format);
  const accepted = [entry.expect, ...(entry.alsoAcceptable ?? []), ...(isKnown ? [] : ['unsupported' as const])];
  if (!accepted.includes(outcome)) return [`expected ${accepted.join(' or ')}, was ${outcome}`];
  if (!document) return [];
  const words = comparable(document.text, entry.match);
  const chunked = comparable(document.chunks.map(({ text }) => text).join('\n'), entry.match);
  const collapsed = document.text.normalize('NFKC').replace(/\s+/g, ' ');
  return [
    ...entry.mustContain
      .filter((wanted) => !words.includes(comparable(wanted, entry.match)))
      .map((wanted) => `the text lacks "${wanted}"`),
    ...entry.mustContain
      // A passage may be cut between two chunks, its beginning may not be lost.
      .filter((wanted) => !chunked.includes(comparable(wanted.split(' ').slice(0, 2).join(' '), entry.match)))
      .map((wanted) => `no chunk has the beginning of "${wanted}"`),
    ...entry.mustNotContain.filter((noise) => collapsed.includes(noise)).map((noise) => `the text has "${noise}"`),
    ...(document.chunks.some(({ tokenCount }) => tokenCount > 400) ? ['a chunk has over 400 tokens'] : []),
  ];
}
