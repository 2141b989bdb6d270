import type { Readable } from 'node:stream';
import type { Format } from './normalized.ts';

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
  hash?: { algorithm: 'md5' | 'sha256'; hex: string };
};

export type Pipeline = {
  /**
   * Stream → size cap → hash → normalize → chunk. Parsing runs in worker threads under a time and memory limit; bytes are
   * spooled to a private temporary file, never held whole on the main thread.
   * Errors: ContentError; the stream's own error (ProviderError); the signal's reason when aborted. A stream that ends before
   * `sizeBytes`, or whose checksum differs from `hash`, is a ProviderError-free ContentError `corrupt` naming that.
   */
  prepare(file: IncomingFile, options: { title: string; signal: AbortSignal }): Promise<PreparedDocument>;
  close(): Promise<void>;
};
