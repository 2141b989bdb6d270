import type { Database } from '../database/database.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { deleteCredentials, listSealedGrants, replaceSealed } from '../stores/credential-store.ts';
import { markNeedsReconnect } from '../stores/integration-store.ts';
import { listSealedWatches, replaceSealedWatch } from '../stores/watch-store.ts';
import { FernetError } from '../vault/fernet.ts';
import type { Vault } from '../vault/vault.ts';
import { credentialContext } from './credential-service.ts';
import { watchContext } from './watch-secrets.ts';

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
    if (rows.length < BATCH) break;
  }
  await rotateWatches(deps);
  await recordAudit(knex, { action: 'keys_rotated', details: done });
  return done;
}

/** The secrets by which vendors prove their calls. One that no key opens is left: the hub orders such calls anew by itself. */
async function rotateWatches({ database, vault }: { database: Database; vault: Vault }): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await listSealedWatches(database.knex, after, BATCH);
    for (const { id, sealed } of rows) {
      const resealed = resealOrLeave(vault, sealed, watchContext(id));
      if (resealed !== undefined) await replaceSealedWatch(database.knex, id, sealed, resealed);
    }
    after = rows.at(-1)?.id;
    if (rows.length < BATCH) return;
  }
}

function resealOrLeave(vault: Vault, sealed: string, context: string): string | undefined {
  try {
    return vault.reseal(sealed, context);
  } catch (error) {
    if (error instanceof FernetError) return undefined;
    throw error;
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
  if (ids.length > 0)
    await recordAudit(deps.database.knex, { action: 'keys_forgotten', details: { grants: ids.length } });
  return ids.length;
}

/** Said at a start that would leave accounts without their grants. */
export const missingKeyMessage = (count: number): string =>
  `${count} stored grant${count === 1 ? '' : 's'} cannot be opened with INTEGRATION_ENCRYPTION_KEY. ` +
  'Add the key they were sealed with to the end of the list and start again; after `npm run hub -- keys rotate` the old key may go. ' +
  'If that key is lost, run `npm run hub -- keys forget`: those accounts then ask to be reconnected, and their documents stay.';
