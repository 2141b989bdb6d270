import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Connection, Provider, Watch, Webhooks } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { Secret } from '../secret.ts';
import {
  deleteWatches,
  insertWatch,
  listWatches,
  prolongWatches,
  saveWatch,
  setWatchEnding,
  type WatchRow,
} from '../stores/watch-store.ts';
import { noteNews } from '../stores/webhook-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { Integration } from './integration-service.ts';
import { openWatch, sealWatchSecret } from './watch-secrets.ts';

/** One look at the orders of an account. */
export type Run = {
  integration: Integration;
  provider: Provider;
  hooks: Webhooks;
  connection: Connection;
  /** Where its vendor is to call. */
  address: string;
  /** Awaited before each request to the vendor. Errors: JobRetry, when somebody else has taken over or this process stops. */
  goOn: () => Promise<void>;
};

/** What is said to a vendor about its orders, each answer saved as it comes. */
export type WatchOrders = {
  /** Sees to it that a feed is watched: nothing to do, prolonged, or ordered. Errors: those of the provider. */
  watchFeed(run: Run, feed: string): Promise<void>;
  /** Ends all orders but those of these feeds. What cannot be ended is tried again at the next look. */
  endOthers(run: Run, feeds: string[]): Promise<void>;
};

/** Of the life of an order that passes before it is prolonged. */
const RENEW_AT = 2 / 3;
/** An order that lasts for moments is not prolonged more often than this. */
const LEAST_MS = 60_000;
/** Feeds that a vendor does not watch may be watched some day. */
const ASK_AGAIN_MS = 24 * 3_600_000;
/** An order without an end of its own that cannot be ended is forgotten. */
const GIVE_UP_MS = 7 * 24 * 3_600_000;

export function createWatchOrders(deps: { database: Database; vault: Vault; logger: Logger }): WatchOrders {
  const { database, vault, logger } = deps;
  const db = () => database.current();

  /** Whether an order can be relied on: made for this grant and this address, not over, and its calls can be believed. */
  const isGood = (run: Run, row: WatchRow): boolean =>
    row.state === 'standing' &&
    row.address === run.address &&
    row.madeAt >= run.integration.connectedAt &&
    !isOver(row) &&
    openWatch(deps, row) !== undefined;

  /** False when the vendor does not know the order any more. */
  async function prolong({ hooks, connection, goOn, integration }: Run, row: WatchRow): Promise<boolean> {
    const watch = openWatch(deps, row);
    if (!watch) return false;
    await goOn();
    const next = await hooks.prolong?.(connection, watch);
    if (!next) {
      logger.info({ integrationId: integration.id }, 'a vendor no longer knows a watch; another one is ordered');
      await deleteWatches(db(), [row.id]);
      return false;
    }
    await prolongWatches(db(), { integrationId: integration.id, watchId: row.watchId }, told(next, row.data));
    return true;
  }

  /** Orders calls for a feed; the earlier orders for it are to be ended from then on. False where it cannot be watched. */
  async function order(run: Run, feed: string): Promise<boolean> {
    const { hooks, connection, address, integration, goOn } = run;
    await goOn();
    const earlier = await listWatches(db(), integration.id);
    const given = {
      id: randomUUID(),
      watchId: randomUUID(),
      secret: new Secret(randomBytes(32).toString('base64url')),
    };
    const { id, watchId, secret } = given;
    const sealed = sealWatchSecret(vault, id, secret);
    await insertWatch(db(), { id, integrationId: integration.id, feed, watchId, address, sealed });
    let made: Watch | undefined;
    try {
      made = await hooks.watch?.(connection, feed, { address, secret, id: watchId });
    } catch (error) {
      await deleteWatches(db(), [id]);
      throw error;
    }
    if (made) {
      // One order for several feeds keeps the secret it was given first.
      const same = earlier.find((row) => row.state === 'standing' && row.watchId === made.id);
      const kept = (same && openWatch(deps, same)?.secret) ?? secret;
      await saveWatch(db(), id, { ...told(made), state: 'standing', sealed: sealWatchSecret(vault, id, kept) });
    } else {
      const renewAt = new Date(Date.now() + ASK_AGAIN_MS);
      await saveWatch(db(), id, { watchId, data: {}, state: 'none', sealed, renewAt });
    }
    const replaced = earlier.filter((row) => row.feed === feed);
    await deleteWatches(db(), idsOf(replaced.filter(isUnknown)));
    for (const row of replaced) if (!isUnknown(row)) await setWatchEnding(db(), row.id);
    return made !== undefined;
  }

  async function end({ hooks, connection, goOn, integration }: Run, row: WatchRow): Promise<boolean> {
    const watch = openWatch(deps, row);
    if (!watch || !hooks.unwatch) return true;
    await goOn();
    try {
      await hooks.unwatch(connection, watch);
      return true;
    } catch (error) {
      logger.info({ err: error, integrationId: integration.id }, 'a watch could not be ended at its vendor');
      return false;
    }
  }

  return {
    async watchFeed(run, feed) {
      const rows = (await listWatches(db(), run.integration.id)).filter((row) => row.feed === feed);
      const good = rows.find((row) => isGood(run, row));
      if (good && !isDue(good)) return;
      // It was said before that this one cannot be watched.
      if (!good && rows.some((row) => row.state === 'none' && row.address === run.address && !isDue(row))) return;
      if (good && run.hooks.prolong && (await prolong(run, good))) return;
      const overlaps = good !== undefined && !run.hooks.prolong;
      // What happened while nobody watched is told by nobody.
      if ((await order(run, feed)) && !overlaps) await noteNews(db(), [run.integration.id]);
    },

    async endOthers(run, feeds) {
      const rows = await listWatches(db(), run.integration.id);
      const isKept = ({ feed, state }: WatchRow) => feeds.includes(feed) && (state === 'standing' || state === 'none');
      const serving = new Set(rows.filter(isKept).map(({ watchId }) => watchId));
      for (const row of rows.filter((row) => !isKept(row))) {
        const needsNoEnd = serving.has(row.watchId) || isUnknown(row) || isOver(row);
        if (needsNoEnd || (await end(run, row))) await deleteWatches(db(), [row.id]);
        else await setWatchEnding(db(), row.id);
      }
    },
  };
}

const idsOf = (rows: WatchRow[]): string[] => rows.map(({ id }) => id);

/** There is no such order, or its process died before the vendor had answered: nothing is known to end it by. */
const isUnknown = ({ state }: WatchRow): boolean => state === 'none' || state === 'asked';

const isDue = ({ renewAt }: WatchRow): boolean => renewAt !== undefined && renewAt.getTime() <= Date.now();

const isOver = ({ expiresAt, state, madeAt }: WatchRow): boolean =>
  expiresAt ? expiresAt.getTime() <= Date.now() : state === 'ending' && Date.now() - madeAt.getTime() > GIVE_UP_MS;

/** What a vendor's answer says, as it is saved. */
function told({ id, data, expiresAt }: Watch, before: Record<string, string> = {}) {
  const now = Date.now();
  const life = expiresAt && expiresAt.getTime() - now;
  const renewAt = life === undefined ? undefined : new Date(now + Math.max(life * RENEW_AT, LEAST_MS));
  return { watchId: id, data: data ?? before, expiresAt, renewAt };
}
