import type { drive_v3 } from '@googleapis/drive';
import { sameSecret } from '../constant-time.ts';
import { ProviderError } from '../errors.ts';
import type { ChangeFeeds, Connection, WebhookCall, Webhooks } from '../provider.ts';
import { feedParams } from './changes.ts';
import { expiryOf, parseChannel } from './wire.ts';

/** The longest that Google lets a channel for changes live. Source: https://developers.google.com/workspace/drive/api/guides/push (2026). */
const LIFE_MS = 7 * 24 * 3_600_000;
/** Google's own choice, where its answer does not say another. */
const USUAL_LIFE_MS = 3_600_000;
/** The header tells whole seconds. */
const ROUNDING_MS = 60_000;

type CallOptions = { rootUrl: string; retry: boolean; headers: Record<string, string> };
/** The calls of Google's client that channels need. Errors: ProviderError. */
export type ChannelCalls = {
  watch(
    connection: Connection,
    run: (changes: drive_v3.Resource$Changes, options: CallOptions) => Promise<{ data: unknown }>,
  ): Promise<unknown>;
  stop(connection: Connection, channel: { id: string; resourceId?: string }): Promise<void>;
};

/**
 * Drive's notification channels: one for each log of changes, proved by a token that comes with each call. A channel cannot be prolonged; a
 * new one is made beside it. Source: https://developers.google.com/workspace/drive/api/guides/push (2026).
 */
export function createDriveWebhooks(calls: ChannelCalls, feeds: ChangeFeeds): Webhooks {
  return {
    address: 'account',

    async watch(connection, feed, { address, secret, id }) {
      const pageToken = await feeds.start(connection, feed);
      const body = await calls.watch(connection, (changes, options) =>
        changes.watch(
          {
            ...feedParams(feed),
            pageToken,
            includeRemoved: true,
            spaces: 'drive',
            requestBody: {
              id,
              type: 'web_hook',
              address,
              token: secret.reveal(),
              expiration: String(Date.now() + LIFE_MS),
            },
          },
          options,
        ),
      );
      const channel = parseChannel(body);
      const expiresAt = expiryOf(channel.expiration) ?? new Date(Date.now() + USUAL_LIFE_MS);
      return { id: channel.id, data: { resourceId: channel.resourceId }, expiresAt };
    },

    async unwatch(connection, { id, data }) {
      try {
        await calls.stop(connection, { id, resourceId: data?.resourceId });
      } catch (error) {
        // It has ended already.
        if (!(error instanceof ProviderError && error.kind === 'gone')) throw error;
      }
    },

    receive: (call, watches) => Promise.resolve(read(call, watches)),
  };
}

function read({ method, headers }: WebhookCall, watches: Parameters<Webhooks['receive']>[1]) {
  const id = headers['x-goog-channel-id'];
  const state = headers['x-goog-resource-state'];
  const watch = watches.find((known) => known.id === id);
  // Compared also where the channel is not known, so that both take as long.
  const proved = sameSecret(headers['x-goog-channel-token'], watch?.secret.reveal());
  if (!proved || !watch || method !== 'POST' || state === undefined) return { kind: 'refused' as const };
  const number = headers['x-goog-message-number'];
  const endsAt = expiryOf(headers['x-goog-channel-expiration']);
  const shortened = endsAt && watch.expiresAt && watch.expiresAt.getTime() - endsAt.getTime() > ROUNDING_MS;
  return {
    kind: 'news' as const,
    // The first call of a channel only says that it works.
    watches: state === 'sync' ? [] : [watch.id],
    renew: shortened ? [watch.id] : [],
    once: number === undefined ? undefined : `${watch.id} ${number}`,
  };
}
