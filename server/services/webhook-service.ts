import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Platform, Provider, StandingWatch, WebhookCall, WebhookVerdict } from '../../providers/provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { ConflictError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import type { Queue } from '../queue/queue.ts';
import { listCallingWatches, listWatches, rememberCall, renewWatches, type WatchRow } from '../stores/watch-store.ts';
import {
  findListening,
  findWebhookState,
  isIntegrationOf,
  noteHeard,
  noteNews,
  setWatchesDue,
  setWebhooks,
} from '../stores/webhook-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { IntegrationService } from './integration-service.ts';
import type { User } from './user-service.ts';
import { openWatch } from './watch-secrets.ts';
import { webhookUrl, whyNotReachable } from './webhook-address.ts';

/** How the vendor's calls of one account stand. */
export type WebhookStatus = {
  wanted: boolean;
  /** Why the vendor cannot call here: a sentence that says what to do. */
  impossible?: string;
  /** Where the vendor calls. */
  address: string;
  /** The operator registers the address at the vendor by hand. */
  byHand: boolean;
  /** What the operator has to do there, in a sentence or two. */
  setUp?: string;
  /** Feeds that are watched. */
  watching: number;
  /** Feeds that the vendor does not watch: the schedule finds what changed there. */
  unwatched: number;
  /** When the first order is prolonged. */
  renewsAt?: Date;
  heardAt?: Date;
  /** Calls since the account was connected. */
  heard: number;
  /** Why calls could not be ordered: a sentence. */
  problem?: string;
  triedAgainAt?: Date;
};

/** How a call is answered. `refused` has one face, whatever was wrong. */
export type Hearing = { kind: 'handshake'; text: string } | { kind: 'refused' } | { kind: 'heard' };

export type WebhookService = {
  /** Undefined where the service makes no calls. Errors: NotFoundError. */
  status(user: User, integrationId: string): Promise<WebhookStatus | undefined>;
  /** Errors: NotFoundError; ConflictError `webhooks_impossible`, when they are switched on where they cannot work. */
  set(user: User, integrationId: string, wanted: boolean): Promise<void>;
  /** Judges a call and hands over what it says, in one transaction; asks no vendor. */
  receive(platform: string, integrationId: string | undefined, call: WebhookCall): Promise<Hearing>;
};

type News = Extract<WebhookVerdict, { kind: 'news' }>;
const REFUSED: Hearing = { kind: 'refused' };

export function createWebhookService(deps: {
  config: Config;
  database: Database;
  vault: Vault;
  providers: Map<Platform, Provider>;
  integrations: IntegrationService;
  queue: Queue;
  logger: Logger;
}): WebhookService {
  const { config, database, providers, integrations, queue } = deps;

  async function find(user: User, integrationId: string) {
    const { id, platform } = await integrations.get(user, integrationId);
    const provider = providers.get(platform);
    return { id, platform, provider, hooks: provider?.webhooks };
  }

  /** Whom a believed call concerns, and what follows. */
  async function handOver(platform: Platform, integrationId: string | undefined, rows: WatchRow[], news: News) {
    const named = (ids: string[] = []) => rows.filter(({ watchId }) => ids.includes(watchId));
    await database.transaction(async (trx) => {
      if (news.once !== undefined && !(await rememberCall(trx, callId(platform, integrationId, news.once)))) return;
      const told = [
        ...named(news.watches).map((row) => row.integrationId),
        ...(await findListening(trx, platform, news.accounts ?? [])),
      ];
      const renewed = named(news.renew);
      const heard = [integrationId ?? [], told, renewed.map((row) => row.integrationId)].flat();
      await noteHeard(trx, [...new Set(heard)]);
      await noteNews(trx, [...new Set(told)]);
      await renewWatches(
        trx,
        renewed.map(({ id }) => id),
      );
      for (const id of new Set(renewed.map((row) => row.integrationId))) {
        await setWatchesDue(trx, id);
        await queue.enqueue(trx, 'keep-watches', [{ integrationId: id }]);
      }
    });
  }

  return {
    async status(user, integrationId) {
      const { id, platform, provider, hooks } = await find(user, integrationId);
      if (!provider || !hooks) return undefined;
      const state = await findWebhookState(database.current(), id);
      const rows = await listWatches(database.current(), id);
      const now = Date.now();
      const standing = rows.filter(
        ({ state, expiresAt }) => state === 'standing' && (!expiresAt || expiresAt.getTime() > now),
      );
      const feeds = (of: WatchRow[]) => new Set(of.map(({ feed }) => feed)).size;
      const renewals = standing.flatMap(({ renewAt }) => renewAt ?? []);
      return {
        wanted: state.wanted,
        impossible: whyNotReachable(config, provider),
        address: webhookUrl(config, platform, hooks, id),
        byHand: !hooks.watch,
        setUp: hooks.setUp,
        watching: feeds(standing),
        unwatched: feeds(rows.filter((row) => row.state === 'none')),
        renewsAt: renewals.sort((a, b) => a.getTime() - b.getTime())[0],
        heardAt: state.heardAt,
        heard: state.heard,
        problem: state.wanted ? state.problem : undefined,
        triedAgainAt: state.wanted && state.problem !== undefined ? state.dueAt : undefined,
      };
    },

    async set(user, integrationId, wanted) {
      const { id, provider, hooks } = await find(user, integrationId);
      const before = await findWebhookState(database.current(), id);
      if (before.wanted === wanted) return;
      if (wanted && (!provider || !hooks))
        throw new ConflictError(
          'webhooks_impossible',
          'This service does not say by itself that something has changed.',
        );
      const impossible = wanted && provider ? whyNotReachable(config, provider) : undefined;
      if (impossible !== undefined) throw new ConflictError('webhooks_impossible', impossible);
      await database.transaction(async (trx) => {
        await setWebhooks(trx, id, wanted);
        await queue.enqueue(trx, 'keep-watches', [{ integrationId: id }]);
      });
    },

    async receive(platform, integrationId, call) {
      const provider = [...providers.values()].find(({ definition }) => definition.id === platform);
      const hooks = provider?.webhooks;
      if (!provider || !hooks || !isUtf8(call.body)) return REFUSED;
      if ((hooks.address === 'account') !== (integrationId !== undefined)) return REFUSED;
      const { id } = provider.definition;
      const known = integrationId === undefined || isUuid(integrationId) ? integrationId : undefined;
      const needed = hooks.watch !== undefined && (hooks.address === 'app' || known !== undefined);
      const rows = needed ? await listCallingWatches(database.current(), id, known) : [];
      const watches = rows
        .map((row) => openWatch(deps, row))
        .filter((watch): watch is StandingWatch => watch !== undefined);
      const verdict = await hooks.receive(call, watches);
      if (verdict.kind !== 'news') return verdict;
      // Vendors tell news by POST; nothing that a link can do is believed.
      if (call.method !== 'POST') return REFUSED;
      if (integrationId !== undefined && !(known && (await isIntegrationOf(database.current(), id, known))))
        return REFUSED;
      await handOver(id, integrationId, rows, verdict);
      return { kind: 'heard' };
    },
  };
}

/** Short, whatever the vendor's is like, and of one address only. */
const callId = (platform: Platform, integrationId: string | undefined, once: string): string =>
  createHash('sha256')
    .update(JSON.stringify([platform, integrationId ?? '', once]))
    .digest('base64url');
