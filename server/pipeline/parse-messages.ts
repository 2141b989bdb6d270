import type { ContentProblemCode, Format } from './normalized.ts';
import type { Chunk } from './pipeline.ts';

/** One file for a worker thread, by the path of its spooled bytes. */
export type ParseJob = {
  path: string;
  name: string;
  mediaType: string;
  sizeBytes: number;
  /** The item's title: prefix of each chunk's `embedText`. */
  title: string;
};

/** What a thread spent on a file, without waiting for it. */
export type ParseTimes = { parseMs: number; chunkMs: number };

export type ToWorker = { type: 'job'; job: ParseJob } | { type: 'more' };

/**
 * What a worker answers. The result comes in parts, and the worker waits for `more` after each, so that no single message
 * holds the main thread's event loop.
 */
export type FromWorker =
  /** It takes files; sent once. */
  | { type: 'ready' }
  | { type: 'text'; text: string }
  | { type: 'chunks'; chunks: Chunk[] }
  | ({ type: 'done'; format: Format; title?: string } & ParseTimes)
  | { type: 'problem'; code: ContentProblemCode; message: string; cause?: string };
