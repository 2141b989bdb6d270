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
  /**
   * The embedder whose vectors the embedding is compared with. Without it, vectors of every embedder with that length are, with the small
   * say that the built-in one has.
   */
  embedderId?: string;
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

/** What an index outside the database knows of a document beside its passages. */
export type DocumentFacts = {
  userId: string;
  platform: Platform;
  title: string;
  path: string;
  category?: string;
  integrationId?: string;
  modifiedAt?: Date;
};

/** What an index outside the database was handed ahead of the transaction that shows it. */
export type PreparedChunks = { id: string; passages: number; uploaded: DocumentFacts };

/** Where chunks are searched. Replacing a document's chunks is atomic: a reader sees the old set or the new one. */
export type SearchIndex = {
  /** Which of these texts have an embedding of this embedder already, so that nothing is embedded twice. */
  knownEmbeddings(textHashes: string[], embedderId: string): Promise<Set<string>>;
  /** Stores vectors (unit length) by the hash of their text, ahead of the documents they are for. Known ones are left as they are. */
  storeEmbeddings(vectors: Map<string, Float32Array>, embedderId: string): Promise<void>;
  /**
   * Brings chunks, whose embeddings are stored, to where they are searched, so that no transaction waits for a network: nobody finds them
   * yet. `documentId` is absent for a document that is new. Undefined where they are searched in the database, which is so everywhere while
   * the embedder changes. Errors: IndexError; the signal's reason.
   */
  prepare(
    document: DocumentFacts & { documentId?: string },
    chunks: IndexedChunk[],
    embedderId: string,
    options: { signal: AbortSignal },
  ): Promise<PreparedChunks | undefined>;
  /**
   * Shows the chunks instead of the document's present ones, when the transaction commits. An index outside the database brings chunks that were
   * not prepared there later by itself. Errors: EmbeddingError `unavailable` when the embedding of a chunk is not stored, or not any more;
   * IndexError `unavailable` when what was prepared took so long that it was given up.
   */
  replace(
    trx: Knex.Transaction,
    documentId: string,
    chunks: IndexedChunk[],
    embedderId: string,
    prepared?: PreparedChunks,
  ): Promise<void>;
  /** What was prepared is not to be shown after all. Never fails: what cannot be removed now is removed later. */
  discard(prepared: PreparedChunks | undefined): Promise<void>;
  /** A document has another title: its passages are found by the words of that, and keep their vectors. */
  rename(trx: Knex.Transaction, documentId: string, title: string): Promise<void>;
  search(query: SearchQuery): Promise<SearchResult[]>;
};
