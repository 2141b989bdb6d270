import { parentPort } from 'node:worker_threads';
import { documentText } from './document-text.ts';
import { normalize } from './normalize/normalize.ts';
import { ContentError } from './normalized.ts';
import type { FromWorker, ParseJob, ToWorker } from './parse-messages.ts';
import type { Chunk } from './pipeline.ts';

/** Characters of text, and chunks, in one message. */
const TEXT_PART = 250_000;
const CHUNKS_PART = 200;

const port = parentPort;
if (!port) throw new Error('parse-worker runs in a worker thread only.');
let onMore: () => void = () => {};
const post = (message: FromWorker) => port.postMessage(message);
const postPart = (message: FromWorker) =>
  new Promise<void>((resolve) => {
    onMore = resolve;
    post(message);
  });

port.on('message', (message: ToWorker) => {
  if (message.type === 'more') onMore();
  else void answer(message.job);
});

post({ type: 'ready' });

async function answer(job: ParseJob): Promise<void> {
  try {
    const startedAt = performance.now();
    const document = await normalize(job);
    const text = documentText(document.blocks);
    const parseMs = performance.now() - startedAt;
    await postText(text);
    // With the tables of the tokenizer, 70 MB: a file that is refused is not to be held beside them.
    const { chunkDocument } = await import('./chunk.ts');
    const parsedAt = performance.now();
    const chunks = chunkDocument(document, { title: job.title });
    const chunkMs = performance.now() - parsedAt;
    await postChunks(chunks);
    post({ type: 'done', format: document.format, title: document.title, parseMs, chunkMs });
  } catch (error) {
    post(problemOf(error));
  }
}

async function postText(text: string): Promise<void> {
  for (let at = 0; at < text.length; at += TEXT_PART)
    await postPart({ type: 'text', text: text.slice(at, at + TEXT_PART) });
}

/** What was sent is not kept. */
async function postChunks(chunks: Chunk[]): Promise<void> {
  chunks.reverse();
  while (chunks.length > 0) await postPart({ type: 'chunks', chunks: chunks.splice(-CHUNKS_PART).reverse() });
}

function problemOf(error: unknown): FromWorker {
  if (error instanceof ContentError)
    return {
      type: 'problem',
      code: error.code,
      message: error.message,
      cause: error.cause instanceof Error ? error.cause.message : undefined,
    };
  return {
    type: 'problem',
    code: 'parser_crash',
    message: 'The reader of this format broke down on the file; save it again or in another format, and import that.',
    cause: error instanceof Error ? error.stack : String(error),
  };
}
