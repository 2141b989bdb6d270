import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { ProviderError } from '../../providers/errors.ts';
import type { ProviderDefinition } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { deleteBucket, listPauses, pauseBucket, returnTokens, takeTokens, type Bucket } from '../stores/pace-store.ts';
import type { Integration } from './integration-service.ts';

/** Waits up to this long are waited for; longer ones are the caller's to plan: a page says so, a job runs again then. */
export const SHORT_WAIT_MS = 2000;

/** Vendors that ask for a pause without saying how long get this much. */
const DEFAULT_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 24 * 3600 * 1000;

/** Sees to it that no vendor is asked faster than it allows, over all processes. */
export type RateGovernor = {
  /** Returns when the request may leave. Errors: ProviderError `rate_limited` with `retryAt` where that is not soon; the signal's reason. */
  admit(integration: Integration, definition: ProviderDefinition, signal?: AbortSignal | null): Promise<void>;
  /**
   * Waits while a pause that this process knows of holds: for what follows an admission later, after a token was refreshed or a vendor
   * redirected. Errors: as those of `admit`.
   */
  hold(integration: Integration, definition: ProviderDefinition, signal?: AbortSignal | null): Promise<void>;
  /** Notes the pause that a vendor asked for. Gives its length in ms. */
  pause(
    integration: Integration,
    definition: ProviderDefinition,
    asked: { waitMs?: number; reach?: 'account' | 'app' },
  ): Promise<number>;
  /** Until when the integration is throttled, by its own or its vendor's pause. */
  throttledUntil(integrations: Integration[]): Promise<Map<string, Date>>;
  /** Leaves nothing of an integration that is gone. */
  forget(db: Knex, integrationId: string): Promise<void>;
};

const integrationKey = (id: string) => `integration:${id}`;
const appKey = (platform: string) => `app:${platform}`;

export function createRateGovernor(deps: { database: Database }): RateGovernor {
  const { database } = deps;
  // What this process knows of pauses: it counts for requests that were admitted just before the vendor spoke.
  const localPauses = new Map<string, number>();

  const bucketsOf = (integration: Integration, { pace }: ProviderDefinition): [Bucket, Bucket] => [
    { key: integrationKey(integration.id), ...pace.integration },
    { key: appKey(integration.platform), ...pace.app },
  ];

  const tooLong = (integration: Integration, definition: ProviderDefinition, retryAt: Date) =>
    new ProviderError(
      'rate_limited',
      integration.platform,
      `${definition.label} asks for a pause. Resumes at ${clock(retryAt)}.`,
      { retryAt },
    );

  const heldFor = (integration: Integration): number =>
    Math.max(
      ...[integrationKey(integration.id), appKey(integration.platform)].map((key) => localPauses.get(key) ?? 0),
    ) - Date.now();

  return {
    async admit(integration, definition, signal) {
      const buckets = bucketsOf(integration, definition);
      for (;;) {
        signal?.throwIfAborted();
        const { waitMs, pausedUntil } = await takeTokens(database.current(), buckets);
        const pauseMs = (pausedUntil?.getTime() ?? 0) - Date.now();
        if (Math.max(waitMs, pauseMs) > SHORT_WAIT_MS) {
          await returnTokens(database.current(), buckets);
          throw tooLong(integration, definition, new Date(Date.now() + Math.max(waitMs, pauseMs)));
        }
        if (pauseMs > 0) {
          await returnTokens(database.current(), buckets);
          await sleep(pauseMs + Math.random() * 100, undefined, { signal: signal ?? undefined });
          continue;
        }
        if (waitMs > 0) await sleep(waitMs, undefined, { signal: signal ?? undefined });
        if (heldFor(integration) > 0) continue;
        return;
      }
    },

    async hold(integration, definition, signal) {
      for (let ms = heldFor(integration); ms > 0; ms = heldFor(integration)) {
        if (ms > SHORT_WAIT_MS) throw tooLong(integration, definition, new Date(Date.now() + ms));
        await sleep(ms + Math.random() * 100, undefined, { signal: signal ?? undefined });
      }
    },

    async pause(integration, definition, { waitMs, reach }) {
      const forMs = Math.min(Math.max(waitMs ?? DEFAULT_PAUSE_MS, 100), LONGEST_PAUSE_MS);
      const [own, app] = bucketsOf(integration, definition);
      const bucket = reach === 'app' ? app : own;
      // A shorter one that comes later, for a request that was on its way, does not end the longer one.
      localPauses.set(bucket.key, Math.max(localPauses.get(bucket.key) ?? 0, Date.now() + forMs));
      await pauseBucket(database.current(), bucket, forMs);
      return forMs;
    },

    async throttledUntil(integrations) {
      const keys = integrations.flatMap(({ id, platform }) => [integrationKey(id), appKey(platform)]);
      const pauses = await listPauses(database.current(), [...new Set(keys)]);
      const until = new Map<string, Date>();
      for (const { id, platform } of integrations) {
        const times = [pauses.get(integrationKey(id)), pauses.get(appKey(platform))].filter((at) => at !== undefined);
        const latest = Math.max(...times.map((at) => at.getTime()));
        // A pause of a second or two is nothing that a person should act on.
        if (latest - Date.now() > SHORT_WAIT_MS) until.set(id, new Date(latest));
      }
      return until;
    },

    async forget(db, integrationId) {
      localPauses.delete(integrationKey(integrationId));
      await deleteBucket(db, integrationKey(integrationId));
    },
  };
}

/** "14:05 UTC", with the day where it is not today. */
export function clock(at: Date): string {
  const iso = at.toISOString();
  const day = iso.slice(0, 10) === new Date().toISOString().slice(0, 10) ? '' : `${iso.slice(0, 10)} `;
  return `${day}${iso.slice(11, 16)} UTC`;
}
