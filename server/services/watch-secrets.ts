import type { Logger } from 'pino';
import type { StandingWatch } from '../../providers/provider.ts';
import { Secret } from '../secret.ts';
import type { WatchRow } from '../stores/watch-store.ts';
import type { Vault } from '../vault/vault.ts';

/** What the sealed column of a watch is bound to. */
export const watchContext = (id: string): string => `watches:${id}`;

export const sealWatchSecret = (vault: Vault, id: string, secret: Secret): string =>
  vault.seal(secret.reveal(), watchContext(id));

/** A watch as providers see it; undefined where no key opens its secret: nobody's call can be believed by it, and the keeper makes another. */
export function openWatch(
  { vault, logger }: { vault: Vault; logger: Logger },
  row: WatchRow,
): StandingWatch | undefined {
  try {
    const secret = new Secret(vault.open(row.sealed, watchContext(row.id)));
    return { id: row.watchId, feed: row.feed, data: row.data, expiresAt: row.expiresAt, secret };
  } catch (error) {
    logger.warn({ err: error, integrationId: row.integrationId }, 'the secret of a watch cannot be opened');
    return undefined;
  }
}
