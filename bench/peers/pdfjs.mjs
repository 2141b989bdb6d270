// pdfjs-dist: the text items of every page, joined as they come.
import { readFile } from 'node:fs/promises';
import { getDocument, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { contend, work } from '../contenders/contender.ts';

await contend(work(), async (files) => {
  const outcome = { documents: 0, chunks: 0, failed: 0 };
  for (const { file } of files)
    try {
      const data = new Uint8Array(await readFile(file));
      const pdf = await getDocument({ data, verbosity: VerbosityLevel.ERRORS }).promise;
      for (let page = 1; page <= pdf.numPages; page += 1) {
        const { items } = await (await pdf.getPage(page)).getTextContent();
        if (items.map((item) => item.str).join(' ') !== '') outcome.chunks += 1;
      }
      await pdf.destroy();
      outcome.documents += 1;
    } catch {
      outcome.failed += 1;
    }
  return outcome;
});
