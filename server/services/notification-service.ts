import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { ProviderDefinition } from '../../providers/provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { BadRequestError, ForbiddenError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { DeliveryError } from '../notifications/delivery-error.ts';
import { CHANNELS, type Channel, type Notification } from '../notifications/events.ts';
import { composeMail, createMailer } from '../notifications/mail.ts';
import { composeWebhook, createWebhookSender } from '../notifications/webhook.ts';
import { tell, type Told } from '../notifications/words.ts';
import type { Queue } from '../queue/queue.ts';
import {
  listDeliveries,
  listOverdueDeliveries,
  postponeDelivery,
  routeNotification,
  settleDelivery,
  takeDelivery,
  takeUnrouted,
  type Delivery,
  type DueDelivery,
} from '../stores/notification-delivery-store.ts';
import {
  dismissNotification,
  listNotifications,
  listOpenNotifications,
  raiseNotification,
  subjectOf,
} from '../stores/notification-store.ts';
import type { User } from './user-service.ts';

export type { Delivery };

export type ToldNotification = Notification & Told & { deliveries: Delivery[] };

/** What is set up, as people may see it. */
export type ChannelOverview = { mail?: { server: string; from: string }; webhook?: { origin: string } };

/** Tells people and other systems what happened: on the pages, by mail, by webhook. */
export type NotificationService = {
  /** What asks the user for attention, newest first, at most `limit`. */
  open(user: User, limit: number): Promise<(Notification & Told)[]>;
  list(user: User, options?: { cursor?: string }): Promise<{ notifications: ToldNotification[]; nextCursor?: string }>;
  /** Takes one off the pages. Errors: NotFoundError. */
  dismiss(user: User, id: string): Promise<void>;
  channels(): ChannelOverview;
  /**
   * Sends a test on a channel and waits for it for a moment. Gives the delivery as it is then; it is tried once.
   * Errors: ForbiddenError; BadRequestError `not_configured`.
   */
  test(user: User, channel: Channel): Promise<Delivery>;
  /** Hands what was written to the channels that are set up. Gives how many. */
  route(): Promise<number>;
  /** Gives deliveries that lost their job a new one. */
  revive(): Promise<void>;
  /** Makes one delivery, or plans when it is tried again. May run twice: whoever takes it first makes it. */
  deliver(deliveryId: string): Promise<void>;
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Waits between attempts: a day and half an hour in all. */
const RETRY_DELAYS = [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 4 * HOUR, 8 * HOUR, 10 * HOUR];
/** Spreads what failed together. */
const JITTER = 0.1;
/** Longer than any attempt takes. */
const LEASE_MS = 3 * MINUTE;
const OVERDUE_MS = MINUTE;
const BATCH = 100;
const TEST_WAIT_MS = 5 * SECOND;
const TEST_POLL_MS = 100;

export function createNotificationService(deps: {
  config: Config;
  database: Database;
  definitions: ProviderDefinition[];
  egress: Egress;
  queue: Queue;
  logger: Logger;
}): NotificationService {
  const { config, database, definitions, egress, queue, logger } = deps;
  const mailer = config.mail && createMailer(config.mail);
  const webhook = config.webhook && createWebhookSender(config.webhook, egress);
  const isOn: Record<Channel, boolean> = { mail: mailer !== undefined, webhook: webhook !== undefined };

  const told = <N extends Notification>(notification: N): N & Told => ({
    ...notification,
    ...tell(notification, definitions),
  });

  async function handOver(trx: Knex.Transaction, notificationId: string, channels: Channel[]): Promise<void> {
    const ids = await routeNotification(trx, notificationId, channels);
    await queue.enqueue(
      trx,
      'notify',
      ids.map((deliveryId) => ({ deliveryId })),
    );
  }

  async function send({ id, channel, notification, recipient }: DueDelivery): Promise<void> {
    const { baseUrl } = config;
    if (channel === 'webhook' && webhook)
      return webhook.send({ id: `msg_${id}`, body: composeWebhook(notification, baseUrl) });
    if (channel === 'mail' && mailer) {
      if (recipient.disabled) throw new DeliveryError('Its owner is disabled.', { final: true });
      const mail = composeMail(notification, told(notification), baseUrl);
      return mailer.send({ ...mail, messageId: `${id}@${new URL(baseUrl).hostname}`, to: recipient.email });
    }
    throw new DeliveryError('The settings of this channel are gone.', { final: true });
  }

  /** Undefined: no further attempt is worth it. */
  function delayAfter({ attempts, notification }: DueDelivery, error: DeliveryError): number | undefined {
    const delay = RETRY_DELAYS[attempts - 1];
    if (error.final || notification.event === 'notification.test' || delay === undefined) return undefined;
    return delay * (1 + Math.random() * JITTER);
  }

  async function putOffOrGiveUp(delivery: DueDelivery, error: DeliveryError): Promise<void> {
    const { id, channel, attempts, notification } = delivery;
    const problem = error.message;
    const about = { notificationId: notification.id, event: notification.event, channel, attempts, problem };
    const delay = delayAfter(delivery, error);
    if (delay === undefined) {
      await settleDelivery(database.current(), id, { state: 'failed', problem });
      logger.error(about, 'a notification could not be delivered and is given up');
      return;
    }
    await database.transaction(async (trx) => {
      const startAfter = await postponeDelivery(trx, id, delay, problem);
      await queue.enqueue(trx, 'notify', [{ deliveryId: id }], { startAfter });
    });
    logger.warn(about, 'a notification could not be delivered; it is tried again');
  }

  return {
    open: async (user, limit) => (await listOpenNotifications(database.current(), user.id, limit)).map(told),

    async list(user, { cursor } = {}) {
      const page = await listNotifications(database.current(), user.id, cursor);
      const ids = page.notifications.map(({ id }) => id);
      const deliveries = ids.length === 0 ? [] : await listDeliveries(database.current(), ids);
      return {
        nextCursor: page.nextCursor,
        notifications: page.notifications.map((one) => ({
          ...told(one),
          deliveries: deliveries.filter(({ notificationId }) => notificationId === one.id),
        })),
      };
    },

    async dismiss(user, id) {
      const found = isUuid(id) && (await dismissNotification(database.current(), user.id, id));
      if (!found) throw new NotFoundError('The notification');
    },

    channels: () => ({
      mail: config.mail && { server: config.mail.host, from: config.mail.from.address },
      webhook: config.webhook && { origin: new URL(config.webhook.url).origin },
    }),

    async test(user, channel) {
      if (user.role !== 'admin') throw new ForbiddenError('Only admins send tests. Ask an admin of this hub.');
      if (!isOn[channel])
        throw new BadRequestError(
          'not_configured',
          channel === 'mail'
            ? 'Mail is off: SMTP_URL and MAIL_FROM must be set on the server.'
            : 'The webhook is off: WEBHOOK_URL and WEBHOOK_SECRET must be set on the server.',
        );
      const id = await database.transaction(async (trx) => {
        const raised = await raiseNotification(trx, 'notification.test', {
          userId: user.id,
          subject: subjectOf.test,
          payload: {},
        });
        await handOver(trx, raised, [channel]);
        return raised;
      });
      for (const until = Date.now() + TEST_WAIT_MS; ;) {
        const [delivery] = await listDeliveries(database.current(), [id]);
        if (!delivery) throw new NotFoundError('The notification');
        if (delivery.state !== 'waiting' || Date.now() > until) return delivery;
        await sleep(TEST_POLL_MS);
      }
    },

    route: () =>
      database.transaction(async (trx) => {
        const unrouted = await takeUnrouted(trx, BATCH);
        for (const { id, mail } of unrouted)
          await handOver(
            trx,
            id,
            CHANNELS.filter((channel) => isOn[channel] && (channel !== 'mail' || mail)),
          );
        return unrouted.length;
      }),

    async revive() {
      const overdue = await listOverdueDeliveries(database.knex, OVERDUE_MS, BATCH);
      const lost = await queue.withoutJob('notify', 'deliveryId', overdue);
      await database.transaction((trx) =>
        queue.enqueue(
          trx,
          'notify',
          lost.map((deliveryId) => ({ deliveryId })),
        ),
      );
    },

    async deliver(deliveryId) {
      const delivery = await takeDelivery(database.current(), deliveryId, LEASE_MS);
      if (!delivery) return;
      try {
        await send(delivery);
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        return putOffOrGiveUp(delivery, error);
      }
      await settleDelivery(database.current(), deliveryId, { state: 'sent' });
      logger.info(
        { notificationId: delivery.notification.id, event: delivery.notification.event, channel: delivery.channel },
        'a notification was delivered',
      );
    },
  };
}
