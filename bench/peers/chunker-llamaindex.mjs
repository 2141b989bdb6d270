// LlamaIndexTS' sentence splitter, with chunks and overlap as large as ours, counted by its own tokenizer.
import { SentenceSplitter } from 'llamaindex';
import { contend, work } from '../contenders/contender.ts';

const splitter = new SentenceSplitter({ chunkSize: 400, chunkOverlap: 60 });

await contend(work(), async (texts) => {
  const outcome = { documents: texts.length, chunks: 0, failed: 0 };
  for (const text of texts) outcome.chunks += splitter.splitText(text).length;
  return outcome;
});
