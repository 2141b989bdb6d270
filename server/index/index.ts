import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';
import type { SearchMode, SearchResult } from '../services/search-service.ts';

export type IndexedChunk = {
  ordinal: number;
  text: string;
  headingPath: string[];
  page?: number;
  anchor?: string;
  tokenCount: number;
  /** Names the stored embedding. */
  textHash: string;
  embedText: string;
};

export type SearchQuery = {
  userId: string;
  text: string;
  embedding?: Float32Array;
  mode: SearchMode;
  limit: number;
  platform?: Platform;
  category?: string;
  integrationId?: string;
  /** Path of a folder as documents show it, without a trailing slash: it (a page has sub-pages) and what lies in it at any depth. */
  folder?: string;
  /** When the source says it was modified, both ends included. */
  modifiedFrom?: Date;
  modifiedTo?: Date;
};

/** Where chunks are searched. Replacing a document's chunks is atomic: a reader sees the old set or the new one. */
export type SearchIndex = {
  /** Which of these texts have an embedding of this embedder already, so that nothing is embedded twice. */
  knownEmbeddings(textHashes: string[], embedderId: string): Promise<Set<string>>;
  /** Whether all chunks of a document have an embedding of this embedder: not so after the embedder was changed. */
  isEmbedded(documentId: string, embedderId: string): Promise<boolean>;
  /** Stores vectors (unit length) by the hash of their text, ahead of the documents they are for. Known ones are left as they are. */
  storeEmbeddings(vectors: Map<string, Float32Array>, embedderId: string): Promise<void>;
  /** Errors: EmbeddingError `unavailable` when the embedding of a chunk is not stored, or not any more. */
  replace(trx: Knex.Transaction, documentId: string, chunks: IndexedChunk[], embedderId: string): Promise<void>;
  /** A document has another title: its passages are found by the words of that, and keep their vectors. */
  rename(trx: Knex.Transaction, documentId: string, title: string): Promise<void>;
  search(query: SearchQuery): Promise<SearchResult[]>;
};
