import { createHash } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import {
  deleteOldIdempotencyKeys,
  findIdempotentImport,
  saveIdempotentImport,
  takeIdempotencyKey,
} from '../stores/idempotency-store.ts';
import type { User } from './user-service.ts';

/** A request that its sender may send again, not knowing whether it arrived. */
export type RepeatableRequest = {
  key: string;
  /** Address and body: what is to be the same when it comes again. */
  content: unknown;
};

export type IdempotencyService = {
  /**
   * Begins an import once for each key of a user, however often and at whatever moment it is asked for: key and import are one transaction.
   * Gives the id of the import that the first of these requests began, which `replayed` says. Errors: those of `begin`, which leave the key free; AppError 422
   * `idempotency_key_reused`.
   */
  once(
    user: User,
    request: RepeatableRequest,
    begin: () => Promise<{ id: string }>,
  ): Promise<{ id: string; replayed: boolean }>;
  /** Forgets keys that are a day old. */
  prune(): Promise<void>;
};

const KEPT_SECONDS = 24 * 3600;

export function createIdempotencyService({ database }: { database: Database }): IdempotencyService {
  return {
    once: (user, { key, content }, begin) =>
      database.transaction(async (trx) => {
        const request = { userId: user.id, key, requestHash: hashOf(content) };
        for (;;) {
          if (await takeIdempotencyKey(trx, request, KEPT_SECONDS)) {
            const { id } = await begin();
            await saveIdempotentImport(trx, request, id);
            return { id, replayed: false };
          }
          const first = await findIdempotentImport(trx, request);
          // Its import was deleted in between, and the key with it.
          if (!first) continue;
          if (first.requestHash !== request.requestHash)
            throw new AppError(
              422,
              'idempotency_key_reused',
              'This Idempotency-Key came with another request before. Send a new request with a key of its own.',
            );
          return { id: first.importId, replayed: true };
        }
      }),

    prune: () => deleteOldIdempotencyKeys(database.current(), KEPT_SECONDS),
  };
}

/** The same for the same content, in whatever order its members are written. */
function hashOf(content: unknown): string {
  const ordered = JSON.stringify(content, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(ordered).digest('hex');
}
