import { createReadStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { FORMATS, ContentError } from '../../server/pipeline/normalized.ts';
import type { Pipeline, PreparedDocument } from '../../server/pipeline/pipeline.ts';
import { createPipeline } from '../../server/pipeline/pipeline.ts';
import { notRun, referencePath } from '../helpers/requirements.ts';

type Outcome = 'text' | 'no-text' | 'encrypted' | 'corrupt' | 'unsupported' | 'too-large' | 'timeout' | 'parser-crash';
type Entry = {
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

const folder = referencePath('corpus', 'open');

/** The manifest's rule "words", and "nospace" where an entry asks for it. */
function comparable(text: string, match: Entry['match']): string {
  const plain = text
    .normalize('NFKC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g, '')
    .replace(/[\\*_~`|#]/g, '');
  return plain.replace(/\s+/g, match === 'nospace' ? '' : ' ');
}

/** What is wrong with the outcome of one file; nothing for a match. */
function mismatches(entry: Entry, outcome: Outcome, document: PreparedDocument | undefined): string[] {
  const isKnown =
    (FORMATS as readonly string[]).includes(entry.format) ||
    ['confluence-html', 'confluence-storage'].includes(entry.format);
  const accepted = [entry.expect, ...(entry.alsoAcceptable ?? []), ...(isKnown ? [] : ['unsupported' as const])];
  if (!accepted.includes(outcome)) return [`expected ${accepted.join(' or ')}, was ${outcome}`];
  if (!document) return [];
  const words = comparable(document.text, entry.match);
  const chunked = comparable(document.chunks.map(({ embedText }) => embedText).join('\n'), entry.match);
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

if (!folder) notRun('the pipeline on real documents', 'the reference documents are not beside the project');
else
  describe('The pipeline on real documents', function () {
    this.timeout(60_000);
    const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { files: Entry[] };
    const counts = new Map<string, number>();
    let pipeline: Pipeline;
    let matched = 0;
    before(() => {
      pipeline = createPipeline({ maxFileBytes: 268_435_456, workers: 2, timeoutMs: 45_000 });
    });
    after(async () => {
      await pipeline.close();
      const outcomes = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
      console.log(`    Real documents: ${matched} of ${manifest.files.length} as expected (${outcomes}).`);
    });

    for (const entry of manifest.files)
      it(`reads ${entry.file} as the manifest says: ${entry.expect}`, async () => {
        const incoming = {
          stream: createReadStream(path.join(folder, entry.file)),
          name: entry.file,
          mediaType: 'application/octet-stream',
          sizeBytes: entry.bytes,
          hash: { algorithm: 'sha256' as const, hex: entry.sha256 },
        };
        let outcome: Outcome = 'text';
        let document: PreparedDocument | undefined;
        try {
          document = await pipeline.prepare(incoming, { title: entry.file, signal: new AbortController().signal });
        } catch (error) {
          if (!(error instanceof ContentError)) throw error;
          expect(error.message, 'one sentence for the ledger').to.match(/^[A-Z].*[^.]\.$/s);
          outcome = error.code.replace('_', '-') as Outcome;
        }
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        expect(mismatches(entry, outcome, document)).to.deep.equal([]);
        matched++;
      });
  });
