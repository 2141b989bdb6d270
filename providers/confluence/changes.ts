import { wasTooMuch } from '../atlassian/failures.ts';
import type { Product } from '../atlassian/product.ts';
import { createSiteChanges, type ProductChanges } from '../atlassian/site-changes.ts';
import type { Sites } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import type { Change, ChangeFeeds, Connection, Item } from '../provider.ts';
import type { Ancestors, Step } from './ancestors.ts';
import type { ConfluenceApi, Found, Seat } from './api.ts';
import { changedWithin } from './cql.ts';
import { staleCursor } from './cursors.ts';
import { attachmentHint } from './hints.ts';
import { toAttachmentItem, toBlogItem, toCommentsItem, type Content } from './items.ts';
import { createItemsOf } from './items-of.ts';
import { formatRef, isDocument, parseRef, type Document } from './refs.ts';

/** Confluence's own limit. */
const MOST = 250;
const MINUTE_MS = 60_000;

export type TouchedContents = Pick<ProductChanges<Found>, 'search' | 'tell'>;

/**
 * What was changed at a Confluence site, by a search in CQL. Searches know nothing of what lies in the trash: only where something else was
 * changed, the trash is asked for what was thrown away last, because a sync in which nothing happened is to cost one request. All other
 * deletions, and sub-pages of a page that came in from elsewhere or left, are found when everything is listed again.
 */
export const createConfluenceChanges = (
  product: Product,
  sites: Sites,
  of: (connection: Connection) => TouchedContents,
): ChangeFeeds =>
  createSiteChanges<Found>(product, sites, {
    siteOf: parseRef,
    search: async (seat, ...asked) => of(seat.connection).search(seat, ...asked),
    tell: async (seat, news) => of(seat.connection).tell(seat, news),
  });

/** By the calls of Cloud or of a Data Center. */
export function createTouchedContents(api: ConfluenceApi, ancestors: Ancestors): TouchedContents {
  const itemsOf = createItemsOf(ancestors);

  const withBodies = async (seat: Seat, documents: Document[]): Promise<Content[]> => {
    try {
      const read = (['page', 'blogpost'] as const).map((kind) => {
        const ids = documents.filter((document) => document.kind === kind).map(({ id }) => id);
        return api.byIds(seat, kind, ids, true);
      });
      return (await Promise.all(read)).flat();
    } catch (error) {
      // Each is opened by itself then.
      if (wasTooMuch(error)) return ancestors.contents(seat, documents);
      throw error;
    }
  };

  return {
    async search(seat, since, path) {
      const minutes = Math.ceil((Date.now() - since.getTime()) / MINUTE_MS);
      try {
        const { results, next } = await api.find(seat, changedWithin(minutes), { path, limit: MOST });
        return { found: results, next };
      } catch (error) {
        // A place in a search does not last.
        if (path !== undefined && error instanceof ProviderError && error.status === 400) throw staleCursor();
        throw error;
      }
    },

    async tell(seat, news) {
      const touched = byId(news.flatMap((one) => (one.is === 'content' && isDocument(one.node) ? [one.node] : [])));
      const contents = await withBodies(seat, [...touched.values()]);
      const known = new Map(contents.map((content) => [content.id, content]));
      const holders = byId(news.flatMap((one) => (one.is === 'content' ? [] : [one.on])));
      const others = await ancestors.contents(
        seat,
        [...holders.values()].filter(({ id }) => !touched.has(id)),
      );
      for (const content of others) known.set(content.id, content);
      ancestors.note(seat, others);

      const items = await itemsOf(seat, contents);
      const parents = [...known.values()].flatMap(({ parent }) => parent ?? []);
      const ways = await ancestors.ways(seat, parents);
      const above = (content: Content): Levels => levelsAbove(seat, content, ways.get(content.parent?.id ?? '') ?? []);
      const present = contents.flatMap((content, at): Change[] => {
        const item = items[at];
        return item ? [toChange(item, above(content))] : [];
      });
      const hanging = news.flatMap((one): Change[] => {
        if (one.is === 'content') return [];
        const holder = known.get(one.on.id);
        // Of a page that is archived, or that the account may not see.
        return holder
          ? [{ ...toChange(hangingItem(seat, one), levelsIn(seat, holder, above(holder))), hangs: true }]
          : [];
      });
      const missing = [...touched.values()].filter(({ id }) => !known.has(id));
      return [
        ...present,
        ...hanging,
        ...[...missing, ...(await api.trashed(seat))].flatMap((one) => toGone(seat, one)),
      ];
    },
  };
}

/** What holds something: addresses from the nearest up, names from the top down. */
type Levels = { within: string[]; between: string[] };

function levelsAbove({ cloudId }: Seat, { kind, spaceId }: Content, way: Step[]): Levels {
  const inSpace = spaceId === undefined ? [] : [formatRef({ kind: 'space', cloudId, id: spaceId })];
  const blog = kind === 'blogpost' && spaceId !== undefined ? [toBlogItem(spaceId, { cloudId })] : [];
  return {
    within: [
      ...way.map(({ kind: of, id }) => formatRef({ kind: of, cloudId, id })).reverse(),
      ...blog.map(({ ref }) => ref),
      ...inSpace,
      formatRef({ kind: 'site', cloudId }),
    ],
    between: [...blog.map(({ name }) => name), ...way.map(({ title }) => title)],
  };
}

const levelsIn = ({ cloudId }: Seat, { kind, id, title }: Content, { within, between }: Levels): Levels => ({
  within: [formatRef({ kind, cloudId, id }), ...within],
  between: [...between, title || 'Untitled'],
});

const hangingItem = (seat: Seat, one: Exclude<Found, { is: 'content' }>): Item =>
  one.is === 'comment'
    ? toCommentsItem(one.on, one.title, seat)
    : { ...toAttachmentItem(one.attachment, seat), hint: attachmentHint(one.attachment) };

const toChange = (item: Item, { within, between }: Levels): Extract<Change, { kind: 'present' }> => ({
  kind: 'present',
  item: { ...item, between },
  within,
});

/** What is said of a page goes with it; what is attached to it is not known here. */
const toGone = ({ cloudId }: Seat, on: Document): Change[] => [
  { kind: 'gone', address: formatRef({ ...on, cloudId }) },
  { kind: 'gone', address: formatRef({ kind: 'comments', cloudId, on }) },
];

const byId = (documents: Document[]): Map<string, Document> => new Map(documents.map((one) => [one.id, one]));
