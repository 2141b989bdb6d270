import { normalizePdf } from '../../server/pipeline/normalize/pdf.ts';
import type { BenchFile } from '../files.ts';
import { contend, work } from './contender.ts';

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
