import { createReadStream } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { ContentError } from '../../server/pipeline/normalized.ts';
import { createPipeline, type Pipeline, type PreparedDocument } from '../../server/pipeline/pipeline.ts';
import { mismatches, realDocuments, type Outcome } from '../helpers/real-documents.ts';
import { notRun } from '../helpers/requirements.ts';

/** File by file; that an import gives the same is looked at in every run. PROOFS=all asks for this too. */
const real = realDocuments();
if (!real) notRun('the pipeline on real documents', 'the reference documents are not beside the project');
else if (process.env.PROOFS === 'all')
  describe('The pipeline on real documents', function () {
    this.timeout(120_000);
    const { folder, files } = real;
    const counts = new Map<string, number>();
    let pipeline: Pipeline;
    let matched = 0;
    before(() => {
      pipeline = createPipeline({ maxFileBytes: 268_435_456, workers: 2, timeoutMs: 45_000 });
    });
    after(async () => {
      await pipeline.close();
      const outcomes = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
      console.log(`    Real documents: ${matched} of ${files.length} as expected (${outcomes}).`);
    });

    for (const entry of files)
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
        const chunks = document?.chunks.map(({ embedText: text, tokenCount }) => ({ text, tokenCount })) ?? [];
        expect(mismatches(entry, outcome, document && { text: document.text, chunks })).to.deep.equal([]);
        matched++;
      });
  });
