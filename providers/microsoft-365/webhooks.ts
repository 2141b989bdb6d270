import { z } from 'zod';
import { sameSecret } from '../constant-time.ts';
import { ProviderError } from '../errors.ts';
import { dateOf, parseJson } from '../json.ts';
import type { Connection, StandingWatch, Watch, WebhookCall, Webhooks, WebhookVerdict } from '../provider.ts';
import type { Graph } from './graph.ts';
import { parseSubscription } from './wire.ts';

const MINUTE_MS = 60_000;
/**
 * The longest that Graph lets a subscription to a drive live, less an hour in which clocks may differ: 42 300 minutes.
 * Source: https://learn.microsoft.com/en-us/graph/api/resources/subscription (2026).
 */
const LIFE_MS = (42_300 - 60) * MINUTE_MS;

const notifications = z.object({ value: z.array(z.unknown()) });
/** Of what happened to a drive, or with `lifecycleEvent` to the subscription itself. */
const notification = z.object({
  subscriptionId: z.string(),
  clientState: z.string(),
  lifecycleEvent: z.string().nullish(),
});

/**
 * Graph's subscriptions, one for the top of each drive, which stands for all that is in it. Calls prove themselves by the secret that the
 * subscription was made with. Source: https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks (2026).
 */
export function createGraphWebhooks(graph: Graph): Webhooks {
  const { url } = graph;

  const order = async (
    connection: Connection,
    at: { address: string; method: 'POST' | 'PATCH' },
    wanted: Record<string, string>,
  ): Promise<Watch> => {
    const until = new Date(Date.now() + LIFE_MS);
    const { id, expirationDateTime } = parseSubscription(
      await graph.read(connection, at.address, 'a subscription', {
        method: at.method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...wanted, expirationDateTime: until.toISOString() }),
      }),
    );
    return { id, expiresAt: dateOf(expirationDateTime) ?? until };
  };

  return {
    address: 'account',

    async watch(connection, driveId, { address, secret }) {
      try {
        return await order(
          connection,
          { address: url`/subscriptions`, method: 'POST' },
          {
            changeType: 'updated',
            notificationUrl: address,
            lifecycleNotificationUrl: address,
            resource: `/drives/${encodeURIComponent(driveId)}/root`,
            clientState: secret.reveal(),
          },
        );
      } catch (error) {
        if (isRefused(error)) throw notAllowed(error);
        // Graph offers no subscription to this drive, or does not show it any more.
        if (error instanceof ProviderError && (error.kind === 'denied' || error.kind === 'gone')) return undefined;
        throw error;
      }
    },

    prolong: (connection, { id }) =>
      unlessGone(order(connection, { address: url`/subscriptions/${id}`, method: 'PATCH' }, {})),

    async unwatch(connection, { id }) {
      await unlessGone(graph.tell(connection, url`/subscriptions/${id}`, { method: 'DELETE' }));
    },

    receive: (call, watches) => Promise.resolve(read(call, watches)),
  };
}

function read({ method, query, body }: WebhookCall, watches: StandingWatch[]): WebhookVerdict {
  if (method !== 'POST') return { kind: 'refused' };
  if (query.validationToken) return { kind: 'handshake', text: query.validationToken };
  const told = notifications.safeParse(parseJson(body.toString())).data?.value ?? [];
  const believed = told.flatMap((one) => {
    const said = notification.safeParse(one).data;
    const watch = said && provenBy(said, watches);
    return said && watch ? [{ id: watch.id, event: said.lifecycleEvent }] : [];
  });
  if (believed.length === 0) return { kind: 'refused' };
  const idsOf = (wanted: (event: string | null | undefined) => boolean): string[] => [
    ...new Set(believed.filter(({ event }) => wanted(event)).map(({ id }) => id)),
  ];
  // Whatever else is told of a subscription, such as that calls were missed, the drive may have changed.
  return { kind: 'news', watches: idsOf((event) => !isEnding(event)), renew: idsOf(isEnding) };
}

/** The subscription ends soon unless it is prolonged, or has ended. */
const isEnding = (event: string | null | undefined): boolean =>
  event === 'reauthorizationRequired' || event === 'subscriptionRemoved';

/**
 * Whose secret a notification carries. A subscription that is not known by its id may be one that is just being made, or whose making was
 * answered too late: its secret tells.
 */
function provenBy(
  { subscriptionId, clientState }: z.infer<typeof notification>,
  watches: StandingWatch[],
): StandingWatch | undefined {
  const named = watches.filter(({ id }) => id === subscriptionId);
  const proven = (named.length > 0 ? named : watches).filter(({ secret }) => sameSecret(clientState, secret.reveal()));
  return proven[0];
}

const unlessGone = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (error instanceof ProviderError && error.kind === 'gone') return undefined;
    throw error;
  });

const isRefused = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && error.status === 403 && (error.kind === 'denied' || error.kind === 'scope');

/** Microsoft's table of permissions wants one to write for subscriptions; the hub asks for none, and tries. */
const notAllowed = (error: ProviderError): ProviderError =>
  new ProviderError(
    'scope',
    'microsoft',
    'Microsoft 365 does not let the hub subscribe to this drive with the permission to read alone. What changed is found by the schedule.',
    { status: error.status, requestId: error.requestId, cause: error },
  );
