import type { Knex } from 'knex';

/** `sealed` is vault ciphertext; nothing here can read it. Without `expiresAt` its end is not known. */
export type NewCredentials = { sealed: string; expiresAt?: Date };

/** `dead` is the sentence that says so of a grant which the vendor no longer accepts. */
export type CredentialRow = NewCredentials & { version: number; dead?: string };

export async function findCredentials(db: Knex, integrationId: string): Promise<CredentialRow | undefined> {
  const row = (await db('integration_credentials')
    .join('user_integrations', 'id', 'integration_id')
    .where({ integration_id: integrationId })
    .first('sealed', 'expires_at', 'version', 'status', 'status_detail')) as
    | { sealed: string; expires_at: Date | null; version: number; status: string; status_detail: string | null }
    | undefined;
  return (
    row && {
      sealed: row.sealed,
      expiresAt: row.expires_at ?? undefined,
      version: row.version,
      dead: row.status === 'needs_reconnect' ? (row.status_detail ?? '') : undefined,
    }
  );
}

/** Waits for whoever holds the row, for `timeoutMs` at most, then holds it until the transaction ends. */
export async function lockCredentials(
  trx: Knex.Transaction,
  integrationId: string,
  timeoutMs: number,
): Promise<CredentialRow | undefined> {
  await trx.raw(`select set_config('lock_timeout', ?, true)`, [`${timeoutMs}ms`]);
  await trx('integration_credentials').where({ integration_id: integrationId }).forUpdate().first('version');
  // Read after the lock: what was there before may have been replaced while this waited.
  return findCredentials(trx, integrationId);
}

export async function saveCredentials(db: Knex, integrationId: string, credentials: NewCredentials): Promise<void> {
  await db('integration_credentials')
    .insert({ integration_id: integrationId, sealed: credentials.sealed, expires_at: credentials.expiresAt ?? null })
    .onConflict('integration_id')
    .merge({
      sealed: credentials.sealed,
      expires_at: credentials.expiresAt ?? null,
      version: db.raw('integration_credentials.version + 1'),
      refreshed_at: db.fn.now(),
    });
}

/** Saves only over the version that was read. False when somebody else saved in between. */
export async function replaceCredentials(
  db: Knex,
  integrationId: string,
  credentials: { sealed: string; expiresAt: Date; version: number },
): Promise<boolean> {
  const updated = await db('integration_credentials')
    .where({ integration_id: integrationId, version: credentials.version })
    .update({
      sealed: credentials.sealed,
      expires_at: credentials.expiresAt,
      version: credentials.version + 1,
      refreshed_at: db.fn.now(),
    });
  return updated > 0;
}

/** Grants as they are sealed, in the order of their ids. */
export async function listSealedGrants(
  db: Knex,
  after: string | undefined,
  limit: number,
): Promise<{ integrationId: string; sealed: string }[]> {
  const query = db('integration_credentials').select('integration_id', 'sealed').orderBy('integration_id').limit(limit);
  if (after) query.where('integration_id', '>', after);
  const rows = (await query) as { integration_id: string; sealed: string }[];
  return rows.map((row) => ({ integrationId: row.integration_id, sealed: row.sealed }));
}

/** Replaces the ciphertext only where it is still the one that was read. */
export async function replaceSealed(db: Knex, integrationId: string, old: string, sealed: string): Promise<boolean> {
  return (
    (await db('integration_credentials').where({ integration_id: integrationId, sealed: old }).update({ sealed })) > 0
  );
}

export async function deleteCredentials(db: Knex, integrationId: string): Promise<void> {
  await db('integration_credentials').where({ integration_id: integrationId }).delete();
}
