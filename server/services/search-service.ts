import type { Platform } from '../../providers/provider.ts';
import type { User } from './user-service.ts';

export const SEARCH_MODES = ['hybrid', 'semantic', 'keyword'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** A passage and where it stands. */
export type SearchResult = {
  chunkId: string;
  documentId: string;
  title: string;
  url?: string;
  sourceType: Platform;
  path: string;
  headingPath: string[];
  page?: number;
  text: string;
  /** Reciprocal rank fusion score; only its order within one answer means anything. */
  score: number;
  /** 0 to 1: how much of the query's weight the passage covers. */
  confidence: number;
};

export type SearchService = {
  /** Errors: InvalidInputError (empty query, over 1,000 characters, limit outside 1 to 50). */
  search(
    user: User,
    input: {
      query: string;
      limit?: number;
      platform?: Platform;
      category?: string;
      mode?: SearchMode;
    },
  ): Promise<SearchResult[]>;
};
