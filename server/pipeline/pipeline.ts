import type { Readable } from 'node:stream';
import type { ChecksumAlgorithm } from '../../providers/checksums.ts';
import type { Format } from './normalized.ts';
import { createParsePool, type ParsePool } from './parse-pool.ts';
import { spool, type SpooledFile } from './spool.ts';

export type Chunk = {
  ordinal: number;
  /** What is shown and cited. */
  text: string;
  headingPath: string[];
  page?: number;
  anchor?: string;
  tokenCount: number;
  /** SHA-256, hex, of what is embedded: title, heading path and text. */
  textHash: string;
  /** What is embedded and searched: title and heading path as prefix, then the text. */
  embedText: string;
};

export type PreparedDocument = {
  format: Format;
  /** The document's own title where it has one. */
  title?: string;
  /** The whole normalized text, for people. */
  text: string;
  /** SHA-256, hex, of the bytes. */
  contentHash: string;
  sizeBytes: number;
  chunks: Chunk[];
};

export type IncomingFile = {
  stream: Readable;
  name: string;
  mediaType: string;
  sizeBytes?: number;
  /** The vendor's checksum, lower-case hex. */
  hash?: { algorithm: ChecksumAlgorithm; hex: string };
};

export type Pipeline = {
  /**
   * Stream → size cap → hash → normalize → chunk. Parsing runs in worker threads under a time and memory limit; bytes are
   * spooled to a private temporary file, never held whole on the main thread.
   * Errors: ContentError; the stream's own error (ProviderError); the signal's reason when aborted. A stream that ends before
   * `sizeBytes`, or whose checksum differs from `hash`, is a ContentError `incomplete` naming that. `onArrived` is waited for when all bytes
   * are there; what it throws is thrown. So is `onRead`, when they were read, with the file, which is removed after.
   */
  prepare(
    file: IncomingFile,
    options: {
      title: string;
      signal: AbortSignal;
      /** A lower cap than the pipeline's own. */
      maxFileBytes?: number;
      onArrived?: () => Promise<void>;
      onRead?: (file: SpooledFile) => Promise<void>;
      /** Told of each step that was done, and how long it took. */
      onStage?: (stage: 'download' | 'parse' | 'chunk', ms: number) => void;
    },
  ): Promise<PreparedDocument>;
  close(): Promise<void>;
};

export type PipelineOptions = {
  /** Bytes of one file, as downloaded. */
  maxFileBytes: number;
  /** Worker threads at most; they start when there is work. Default: the processors at hand, 4 at most. */
  workers?: number;
  /** Milliseconds one file may take to parse and chunk, not counting its download and its wait. Default: 120,000. */
  timeoutMs?: number;
  /** Another module for the worker threads; for tests of hanging and crashing parsers. */
  workerEntry?: URL;
  /** Worker threads that outlive this pipeline, in place of its own; whoever made them closes them. */
  pool?: ParsePool;
};

/** The pipeline on this machine's worker threads. `close` ends them; what is then under way fails. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const pool = options.pool ?? createParsePool(options);
  return {
    async prepare(file, { title, signal, maxFileBytes = options.maxFileBytes, onArrived, onRead, onStage }) {
      const startedAt = performance.now();
      const spooled = await spool(file, Math.min(maxFileBytes, options.maxFileBytes), signal);
      onStage?.('download', performance.now() - startedAt);
      try {
        await onArrived?.();
        const { path, sizeBytes, contentHash } = spooled;
        const job = { path, name: file.name, mediaType: file.mediaType, sizeBytes, title };
        const { parseMs, chunkMs, ...parsed } = await pool.parse(job, signal);
        onStage?.('parse', parseMs);
        onStage?.('chunk', chunkMs);
        await onRead?.(spooled);
        return { ...parsed, contentHash, sizeBytes };
      } finally {
        await spooled.remove();
      }
    },
    async close() {
      if (!options.pool) await pool.close();
    },
  };
}
