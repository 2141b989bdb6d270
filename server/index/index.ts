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
  textHash: string;
  embedText: string;
  /** Unit length, the embedder's dimensions. */
  embedding: Float32Array;
};

export type SearchQuery = {
  userId: string;
  text: string;
  embedding?: Float32Array;
  mode: SearchMode;
  limit: number;
  platform?: Platform;
  category?: string;
};

/** Where chunks are searched. Replacing a document's chunks is atomic: a reader sees the old set or the new one. */
export type SearchIndex = {
  replace(trx: Knex.Transaction, documentId: string, chunks: IndexedChunk[], embedderId: string): Promise<void>;
  /** Embeddings already stored for these text hashes by this embedder, so that nothing is embedded twice. */
  knownEmbeddings(textHashes: string[], embedderId: string): Promise<Map<string, Float32Array>>;
  search(query: SearchQuery): Promise<SearchResult[]>;
};
