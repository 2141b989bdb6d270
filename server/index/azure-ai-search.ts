import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AzureSearchConfig } from '../azure-search-config.ts';
import type { Database } from '../database/database.ts';
import type { Embedder } from '../pipeline/embed/embedder.ts';
import type { SearchResult } from '../services/search-service.ts';
import type { AzureHit, AzureSearchClient } from './azure-client.ts';
import { abandonCopy, beginCopy, countUncopied, dropCopy, holdCopy, showCopy } from './azure-copies.ts';
import { chunkPassages, readHits, type Passage } from './azure-passages.ts';
import { copyFilter, toAzureQuery } from './azure-query.ts';
import { uploadPassages } from './azure-upload.ts';
import { IndexError } from './index-error.ts';
import type { DocumentFacts, PreparedChunks, SearchIndex, SearchQuery } from './index.ts';
import { createCorpusReader } from './postgres-keywords.ts';
import { semanticWeightOf } from './postgres.ts';
import { settledSince } from './search-embedder.ts';

/** Milliseconds that a person waits for an answer from outside; after that the database answers. */
const SEARCH_MS = 5_000;
/** Times a search is made because passages were found whose document has others now. */
const ROUNDS = 6;
/** How long a new version may take to be found before it takes the place of the old one all the same. */
const SEARCHABLE_MS = 10_000;
/** Between two looks whether all documents are in the index yet. */
const LOOK_MS = 5_000;
/** How long the ranker is not asked after the service said that it has none. */
const WITHOUT_RANKER_MS = 600_000;

export type AzureIndexDeps = {
  config: AzureSearchConfig;
  client: AzureSearchClient;
  database: Database;
  embedder: Embedder;
  /** The index in the database: it keeps texts, words and vectors as ever, and answers where Azure does not. */
  postgres: SearchIndex;
  logger: Logger;
};

/**
 * Azure AI Search as the index. Each version of a document is a copy with an id of its own, uploaded before the transaction that shows it; what
 * is found is read from the database, where the copy must be the one that is shown and the document the user's: so a version appears with its
 * document's row, and disappears with it, whatever Azure still holds.
 */
export function createAzureIndex(deps: AzureIndexDeps): SearchIndex {
  const { client, config, database, embedder, postgres, logger } = deps;
  const isFilled = watchFilling(deps);
  const source = { database, indexName: client.name, readCorpus: createCorpusReader() };
  let rankerFrom = config.semanticRanker ? 0 : Infinity;

  async function ask(query: SearchQuery, without: string[], signal: AbortSignal): Promise<AzureHit[]> {
    const options = { dimensions: embedder.dimensions, semanticWeight: semanticWeightOf(embedder.id), without };
    const ranker = Date.now() >= rankerFrom;
    const asked = toAzureQuery(query, { ...options, ranker });
    if (!asked) return [];
    try {
      return await client.search(asked, signal);
    } catch (error) {
      if (!ranker || !(error instanceof IndexError) || error.kind !== 'refused' || !/semantic/i.test(error.message))
        throw error;
      logger.warn({ err: error }, 'the semantic ranker is not there; searches go on without it');
      rankerFrom = Date.now() + WITHOUT_RANKER_MS;
      return ask(query, without, signal);
    }
  }

  /**
   * Asks until nothing was found but what is shown: each round leaves out the copies that the one before found in vain, so that what took their
   * place is found, or what is behind them. One that was still uploaded then, and is shown by now, is let in again. Undefined where
   * documents change faster than that.
   */
  async function searchAzure(query: SearchQuery): Promise<SearchResult[] | undefined> {
    const signal = AbortSignal.timeout(SEARCH_MS);
    const gone = new Set<string>();
    const becameShown = new Set<string>();
    let coming: string[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const hits = await ask(query, [...gone, ...coming], signal);
      const { results, hidden, states } = await readHits(source, query, hits, coming);
      const stillComing = [...hidden, ...coming].filter((copy) => states.get(copy) === 'uploading');
      if (hidden.length === 0 && stillComing.length === coming.length) return results.slice(0, query.limit);
      for (const copy of hidden)
        if (states.get(copy) === 'current' && !becameShown.has(copy)) becameShown.add(copy);
        else if (states.get(copy) !== 'uploading') gone.add(copy);
      coming = stillComing;
    }
    return undefined;
  }

  async function discard(prepared: PreparedChunks | undefined): Promise<void> {
    if (!prepared) return;
    await abandonCopy(database.knex, { ...prepared, indexName: client.name }).catch((error: unknown) =>
      logger.warn({ err: error, copy: prepared.id }, 'what was uploaded for nothing is removed from the index later'),
    );
  }

  return {
    ...postgres,

    async prepare({ documentId, ...facts }, chunks, embedderId, { signal }) {
      if ((await settledSince(database.current(), embedderId)) === undefined) return undefined;
      const copy = { id: randomUUID(), passages: chunks.length, uploaded: facts };
      await beginCopy(database.knex, { ...copy, indexName: client.name, embedder: embedderId });
      try {
        await upload(deps, copy, chunkPassages(database.knex, chunks, embedderId), signal);
        if (documentId !== undefined) await untilSearchable(client, copy, signal);
      } catch (error) {
        await discard(copy);
        throw error;
      }
      return copy;
    },

    async replace(trx, documentId, chunks, embedderId, prepared) {
      await postgres.replace(trx, documentId, chunks, embedderId);
      if (!prepared) return dropCopy(trx, client.name, documentId);
      const copy = { ...prepared, indexName: client.name, documentId, incomplete: false };
      if (!(await showCopy(trx, copy)))
        throw new IndexError('unavailable', 'The upload of this document to the index took too long and was given up.');
    },

    discard,

    async search(query) {
      const isOwn = query.embedderId === undefined || query.embedderId === embedder.id;
      if (!isOwn || !(await isFilled())) return postgres.search(query);
      try {
        return (await searchAzure(query)) ?? (await postgres.search(query));
      } catch (error) {
        if (!(error instanceof IndexError) && !isTimeout(error)) throw error;
        logger.warn({ err: error }, 'the index did not answer a search, and the database did');
        return postgres.search(query);
      }
    },
  };
}

/** Uploads a copy's passages; the row of the copy is kept alive meanwhile. Gives whether all have a vector. */
export function upload(
  { client, database }: Pick<AzureIndexDeps, 'client' | 'database'>,
  copy: { id: string; uploaded: DocumentFacts },
  pieces: AsyncIterable<Passage[]>,
  signal: AbortSignal,
): Promise<{ hasVectors: boolean }> {
  return uploadPassages({ client, copy: copy.id, facts: copy.uploaded, signal }, pieces, () =>
    holdCopy(database.knex, copy.id),
  );
}

/**
 * Waits until a new version is found, since that takes the service a moment: the old one is shown until then. Not for ever, where it is slow.
 * Source: https://learn.microsoft.com/rest/api/searchservice/http-status-codes
 */
export async function untilSearchable(
  client: AzureSearchClient,
  copy: Pick<PreparedChunks, 'id' | 'passages'>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + SEARCHABLE_MS;
  for (let waitMs = 50; Date.now() < deadline; waitMs = Math.min(1000, waitMs * 2)) {
    if ((await client.count(copyFilter(copy.id), signal)) >= copy.passages) return;
    await sleep(waitMs, undefined, { signal });
  }
}

/**
 * Tells whether every document was in the index at some time since the start, and since the embedder was changed: until then the database
 * knows more.
 */
function watchFilling({ client, database, embedder, logger }: AzureIndexDeps): () => Promise<boolean> {
  let filledSince: number | undefined;
  let lookAt = 0;
  return async () => {
    const since = await settledSince(database.current(), embedder.id);
    if (since === undefined || since === filledSince) return since !== undefined;
    if (Date.now() < lookAt) return false;
    lookAt = Date.now() + LOOK_MS;
    if ((await countUncopied(database.current(), client.name, embedder.id, 1)) === 0) filledSince = since;
    else logger.info('documents are still to be uploaded to the index; the database answers searches');
    return since === filledSince;
  };
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';
