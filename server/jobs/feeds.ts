import { ProviderError, type ProviderErrorKind } from '../../providers/errors.ts';
import type { Connection, Provider } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import type { JobPayloads } from '../queue/payloads.ts';
import type { Integration } from '../services/integration-service.ts';
import { hasFeed, insertFeed } from '../stores/feed-store.ts';
import { findIntegrationById } from '../stores/integration-store.ts';

/** A connected account, as jobs work with it. */
export type Account = { integration: Integration; provider: Provider; connection: Connection };

/** Not every place that can be listed has a feed that this account may read: it is listed anew at each sync then. */
const WITHOUT_FEED = new Set<ProviderErrorKind>(['denied', 'gone', 'scope', 'bad_response']);

/**
 * From now on follows the feed that tells of a place, before what is in it is listed: what changes meanwhile is in the feed.
 * Errors: ProviderError of kinds that concern more than the feed.
 */
export async function followFeed(context: Context, account: Account, ref: string): Promise<void> {
  const { provider, connection } = account;
  await follow(context, account, provider.changes?.feedOf(ref, connection));
}

/** Follows the feed of a newly connected account's own space, so that the first import need not begin with it. */
export async function followOwnFeed(context: Context, payload: JobPayloads['follow-changes']): Promise<void> {
  const { database, providers, connections } = context;
  const integration = await findIntegrationById(database.knex, payload.integrationId);
  const provider = integration && providers.get(integration.platform);
  if (!integration || !provider?.changes) return;
  const connection = connections.open(integration);
  await follow(context, { integration, provider, connection }, await provider.changes.own(connection));
}

async function follow(context: Context, account: Account, feed: string | undefined): Promise<void> {
  const { integration, provider, connection } = account;
  const { knex } = context.database;
  if (!provider.changes || feed === undefined) return;
  try {
    if (!(await hasFeed(knex, integration.id, feed)))
      await insertFeed(knex, integration.id, feed, await provider.changes.start(connection, feed));
    if (provider.webhooks?.watch) await context.watches.feedFollowed(integration.id, feed);
  } catch (error) {
    if (!(error instanceof ProviderError) || !WITHOUT_FEED.has(error.kind)) throw error;
    context.logger.info({ err: error, integrationId: integration.id }, 'a place has no change feed for this account');
  }
}
