import type { Moment } from '../format.ts';
import type { Channel } from '../notifications/events.ts';

/** A line above every page. */
export type Banner = { id: string; text: string; link?: { href: string; label: string } };

export type DeliveryRow = {
  channelLabel: string;
  badge: { status: string; label: string };
  problem?: string;
  /** When it is tried again. */
  nextAt?: Moment;
};

export type NotificationItem = Banner & {
  detail: string;
  createdAt: Moment;
  /** `open`: asks for attention; `dismissed`: still stands, and is shown here only; `resolved`: its cause is gone; `plain`: asked for nothing. */
  standing: 'open' | 'dismissed' | 'resolved' | 'plain';
  badge?: { status: string; label: string };
  deliveries: DeliveryRow[];
};

export type ChannelCard = {
  channel: Channel;
  label: string;
  /** What it does, or which variables are missing. */
  text: string;
  on: boolean;
};

export type NotificationViews = {
  'notifications/index': {
    notifications: NotificationItem[];
    nextHref?: string;
    firstHref?: string;
    channels: ChannelCard[];
    /** Admins try a channel. */
    mayTest: boolean;
  };
};
