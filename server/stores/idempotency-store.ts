import type { Knex } from 'knex';

/** A user's key and the hash of the request that it came with. */
export type KeyedRequest = { userId: string; key: string; requestHash: string };

/**
 * Takes a key that nobody has, or that is older than `seconds`. Whoever asks for one that another transaction is taking waits for its end. False:
 * it was taken before.
 */
export async function takeIdempotencyKey(
  trx: Knex.Transaction,
  { userId, key, requestHash }: KeyedRequest,
  seconds: number,
): Promise<boolean> {
  const { rows } = (await trx.raw(
    `insert into idempotency_keys as known (user_id, key, request_hash) values (?, ?, ?)
     on conflict (user_id, key) do update
       set request_hash = excluded.request_hash, import_id = null, created_at = excluded.created_at
       where known.created_at < now() - ? * interval '1 second'
     returning key`,
    [userId, key, requestHash, seconds],
  )) as { rows: unknown[] };
  return rows.length > 0;
}

/** Notes what the request began. */
export async function saveIdempotentImport(
  trx: Knex.Transaction,
  { userId, key }: Omit<KeyedRequest, 'requestHash'>,
  importId: string,
): Promise<void> {
  await trx('idempotency_keys').where({ user_id: userId, key }).update({ import_id: importId });
}

export async function findIdempotentImport(
  db: Knex,
  { userId, key }: Omit<KeyedRequest, 'requestHash'>,
): Promise<{ requestHash: string; importId: string } | undefined> {
  const row = (await db('idempotency_keys')
    .where({ user_id: userId, key })
    .whereNotNull('import_id')
    .first('request_hash', 'import_id')) as { request_hash: string; import_id: string } | undefined;
  return row && { requestHash: row.request_hash, importId: row.import_id };
}

/** Removes keys that are older than `seconds`. */
export async function deleteOldIdempotencyKeys(db: Knex, seconds: number): Promise<void> {
  await db('idempotency_keys').whereRaw(`created_at < now() - ? * interval '1 second'`, [seconds]).delete();
}
