import type { Database } from '../database/database.ts';
import { deleteCredentials, listSealedGrants, replaceSealed } from '../stores/credential-store.ts';
import { markNeedsReconnect } from '../stores/integration-store.ts';
import { FernetError } from '../vault/fernet.ts';
import type { Vault } from '../vault/vault.ts';
import { credentialContext } from './credential-service.ts';

const BATCH = 200;

/**
 * Seals every stored grant with the first key. Runs beside a working hub: a grant that is refreshed meanwhile is left as it is, because the hub
 * has sealed it already. May be stopped and started again at any time; what is done is not done twice.
 * Errors: FernetError when a row's key is missing; the rows before it are done.
 */
export async function rotateKeys(
  deps: { database: Database; vault: Vault },
  onProgress: (done: { seen: number; resealed: number }) => void = () => undefined,
): Promise<{ seen: number; resealed: number }> {
  const { knex } = deps.database;
  const done = { seen: 0, resealed: 0 };
  let after: string | undefined;
  for (;;) {
    const rows = await listSealedGrants(knex, after, BATCH);
    for (const { integrationId, sealed } of rows) {
      const resealed = deps.vault.reseal(sealed, credentialContext(integrationId));
      done.seen++;
      if (resealed !== undefined && (await replaceSealed(knex, integrationId, sealed, resealed))) done.resealed++;
    }
    onProgress({ ...done });
    after = rows.at(-1)?.integrationId;
    if (rows.length < BATCH) return done;
  }
}

/** The integrations whose stored grant no key opens. */
export async function findUnreadableGrants(deps: { database: Database; vault: Vault }): Promise<string[]> {
  const unreadable: string[] = [];
  let after: string | undefined;
  for (;;) {
    const rows = await listSealedGrants(deps.database.knex, after, BATCH);
    for (const { integrationId, sealed } of rows) {
      try {
        deps.vault.open(sealed, credentialContext(integrationId));
      } catch (error) {
        if (!(error instanceof FernetError)) throw error;
        unreadable.push(integrationId);
      }
    }
    after = rows.at(-1)?.integrationId;
    if (rows.length < BATCH) return unreadable;
  }
}

/** Gives up the grants that no key opens: their accounts ask to be reconnected. Gives how many. */
export async function forgetUnreadableGrants(deps: { database: Database; vault: Vault }): Promise<number> {
  const ids = await findUnreadableGrants(deps);
  for (const id of ids)
    await deps.database.transaction(async (trx) => {
      await deleteCredentials(trx, id);
      await markNeedsReconnect(trx, id, 'The key of the stored access is lost. Reconnect the account.');
    });
  return ids.length;
}

/** Said at a start that would leave accounts without their grants. */
export const missingKeyMessage = (count: number): string =>
  `${count} stored grant${count === 1 ? '' : 's'} cannot be opened with INTEGRATION_ENCRYPTION_KEY. ` +
  'Add the key they were sealed with to the end of the list and start again; after `npm run hub -- keys rotate` the old key may go. ' +
  'If that key is lost, run `npm run hub -- keys forget`: those accounts then ask to be reconnected, and their documents stay.';
