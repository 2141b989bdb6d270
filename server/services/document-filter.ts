import type { Platform } from '../../providers/provider.ts';

/**
 * How a document is looked after: by syncs; by nobody, since it was imported once; by nobody until its account works again; or by nobody ever,
 * since its account is gone.
 */
export const DOCUMENT_STATES = ['followed', 'once', 'paused', 'disconnected'] as const;
export type DocumentState = (typeof DOCUMENT_STATES)[number];

/** When the source last changed it: within 7 days, 30 days, 365 days, before that, or the source does not say. */
export const DOCUMENT_AGES = ['week', 'month', 'year', 'older', 'unknown'] as const;
export type DocumentAge = (typeof DOCUMENT_AGES)[number];

/** `-up` is the other way round: oldest first, or Z before A. What has no date comes last. */
export const DOCUMENT_SORTS = ['imported', 'imported-up', 'changed', 'changed-up', 'title', 'title-up'] as const;
export type DocumentSort = (typeof DOCUMENT_SORTS)[number];

export type DocumentFilter = {
  platform?: Platform;
  category?: string;
  /** Only those without a category. */
  uncategorised?: boolean;
  integrationId?: string;
  state?: DocumentState;
  age?: DocumentAge;
  /** Words in title or path. */
  q?: string;
};

/** How many documents each value would leave, all other filters staying as they are. */
export type DocumentFacets = {
  /** That match all filters. */
  total: number;
  platforms: { value: Platform; count: number }[];
  /** By id of the integration. */
  integrations: { value: string; count: number }[];
  /** The most frequent first; undefined are those without one. */
  categories: { value: string | undefined; count: number }[];
  states: { value: DocumentState; count: number }[];
  ages: { value: DocumentAge; count: number }[];
};
