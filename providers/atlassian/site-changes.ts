import { z } from 'zod';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Change, ChangeFeeds, Connection } from '../provider.ts';
import type { Product } from './product.ts';
import type { Sites } from './sites.ts';

/** Searches lag behind what people do: each reads again what the last one may have missed. */
const OVERLAP_MS = 5 * 60_000;
/** How far a site's clock may be from ours. */
const SKEW_MS = 5 * 60_000;
/** Deletions are in no search: as often as this, everything is listed again, which is how they are found. */
const LIST_EVERY_MS = 24 * 3_600_000;
/** Marks that are kept; what is beyond them is told twice, which harms nobody. */
const MOST_SEEN = 2000;
/** The feed of a connection by token, whose refs name no site. */
const ONLY = '-';

const place = z.object({
  /** When the last search that was read to its end began, in milliseconds. */
  readAt: z.number(),
  /** When everything was listed. */
  listedAt: z.number(),
  /** Marks of what the last searches found, as far as the next one will find it again. */
  seen: z.array(z.string()),
  /** The search that is being read: when it began, and where it goes on. */
  search: z.object({ startedAt: z.number(), next: z.string(), seen: z.array(z.string()) }).optional(),
});
type Place = z.infer<typeof place>;

/** One account, and the site of it that is asked. */
type Seat = { connection: Connection; cloudId?: string };

/** What a search found. `mark`: its id, and what changes whenever it does. */
export type Touched = { mark: string; changedAt?: Date };

/** How a product tells what was changed at a site. Errors: ProviderError. */
export type ProductChanges<T extends Touched> = {
  /** The site of a ref; null where no search tells of what is in it. Errors: ProviderError `gone`. */
  siteOf(ref: string): { cloudId?: string } | null;
  /** One page of what was changed since; `next` is bound to the very same question. */
  search(seat: Seat, since: Date, next?: string): Promise<{ found: T[]; next?: string }>;
  /** What there is to say of those that were not told before; there is at least one. */
  tell(seat: Seat, news: T[]): Promise<Change[]>;
};

/**
 * Sites as change feeds: neither Confluence nor Jira has a log of changes, but both can be searched for what was changed since a moment. A site
 * in which nothing was changed costs one request. What is deleted or moved along with what holds it is in no search: once a day the cursor
 * counts as expired, so that everything is listed, which takes few requests, and what is not met is removed.
 */
export function createSiteChanges<T extends Touched>(
  { platform, label }: Product,
  sites: Sites,
  product: ProductChanges<T>,
): ChangeFeeds {
  const stale = (): ProviderError =>
    new ProviderError('cursor_expired', platform, `What was deleted in ${label} is found by listing everything again.`);

  const parse = (cursor: string): Place => {
    const at = place.safeParse(parseJson(cursor)).data;
    if (!at || (!at.search && Date.now() - at.listedAt > LIST_EVERY_MS)) throw stale();
    return at;
  };

  return {
    feedOf(ref) {
      const site = product.siteOf(ref);
      return site ? (site.cloudId ?? ONLY) : undefined;
    },

    async own(connection) {
      if (connection.site) return ONLY;
      const [site, another] = await sites.list(connection);
      return another ? undefined : site?.cloudId;
    },

    start() {
      const now = Date.now();
      return Promise.resolve(JSON.stringify({ readAt: now, listedAt: now, seen: [] } satisfies Place));
    },

    async read(connection, feed, cursor) {
      const { readAt, listedAt, seen, search } = parse(cursor);
      const seat = { connection, cloudId: feed === ONLY ? undefined : feed };
      const startedAt = search?.startedAt ?? Date.now();
      const { found, next } = await product.search(seat, new Date(readAt - OVERLAP_MS), search?.next);
      const told = new Set([...seen, ...(search?.seen ?? [])]);
      const news = found.filter(({ mark }) => !told.has(mark));
      const changes = news.length === 0 ? [] : await product.tell(seat, news);

      // Only these will be found again.
      const keptFrom = startedAt - OVERLAP_MS - SKEW_MS;
      const recent = found.filter(({ changedAt }) => !changedAt || changedAt.getTime() >= keptFrom);
      const kept = [...new Set([...(search?.seen ?? []), ...recent.map(({ mark }) => mark)])].slice(-MOST_SEEN);
      const reached: Place =
        next === undefined
          ? { readAt: startedAt, listedAt, seen: kept }
          : { readAt, listedAt, seen, search: { startedAt, next, seen: kept } };
      return { changes, cursor: JSON.stringify(reached), done: next === undefined };
    },
  };
}
