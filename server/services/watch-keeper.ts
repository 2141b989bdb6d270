import type { Logger } from 'pino';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Platform, Provider } from '../../providers/provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Queue } from '../queue/queue.ts';
import { JobRetry } from '../queue/worker.ts';
import { listFeeds } from '../stores/feed-store.ts';
import { findIntegrationById } from '../stores/integration-store.ts';
import { hasSelections } from '../stores/scope-store.ts';
import { listWatches } from '../stores/watch-store.ts';
import {
  claimWatches,
  extendClaim,
  findWebhookState,
  releaseWatches,
  setFeedDue,
  takeDueWatches,
} from '../stores/webhook-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { ConnectionService } from './connection-service.ts';
import type { Integration } from './integration-service.ts';
import { bounded } from './provider-failures.ts';
import { createWatchOrders, type Run } from './watch-orders.ts';
import { webhookUrl, whyNotReachable } from './webhook-address.ts';

/** Keeps the orders at vendors to call the hub: made, prolonged in time, made anew when they are lost, and ended. */
export type WatchKeeper = {
  /** Puts the orders of an integration in order. While another process is at it, that one looks again. Errors: JobRetry. */
  keep(integrationId: string, signal: AbortSignal): Promise<void>;
  /** Queues the integrations that are due. Gives how many. */
  queueDue(): Promise<number>;
  /** A feed is followed from now on: it is to be watched too, where calls are wanted. */
  feedFollowed(integrationId: string, feed: string): Promise<void>;
  /** Ends all orders of an account that is being disconnected, as far as its vendor can be told in time. */
  endAll(integration: Integration): Promise<void>;
};

const HOUR_MS = 3_600_000;
/** Extended before each request; a slow answer fits in. */
const CLAIM_MS = 3 * 60_000;
/** What could not be ordered is tried again after this long, or when the vendor says so. */
const RETRY_MS = 10 * 60_000;
const LEAST_MS = 60_000;
const BATCH = 50;

/** What a look has found: when the next one is due, and what went wrong. */
type Found = { nextAt?: Date; problem?: string };

export function createWatchKeeper(deps: {
  config: Config;
  database: Database;
  vault: Vault;
  providers: Map<Platform, Provider>;
  connections: ConnectionService;
  queue: Queue;
  logger: Logger;
}): WatchKeeper {
  const { config, database, providers, connections, queue, logger } = deps;
  const orders = createWatchOrders(deps);
  const db = () => database.current();

  /** The feeds that a sync would read, where calls are wanted. */
  async function wantedFeeds({ integration }: Run): Promise<string[]> {
    const { wanted } = await findWebhookState(db(), integration.id);
    if (!wanted || !(await hasSelections(db(), integration.id))) return [];
    return (await listFeeds(db(), integration.id)).map(({ feed }) => feed);
  }

  async function look(run: Run): Promise<Found> {
    const { integration, provider, hooks } = run;
    // Without a grant nobody can be asked; when there is one again, the orders are due.
    if (!hooks.watch || integration.status !== 'active') return {};
    const wanted = await wantedFeeds(run);
    const unreachable = wanted.length > 0 ? whyNotReachable(config, provider) : undefined;
    const feeds = unreachable === undefined ? wanted : [];
    const failures: unknown[] = [];
    for (const feed of feeds)
      await orders.watchFeed(run, feed).catch((error: unknown) => {
        if (error instanceof JobRetry) throw error;
        logger.warn({ err: error, integrationId: integration.id }, 'calls could not be ordered at a vendor');
        failures.push(error);
      });
    await orders.endOthers(run, feeds);
    const rows = await listWatches(db(), integration.id);
    if (wanted.length === 0 && rows.length === 0) return {};
    if (failures.length > 0) return failed(provider, failures);
    const renewals = rows.flatMap(({ renewAt }) => (renewAt ? [renewAt.getTime()] : []));
    const next = Math.max(Math.min(Date.now() + HOUR_MS, ...renewals), Date.now() + LEAST_MS);
    return { problem: unreachable, nextAt: new Date(next) };
  }

  function runOf(integration: Integration, signal: AbortSignal, goOn: Run['goOn']): Run | undefined {
    const provider = providers.get(integration.platform);
    if (!provider?.webhooks) return undefined;
    const { fetch, ...rest } = connections.open(integration);
    const connection: Connection = { ...rest, fetch: (input, init) => fetch(input, { ...init, signal }) };
    const address = webhookUrl(config, integration.platform, provider.webhooks, integration.id);
    return { integration, provider, hooks: provider.webhooks, connection, address, goOn };
  }

  /** Looks once, as the only process. Gives whether it was asked meanwhile to look again. */
  async function keepOnce(integrationId: string, signal: AbortSignal): Promise<boolean> {
    const claim = { until: await claimWatches(db(), integrationId, CLAIM_MS) };
    if (!claim.until) return false;
    const goOn = async () => {
      if (signal.aborted) throw new JobRetry('the worker is stopping');
      claim.until = claim.until && (await extendClaim(db(), integrationId, claim.until, CLAIM_MS));
      if (!claim.until) throw new JobRetry('somebody else looks after these watches');
    };
    const release = async (found: Found) =>
      claim.until ? releaseWatches(db(), integrationId, claim.until, found) : false;
    try {
      const integration = await findIntegrationById(db(), integrationId);
      const run = integration && runOf(integration, signal, goOn);
      return await release(run ? await look(run) : {});
    } catch (error) {
      await release({ nextAt: new Date(Date.now() + LEAST_MS) });
      throw error;
    }
  }

  return {
    async keep(integrationId, signal) {
      while (await keepOnce(integrationId, signal));
    },

    async queueDue() {
      return database.transaction(async (trx) => {
        const ids = await takeDueWatches(trx, BATCH);
        const payloads = ids.map((integrationId) => ({ integrationId }));
        await queue.enqueue(trx, 'keep-watches', payloads);
        return ids.length;
      });
    },

    async feedFollowed(integrationId, feed) {
      await database.transaction(async (trx) => {
        if (await setFeedDue(trx, integrationId, feed)) await queue.enqueue(trx, 'keep-watches', [{ integrationId }]);
      });
    },

    async endAll(integration) {
      if ((await listWatches(db(), integration.id)).length === 0) return;
      const stop = new AbortController();
      const run = runOf(integration, stop.signal, async () => stop.signal.throwIfAborted());
      if (!run) return;
      try {
        await bounded(orders.endOthers(run, []), run.provider.definition.label);
      } catch (error) {
        logger.info(
          { err: error, integrationId: integration.id },
          'the watches could not all be ended at their vendor',
        );
      } finally {
        stop.abort();
      }
    },
  };
}

/** The first failure in a sentence; tried again when the vendor says so, within the hour. */
function failed({ definition }: Provider, failures: unknown[]): Found {
  const known = failures.filter((error) => error instanceof ProviderError);
  const waits = known.map(({ retryAt }) => retryAt?.getTime() ?? 0);
  const next = Math.min(Math.max(Date.now() + RETRY_MS, ...waits), Date.now() + HOUR_MS);
  const problem = known[0]?.message ?? `${definition.label} could not be asked to call the hub.`;
  return { problem, nextAt: new Date(next) };
}
