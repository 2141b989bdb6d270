import { Router } from 'express';
import type { Context } from '../context.ts';
import { BadRequestError } from '../errors.ts';
import { formatDate } from '../format.ts';
import { parseForm } from '../forms/form.ts';
import { testForm } from '../forms/notification-forms.ts';
import { safeNext } from '../middleware/auth.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { EVENTS, type Channel, type Notification } from '../notifications/events.ts';
import { paths } from '../paths.ts';
import type { ChannelOverview, Delivery, ToldNotification } from '../services/notification-service.ts';
import type { User } from '../services/user-service.ts';
import { flash, render, type Flash } from '../views.ts';
import type { ChannelCard, DeliveryRow, NotificationItem } from './notification-views.ts';

const CHANNEL_LABELS: Record<Channel, string> = { mail: 'Mail', webhook: 'Webhook' };

const STATE_LABELS: Record<Delivery['state'], string> = { waiting: 'Waiting', sent: 'Sent', failed: 'Given up' };

const DELIVERY_BADGES: Record<Delivery['state'], string> = { waiting: 'running', sent: 'active', failed: 'failed' };

/** How a notification that asked for attention stands; the others have no badge. */
const STANDING_BADGES: Partial<Record<NotificationItem['standing'], { status: string; label: string }>> = {
  open: { status: 'held', label: 'Needs attention' },
  dismissed: { status: 'off', label: 'Dismissed' },
  resolved: { status: 'active', label: 'Put right' },
};

const toDeliveryRow = ({ channel, state, problem, dueAt }: Delivery): DeliveryRow => ({
  channelLabel: CHANNEL_LABELS[channel],
  badge: { status: DELIVERY_BADGES[state], label: STATE_LABELS[state] },
  problem,
  nextAt: state === 'waiting' && problem !== undefined ? formatDate(dueAt) : undefined,
});

function standingOf(notification: Notification): NotificationItem['standing'] {
  const { event, payload, resolvedAt, dismissedAt } = notification;
  const asks = (EVENTS[event].stands as (payload: Notification['payload']) => boolean)(payload);
  if (!asks) return 'plain';
  if (resolvedAt) return 'resolved';
  return dismissedAt ? 'dismissed' : 'open';
}

function toItem(notification: ToldNotification): NotificationItem {
  const { id, text, detail, link, createdAt, deliveries } = notification;
  const standing = standingOf(notification);
  return {
    ...{ id, text, detail, link, standing },
    badge: STANDING_BADGES[standing],
    createdAt: formatDate(createdAt),
    deliveries: deliveries.map(toDeliveryRow),
  };
}

function toChannelCards({ mail, webhook }: ChannelOverview, user: User): ChannelCard[] {
  const admin = user.role === 'admin';
  const off = (names: string): string =>
    admin ? `Off: ${names} are not set.` : 'Off. The operator of this hub can switch it on.';
  return [
    {
      channel: 'mail',
      label: CHANNEL_LABELS.mail,
      on: mail !== undefined,
      text: mail
        ? `What needs your attention is sent to ${user.email}${admin ? `, from ${mail.from} by ${mail.server}` : ''}.`
        : off('SMTP_URL and MAIL_FROM'),
    },
    {
      channel: 'webhook',
      label: CHANNEL_LABELS.webhook,
      on: webhook !== undefined,
      text: webhook
        ? `Everything here is also posted to ${admin ? webhook.origin : 'a system that the operator of this hub has chosen'}.`
        : off('WEBHOOK_URL and WEBHOOK_SECRET'),
    },
  ];
}

function testOutcome({ channel, state, problem }: Delivery): Flash {
  const what = channel === 'mail' ? 'The test mail' : 'The test of the webhook';
  if (state === 'failed') return { kind: 'error', message: `${what} failed. ${problem ?? ''}` };
  if (state === 'sent')
    return {
      kind: 'success',
      message: channel === 'mail' ? `${what} was taken by the mail server.` : `${what} was accepted.`,
    };
  return { kind: 'notice', message: `${what} is on its way. Reload this page to see what became of it.` };
}

/** The page of all notifications, and the forms that dismiss one or try a channel. */
export function notificationRoutes(context: Context): Router {
  const router = Router();
  const { notifications } = context;

  router.get(paths.notifications, async (req, res) => {
    const user = currentUser(req);
    const cursor = queryValue(req, 'cursor');
    const page = await notifications.list(user, { cursor });
    render(res, 'notifications/index', {
      title: 'Notifications',
      section: 'notifications',
      notifications: page.notifications.map(toItem),
      nextHref: page.nextCursor === undefined ? undefined : paths.notificationsPage(page.nextCursor),
      firstHref: cursor === undefined ? undefined : paths.notifications,
      channels: toChannelCards(notifications.channels(), user),
      mayTest: user.role === 'admin',
    });
  });

  router.post(paths.notificationTest, async (req, res) => {
    const form = parseForm(testForm, req.body);
    if (!form.ok) throw new BadRequestError('bad_request', form.errors[0]?.message ?? '');
    flash(req, testOutcome(await notifications.test(currentUser(req), form.values.channel)));
    res.redirect(303, paths.notifications);
  });

  router.post('/admin/notifications/:id/dismiss', async (req, res) => {
    await notifications.dismiss(currentUser(req), param(req, 'id'));
    res.redirect(303, safeNext((req.body as Record<string, unknown> | undefined)?.return));
  });

  return router;
}
