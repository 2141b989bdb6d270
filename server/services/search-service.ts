import type { Logger } from 'pino';
import type { Platform } from '../../providers/provider.ts';
import { InvalidInputError, NotFoundError } from '../errors.ts';
import type { SearchIndex, SearchQuery } from '../index/index.ts';
import { readEmbedderId } from '../pipeline/embed/embedder-id.ts';
import { EmbeddingError, type Embedder } from '../pipeline/embed/embedder.ts';
import type { EmbedderService } from './embedder-service.ts';
import type { IntegrationService } from './integration-service.ts';
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
  /** Of the text with its title and headings (o200k_base). */
  tokenCount: number;
  /** Reciprocal rank fusion score; only its order within one answer means anything. */
  score: number;
  /** 0 to 1: how much of the query's weight the passage covers. */
  confidence: number;
};

/** Which of the user's documents are searched: those that pass all of these. */
export type SearchFilters = Pick<
  SearchQuery,
  'platform' | 'category' | 'integrationId' | 'folder' | 'modifiedFrom' | 'modifiedTo'
>;

export type SearchService = {
  /**
   * `folder` may begin and end with a slash. A document whose source tells no time of modification passes neither end.
   * Errors: InvalidInputError (empty query, over 1,000 characters, limit outside 1 to 50, an account that is not the user's, times in the
   * wrong order).
   */
  search(
    user: User,
    input: SearchFilters & {
      query: string;
      limit?: number;
      mode?: SearchMode;
      /** Told in a sentence when only words could be compared, whatever `mode` asks for. */
      onWordsOnly?: (notice: string) => void;
    },
  ): Promise<SearchResult[]>;
  /** Whether the vectors that are compared know meanings: those of a model do, the built-in embedder's know spellings. */
  knowsMeanings(): Promise<boolean>;
};

const DAY_MS = 86_400_000;

/** The end of what is written: of a day (`2026-03-01`, in UTC) its last millisecond, of a time itself. */
export const lastInstant = (written: string): Date =>
  new Date(Date.parse(written) + (written.includes('T') ? 0 : DAY_MS - 1));

const MAX_QUERY = 1000;
const MAX_LIMIT = 50;
const DEFAULT_LIMIT = 10;
/** Milliseconds that the query's embedding is waited for; people rather get an answer by words. */
const TIMEOUT_MS = 5_000;

const NOT_ASKABLE =
  'The model that the stored passages were embedded with cannot be asked any more. Until another one has taken its place, these results are by the words of the query alone.';
const WORDS_ONLY = 'The meaning of the query could not be compared just now, so these results are by its words alone.';

export function createSearchService(deps: {
  index: SearchIndex;
  embedders: Pick<EmbedderService, 'active'>;
  integrations: Pick<IntegrationService, 'get'>;
  logger: Logger;
}): SearchService {
  const { index, embedders, integrations, logger } = deps;

  async function isOwn(user: User, integrationId: string): Promise<boolean> {
    try {
      await integrations.get(user, integrationId);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  /** The query's vector. Undefined where the model's server gives none: search goes on without. */
  async function embed(embedder: Embedder, query: string): Promise<Float32Array | undefined> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      return (await embedder.embed([query], { signal, purpose: 'query' }))[0];
    } catch (error) {
      if (!(error instanceof EmbeddingError) && !signal.aborted) throw error;
      logger.warn({ err: error }, 'a query could not be embedded, and was answered by its words');
      return undefined;
    }
  }

  return {
    async search(user, input) {
      const text = input.query.trim();
      const limit = input.limit ?? DEFAULT_LIMIT;
      const { platform, category, integrationId, modifiedFrom, modifiedTo } = input;
      const errors = [
        ...(text === '' ? [{ field: 'query', message: 'Enter some words to search for.' }] : []),
        ...(text.length > MAX_QUERY
          ? [{ field: 'query', message: `Enter at most ${MAX_QUERY.toLocaleString('en')} characters.` }]
          : []),
        ...(!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT
          ? [{ field: 'limit', message: `Ask for 1 to ${MAX_LIMIT} results.` }]
          : []),
        ...(integrationId !== undefined && !(await isOwn(user, integrationId))
          ? [{ field: 'integrationId', message: 'This account is not connected, or not yours. Choose another one.' }]
          : []),
        ...(modifiedFrom && modifiedTo && modifiedFrom > modifiedTo
          ? [{ field: 'modifiedTo', message: 'The last day of modification lies before the first one.' }]
          : []),
      ];
      if (errors.length > 0) throw new InvalidInputError(errors);
      const mode = input.mode ?? 'hybrid';
      const { id: embedderId, embedder } = await embedders.active();
      const embedding = mode === 'keyword' || !embedder ? undefined : await embed(embedder, text);
      if (mode !== 'keyword' && !embedding) input.onWordsOnly?.(embedder ? WORDS_ONLY : NOT_ASKABLE);
      return index.search({
        userId: user.id,
        text,
        embedding,
        embedderId,
        mode,
        limit,
        platform,
        category,
        integrationId,
        folder: input.folder?.trim().replace(/^\/+|\/+$/g, '') || undefined,
        modifiedFrom,
        modifiedTo,
      });
    },

    async knowsMeanings() {
      const { id } = await embedders.active();
      return readEmbedderId(id) !== undefined;
    },
  };
}
