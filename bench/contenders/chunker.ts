import type * as Chunks from '../../server/pipeline/chunk.ts';
import type { NormalizedDocument } from '../../server/pipeline/normalized.ts';
import { built } from '../built.ts';
import { contend, work } from './contender.ts';

const { chunkDocument } = (await import(built('pipeline/chunk'))) as typeof Chunks;

/** Paragraphs of a text, as the reader of plain text gives them. */
const documentOf = (text: string): NormalizedDocument => ({
  format: 'txt',
  blocks: text.split(/\n{2,}/).map((paragraph) => ({ kind: 'paragraph', text: paragraph })),
});

await contend(work<string>(), async (texts) => {
  const outcome = { documents: texts.length, chunks: 0, failed: 0 };
  for (const text of texts) outcome.chunks += chunkDocument(documentOf(text), { title: 'A text' }).length;
  return outcome;
});
