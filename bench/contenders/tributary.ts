import { createReadStream } from 'node:fs';
import path from 'node:path';
import type * as Lexical from '../../server/pipeline/embed/lexical.ts';
import type * as Pipelines from '../../server/pipeline/pipeline.ts';
import { built } from '../built.ts';
import { contend, work } from './contender.ts';
import type { BenchFile } from '../files.ts';

const { createLexicalEmbedder } = (await import(built('pipeline/embed/lexical'))) as typeof Lexical;
const { createPipeline } = (await import(built('pipeline/pipeline'))) as typeof Pipelines;

/** Files on their way at a time, as a hub has with its defaults. */
const CONCURRENCY = 8;
const signal = new AbortController().signal;
const pipeline = createPipeline({ maxFileBytes: 256 * 1024 ** 2 });
const embedder = createLexicalEmbedder();

await contend(work<BenchFile>(), async (files) => {
  const outcome = { documents: 0, chunks: 0, failed: 0 };
  const queue = files.values();
  const takeAll = async (): Promise<void> => {
    for (const { file, mediaType, sizeBytes } of queue) {
      try {
        const name = path.basename(file);
        const { chunks } = await pipeline.prepare(
          { name, mediaType, sizeBytes, stream: createReadStream(file) },
          { title: name, signal },
        );
        await embedder.embed(
          chunks.map(({ embedText }) => embedText),
          { signal, purpose: 'document' },
        );
        outcome.documents += 1;
        outcome.chunks += chunks.length;
      } catch {
        outcome.failed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, takeAll));
  return outcome;
});
await pipeline.close();
