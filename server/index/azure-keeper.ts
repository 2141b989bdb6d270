import { randomUUID } from 'node:crypto';
import type { AzureSearchConfig } from '../azure-search-config.ts';
import type { Embedder } from '../pipeline/embed/embedder.ts';
import type { AzureSearchClient } from './azure-client.ts';
import { DIMENSIONS, azureIndex, lengthIn, misfitOf } from './azure-schema.ts';
import { upload, untilSearchable, type AzureIndexDeps } from './azure-ai-search.ts';
import {
  abandonCopy,
  beginCopy,
  countUncopied,
  findFacts,
  forgetCopies,
  forgetCopy,
  hasCopies,
  listToUpload,
  postponeCopy,
  settleChanges,
  showCopy,
  takeCopies,
  type IndexCopy,
} from './azure-copies.ts';
import { chunksOf, storedPassages } from './azure-passages.ts';
import { mergePassages, removePassages } from './azure-upload.ts';
import { IndexError } from './index-error.ts';
import { settledSince } from './search-embedder.ts';

/** Copies that are taken, documents that are listed, and either that are worked on at a time. */
const TAKEN = 20;
const LISTED = 200;
const AT_A_TIME = 4;
const OPEN_MS = 30_000;
const FIRST_BACKOFF_MS = 2_000;
const LONGEST_BACKOFF_MS = 600_000;

/** What has to be done for an index outside the database beside imports and searches. All of it may be done twice, by any worker. */
export type IndexKeeper = {
  /**
   * Makes the index where it is missing, and checks it; while the embedder changes, that waits. Gives what it did. Errors: IndexError;
   * `misconfigured` says what to do.
   */
  open(): Promise<'made' | 'found' | 'waiting'>;
  /** Removes what is left over and tells of changes. Gives how many copies were looked after: with 0 there is nothing to do. */
  settle(signal: AbortSignal): Promise<number>;
  /** Uploads stored documents that the index does not have as they are. Gives how many. Errors: IndexError. */
  fill(signal: AbortSignal): Promise<number>;
  /**
   * Makes the index ready for vectors of this embedder, before searches use them: one that the hub has filled with vectors of another length
   * is deleted and made anew. Nothing is uploaded to it or searched in it meanwhile. Errors: as those of `open`.
   */
  refit(signal: AbortSignal): Promise<void>;
  /** Asks the service whether it answers; nothing is made. Errors: IndexError. */
  check(signal: AbortSignal): Promise<void>;
};

/** Errors: IndexError `misconfigured` where the service takes no vectors of that length. */
function checkLength({ id, dimensions }: Pick<Embedder, 'id' | 'dimensions'>): void {
  if (dimensions < DIMENSIONS.least || dimensions > DIMENSIONS.most)
    throw new IndexError(
      'misconfigured',
      `Azure AI Search takes vectors of ${DIMENSIONS.least} to ${DIMENSIONS.most} numbers, and those of ${id} have ${dimensions}. Set EMBEDDING_DIMENSIONS to less.`,
    );
}

/** Whether the index is there. Errors: IndexError; `misconfigured` says what does not fit and what to do. */
export async function checkAzureIndex(
  client: AzureSearchClient,
  { endpoint, index }: AzureSearchConfig,
  embedder: Pick<Embedder, 'id' | 'dimensions'>,
  signal: AbortSignal,
): Promise<boolean> {
  checkLength(embedder);
  const found = await client.find(signal);
  const misfit = found && misfitOf(found, azureIndex(index, embedder.dimensions));
  if (misfit !== undefined)
    throw new IndexError(
      'misconfigured',
      `The index “${index}” at ${new URL(endpoint).host} cannot be used: ${misfit}. Set AZURE_SEARCH_INDEX to a name that is not taken: the hub makes that index and fills it from what it has stored. Or delete this one, if nothing else uses it, and restart the hub.`,
    );
  return found !== undefined;
}

export function createIndexKeeper(deps: Omit<AzureIndexDeps, 'postgres'>): IndexKeeper {
  const { client, config, database, embedder, logger } = deps;
  const db = database.knex;
  const wanted = azureIndex(config.index, embedder.dimensions);
  let opened = false;

  async function make(signal: AbortSignal): Promise<void> {
    // Whatever lay in an index of that name is gone. Before the new one is there, since others may fill it at once.
    await forgetCopies(db, client.name);
    try {
      await client.create(wanted, signal);
    } catch (error) {
      // A service may have no semantic ranker; then its settings are refused, and without them nothing else is lost.
      if (!(error instanceof IndexError) || error.kind !== 'refused' || !/semantic/i.test(error.message)) throw error;
      await client.create({ ...wanted, semanticSearch: undefined }, signal);
    }
    logger.info({ index: client.name, dimensions: embedder.dimensions }, 'the index was made');
  }

  async function look(copy: IndexCopy, signal: AbortSignal): Promise<void> {
    const { id, documentId, passages } = copy;
    const facts = copy.state === 'current' && documentId ? await findFacts(db, documentId) : undefined;
    if (!facts || !documentId) {
      if (copy.state === 'uploading') await abandonCopy(db, { id, indexName: client.name, passages });
      await removePassages(client, id, passages, signal);
      await forgetCopy(db, id);
      return;
    }
    const pieces = storedPassages(db, { id: documentId, title: facts.title });
    const missing = await mergePassages({ client, copy: id, facts, signal }, pieces, async () => undefined);
    // Somebody took passages out of the index: the document is uploaded anew.
    if (missing.length > 0) await abandonCopy(db, { id, indexName: client.name, passages });
    else await settleChanges(db, copy);
  }

  async function lookOrPostpone(copy: IndexCopy, signal: AbortSignal): Promise<void> {
    try {
      await look(copy, signal);
    } catch (error) {
      const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(copy.attempts, 10));
      const asked = error instanceof IndexError && error.retryAt ? error.retryAt.getTime() - Date.now() : 0;
      await postponeCopy(db, copy.id, signal.aborted ? 0 : Math.max(backoff, asked));
      signal.throwIfAborted();
      if (!(error instanceof IndexError)) throw error;
      logger.warn({ err: error, copy: copy.id }, 'the index could not be brought up to date; it is tried again');
    }
  }

  /** Uploads a document as it is stored. False when it changed meanwhile or is gone. */
  async function uploadStored(documentId: string, signal: AbortSignal): Promise<boolean> {
    const facts = await findFacts(db, documentId);
    if (!facts) return false;
    const { count, mark } = await chunksOf(db, documentId);
    const copy = { id: randomUUID(), indexName: client.name, passages: count, uploaded: facts };
    await beginCopy(db, { ...copy, embedder: embedder.id });
    let shown = false;
    try {
      const pieces = storedPassages(db, { id: documentId, title: facts.title }, embedder.id);
      const { hasVectors } = await upload(deps, copy, pieces, signal);
      await untilSearchable(client, copy, signal);
      shown = await database.transaction(async (trx) => {
        const held = await trx('documents')
          .where({ id: documentId })
          .forUpdate()
          .first<{ id: string } | undefined>('id');
        if (!held || (await chunksOf(trx, documentId)).mark !== mark) return false;
        return showCopy(trx, { ...copy, documentId, incomplete: !hasVectors });
      });
    } finally {
      if (!shown) await abandonCopy(db, copy);
    }
    return shown;
  }

  return {
    check: async (signal) => void (await client.find(signal)),

    async open() {
      checkLength(embedder);
      if ((await settledSince(db, embedder.id)) === undefined) return 'waiting';
      const signal = AbortSignal.timeout(OPEN_MS);
      const found = await checkAzureIndex(client, config, embedder, signal);
      if (!found) await make(signal);
      opened = true;
      return found ? 'found' : 'made';
    },

    async settle(signal) {
      const copies = await takeCopies(db, client.name, TAKEN);
      for (let start = 0; start < copies.length; start += AT_A_TIME)
        await Promise.all(copies.slice(start, start + AT_A_TIME).map((copy) => lookOrPostpone(copy, signal)));
      return copies.length;
    },

    async fill(signal) {
      if ((await settledSince(db, embedder.id)) === undefined) return 0;
      if (!opened) await this.open();
      const ids = await listToUpload(db, client.name, embedder.id, LISTED);
      let uploaded = 0;
      for (let start = 0; start < ids.length; start += AT_A_TIME) {
        const results = await Promise.allSettled(
          ids.slice(start, start + AT_A_TIME).map((id) => uploadStored(id, signal)),
        );
        uploaded += results.filter((result) => result.status === 'fulfilled' && result.value).length;
        const failed = results.find((result) => result.status === 'rejected');
        if (failed) throw failed.reason;
      }
      if (uploaded > 0) {
        const left = await countUncopied(db, client.name, embedder.id, 100_000);
        logger.info({ uploaded, left }, 'stored documents were uploaded to the index');
      }
      return uploaded;
    },

    async refit(signal) {
      const found = await client.find(signal);
      const length = found && lengthIn(found);
      if (found && length !== undefined && length !== embedder.dimensions) {
        const isOurs =
          misfitOf(found, azureIndex(config.index, length)) === undefined && (await hasCopies(db, client.name));
        // Another's stays as it is, and is told of below.
        if (isOurs) await client.remove(signal);
      }
      if (!(await checkAzureIndex(client, config, embedder, signal))) await make(signal);
    },
  };
}
