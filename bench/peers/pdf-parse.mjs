// pdf-parse 2 as its guide uses it.
import { readFile } from 'node:fs/promises';
import { PDFParse } from 'pdf-parse';
import { contend, work } from '../contenders/contender.ts';

await contend(work(), async (files) => {
  const outcome = { documents: 0, chunks: 0, failed: 0 };
  for (const { file } of files) {
    const parser = new PDFParse({ data: await readFile(file) });
    try {
      outcome.chunks += (await parser.getText()).pages.length;
      outcome.documents += 1;
    } catch {
      outcome.failed += 1;
    }
    await parser.destroy();
  }
  return outcome;
});
