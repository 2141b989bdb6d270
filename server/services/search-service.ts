import type { Platform } from '../../providers/provider.ts';
import { InvalidInputError } from '../errors.ts';
import type { SearchIndex } from '../index/index.ts';
import type { Embedder } from '../pipeline/embed/embedder.ts';
import type { User } from './user-service.ts';

export const SEARCH_MODES = ['hybrid', 'semantic', 'keyword'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** A passage and where it stands. */
export type SearchResult = {
  chunkId: string;
  documentId: string;
  /** Place of the passage in its document, starting at 0. */
  ordinal: number;
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

const MAX_QUERY = 1000;
const MAX_LIMIT = 50;
const DEFAULT_LIMIT = 10;
const TIMEOUT_MS = 10_000;

export function createSearchService(deps: { index: SearchIndex; embedder: Embedder }): SearchService {
  const { index, embedder } = deps;
  return {
    async search(user, input) {
      const text = input.query.trim();
      const limit = input.limit ?? DEFAULT_LIMIT;
      const errors = [
        ...(text === '' ? [{ field: 'query', message: 'Enter some words to search for.' }] : []),
        ...(text.length > MAX_QUERY
          ? [{ field: 'query', message: `Enter at most ${MAX_QUERY.toLocaleString('en')} characters.` }]
          : []),
        ...(!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT
          ? [{ field: 'limit', message: `Ask for 1 to ${MAX_LIMIT} results.` }]
          : []),
      ];
      if (errors.length > 0) throw new InvalidInputError(errors);
      const mode = input.mode ?? 'hybrid';
      const embedding =
        mode === 'keyword'
          ? undefined
          : (await embedder.embed([text], { signal: AbortSignal.timeout(TIMEOUT_MS), purpose: 'query' }))[0];
      return index.search({
        userId: user.id,
        text,
        embedding,
        mode,
        limit,
        platform: input.platform,
        category: input.category,
      });
    },
  };
}
