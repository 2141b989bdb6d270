import type * as Pdf from '../../server/pipeline/normalize/pdf.ts';
import { built } from '../built.ts';
import type { BenchFile } from '../files.ts';
import { contend, work } from './contender.ts';

const { normalizePdf } = (await import(built('pipeline/normalize/pdf'))) as typeof Pdf;

await contend(work<BenchFile>(), async (files) => {
  const outcome = { documents: 0, chunks: 0, failed: 0 };
  for (const { file, sizeBytes } of files)
    try {
      outcome.chunks += (await normalizePdf({ path: file, sizeBytes })).blocks.length;
      outcome.documents += 1;
    } catch {
      outcome.failed += 1;
    }
  return outcome;
});
