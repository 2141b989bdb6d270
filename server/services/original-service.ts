import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { AppError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { OriginalError, type OriginalLabels, type OriginalStorages } from '../originals/originals.ts';
import type { SpooledFile } from '../pipeline/spool.ts';
import {
  attachOriginal,
  deleteOriginals,
  detachOtherOriginal,
  findOriginal,
  findOriginalHash,
  forgetOriginal,
  holdOriginal,
  insertOriginal,
  postponeOriginal,
  releaseOriginal,
  takeRemovableOriginals,
  type RemovableOriginal,
} from '../stores/original-store.ts';
import type { User } from './user-service.ts';

/** A process that says nothing for so long has let go of what it had in hand. */
const HOLD_MS = 10 * 60_000;
const HOLD_EVERY_MS = 60_000;
/** Removals at a time, and how long they may take before another process tries too. */
const BATCH = 50;
const AT_A_TIME = 8;
const REMOVE_LEASE_MS = 10 * 60_000;
/** Between attempts to remove one: twice as long after each. */
const RETRY_MS = { first: 30_000, longest: 3_600_000 };

/** An original on its way into the storage, of one file that is imported. */
export type OriginalDraft = {
  /** Stores the bytes, unless the document has them. Errors: OriginalError; the signal's reason. */
  put(file: SpooledFile, labels: OriginalLabels & { fileName: string }, signal: AbortSignal): Promise<void>;
  /** In the transaction that writes the document with these bytes: it has this original, or none of other bytes. */
  attach(trx: Knex.Transaction, documentId: string, contentHash: string): Promise<void>;
  /** To be called at the end, whatever came of it: what no document has is removed soon. */
  close(): Promise<void>;
};

export type OpenedOriginal = {
  fileName: string;
  mediaType: string;
  sizeBytes: number;
  /** SHA-256 of the bytes, hex. */
  contentHash: string;
  /** Errors: AppError `no_original`, `original_unavailable`; the signal's reason. */
  read(options: { signal: AbortSignal; range?: { start: number; end: number } }): Promise<Readable>;
};

export type OriginalService = {
  /** True for a stored document that a further import has to bring the original of. */
  isWanted(documentId: string): Promise<boolean>;
  draft(documentId: string | undefined): OriginalDraft;
  /** Errors: NotFoundError for no document of the user; AppError `no_original`. */
  open(user: User, documentId: string): Promise<OpenedOriginal>;
  /** Removes some of what no document has any more; what cannot be removed now is tried later. Gives how many rows it took. */
  removeSome(): Promise<number>;
};

export function createOriginalService(deps: {
  database: Database;
  storages: OriginalStorages;
  logger: Logger;
}): OriginalService {
  const { database, storages, logger } = deps;
  const { takes } = storages;

  async function remove({ id, place, attempts }: RemovableOriginal): Promise<void> {
    const storage = storages.byPlace.get(place);
    try {
      if (!storage)
        throw new OriginalError('refused', `It is kept in ${place}, which the settings do not name any more.`);
      await storage.remove(id);
      await deleteOriginals(database.knex, [id]);
    } catch (error) {
      const known = error instanceof OriginalError;
      const delayMs = Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** Math.min(attempts - 1, 20));
      logger.warn(
        known ? { problem: error.message, attempts } : { err: error, attempts },
        'an original could not be removed',
      );
      await postponeOriginal(
        database.knex,
        id,
        known ? error.message : 'Something went wrong inside the hub.',
        delayMs,
      );
    }
  }

  return {
    isWanted: async (documentId) =>
      takes !== undefined && (await findOriginalHash(database.knex, documentId)) === undefined,

    draft(documentId) {
      let put: { id: string; place: string; beat: NodeJS.Timeout } | undefined;
      return {
        async put(file, { fileName, ...labels }, signal) {
          if (!takes) return;
          const { contentHash } = file;
          if (documentId && (await findOriginalHash(database.knex, documentId)) === contentHash) return;
          const id = randomUUID();
          await insertOriginal(database.knex, { id, place: takes.place, fileName, contentHash }, HOLD_MS);
          const beat = setInterval(() => {
            holdOriginal(database.knex, id, HOLD_MS).catch((error: unknown) =>
              logger.warn({ err: error }, 'an original could not be held'),
            );
          }, HOLD_EVERY_MS).unref();
          put = { id, place: takes.place, beat };
          await takes.put(id, file.path, labels, { signal });
        },

        async attach(trx, id, contentHash) {
          if (!put) await detachOtherOriginal(trx, id, contentHash);
          else if (!(await attachOriginal(trx, id, put.id)))
            throw new OriginalError('unavailable', 'The hub stood still for so long that the original was given up.');
        },

        async close() {
          if (!put) return;
          clearInterval(put.beat);
          await releaseOriginal(database.knex, put.id, put.place);
        },
      };
    },

    async open(user, documentId) {
      const found = isUuid(documentId)
        ? await findOriginal(database.current(), user.id, documentId)
        : { document: false };
      if (!found.document) throw new NotFoundError('The document');
      const { original } = found;
      if (!original) throw noOriginal('No original of this document is kept.');
      const { id, place, title, mediaType, sizeBytes, contentHash } = original;
      return {
        fileName: downloadName(title, original.fileName),
        mediaType,
        sizeBytes,
        contentHash,
        async read(options) {
          const storage = storages.byPlace.get(place);
          if (!storage) {
            logger.error({ place }, 'an original is kept in a place that the settings do not name');
            throw unavailable('The original is kept in a place that the hub does not reach any more.');
          }
          try {
            return await storage.open(id, options);
          } catch (error) {
            if (!(error instanceof OriginalError)) throw error;
            logger.warn({ problem: error.message, documentId }, 'an original could not be read');
            if (error.kind !== 'missing') throw unavailable('The storage of the originals cannot be read just now.');
            await forgetOriginal(database.current(), id);
            throw noOriginal('The original of this document is gone from its storage.');
          }
        },
      };
    },

    async removeSome() {
      const rows = await takeRemovableOriginals(database.knex, BATCH, REMOVE_LEASE_MS);
      const queue = [...rows];
      const work = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) await remove(next);
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, work));
      return rows.length;
    },
  };
}

const noOriginal = (what: string): AppError =>
  new AppError(404, 'no_original', `${what} Import the document again to keep it, if the hub keeps originals.`);

const unavailable = (what: string): AppError =>
  new AppError(503, 'original_unavailable', `${what} Try again later; if it lasts, tell the administrator.`);

/** The document's name, with the ending of the file that was imported where it has another. */
function downloadName(title: string, fileName: string): string {
  const ending = path.extname(fileName).slice(0, 20);
  // Neither what ends a line, nor what turns it round, nor what leads to another folder.
  const name =
    title
      .replaceAll(/[\p{Cc}\p{Cf}\p{Surrogate}/\\]/gu, ' ')
      .trim()
      .slice(0, 200) || 'document';
  return name.toLowerCase().endsWith(ending.toLowerCase()) ? name : `${name}${ending}`;
}
