import type { Sites } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import type { Connection, Item, ItemPage } from '../provider.ts';
import { cloudOf, formatCursor, keyOf, parseCursor } from './cursors.ts';
import { isRefused, type Issues, type Seat } from './issues.ts';
import { MAX_JQL } from './refs.ts';
import { toIssueItem, toQueryItem } from './wire.ts';

const HITS = 25;
const MAX_WORDS = 20;
const SEARCH = 'search';

/**
 * Search over all sites of an account at once: by words, by the key of an issue, or by a query in JQL after `jql:`, which comes as a folder of
 * all that it finds before the first of them.
 */
export function createSearch(
  issues: Issues,
  sites: Sites,
): (connection: Connection, query: string, cursor?: string) => Promise<ItemPage> {
  const seatsOf = async (connection: Connection): Promise<Seat[]> =>
    connection.site ? [{ connection }] : (await sites.list(connection)).map(({ cloudId }) => ({ connection, cloudId }));

  const itemsOf = async (seat: Seat, query: { jql: string; mark?: string }) => {
    const url = await sites.urlOf(seat.connection, seat.cloudId);
    const { issues: found, next } = await issues.page(seat, { ...query, full: false, size: HITS });
    const items = found.map((issue) => toIssueItem(issue, { cloudId: seat.cloudId, url }));
    return { seat, items, next };
  };

  /** A page of each site, and where each goes on. */
  const together = (pages: Awaited<ReturnType<typeof itemsOf>>[]): ItemPage => {
    const marks = Object.fromEntries(
      pages.flatMap(({ seat, next }) => (next === undefined ? [] : [[keyOf(seat.cloudId), next]])),
    );
    const items = pages.flatMap((page) => page.items);
    return { items, next: Object.keys(marks).length > 0 ? formatCursor({ of: SEARCH, marks }) : undefined };
  };

  const goOn = async (connection: Connection, jql: string, cursor: string): Promise<ItemPage> => {
    const { marks } = parseCursor(cursor, SEARCH);
    const pages = Object.entries(marks).map(([key, mark]) =>
      itemsOf({ connection, cloudId: cloudOf(key) }, { jql, mark }),
    );
    return together(await Promise.all(pages));
  };

  /** The issue with this key, or that once had it. */
  const byKey = async (seat: Seat, key: string): Promise<Item> => {
    const url = await sites.urlOf(seat.connection, seat.cloudId);
    return toIssueItem(await issues.one(seat, key), { cloudId: seat.cloudId, url });
  };

  const byWords = async (connection: Connection, query: string, jql: string): Promise<ItemPage> => {
    const seats = await seatsOf(connection);
    const [pages, named] = await Promise.all([
      atEach(seats, (seat) => itemsOf(seat, { jql })),
      isKey(query) ? atEach(seats, (seat) => byKey(seat, query.toUpperCase())).catch(noneIfGone) : [],
    ]);
    const refs = new Set(named.map(({ ref }) => ref));
    const { items, next } = together(pages);
    return { items: [...named, ...items.filter(({ ref }) => !refs.has(ref))], next };
  };

  const byJql = async (connection: Connection, jql: string): Promise<ItemPage> => {
    const counted = await atEach(await seatsOf(connection), async (seat) => {
      const [count, url] = await Promise.all([issues.count(seat, jql), sites.urlOf(seat.connection, seat.cloudId)]);
      return { seat, count, folder: toQueryItem(jql, count, { cloudId: seat.cloudId, url }) };
    }).catch((error: unknown) => {
      throw isRefused(error) ? notUnderstood() : error;
    });
    const found = counted.filter(({ count }) => count > 0);
    const { items, next } = together(await Promise.all(found.map(({ seat }) => itemsOf(seat, { jql }))));
    return { items: [...found.map(({ folder }) => folder), ...items], next };
  };

  return async (connection, typed, cursor) => {
    const query = typed.trim();
    const own = /^jql:\s*(.+)$/is.exec(query)?.[1];
    if (own !== undefined && own.length > MAX_JQL)
      throw new ProviderError('bad_response', 'jira', `A query may have ${MAX_JQL} characters at most. Shorten it.`);
    const jql = own ?? textQuery(query);
    if (jql === undefined) return { items: [], next: undefined };
    if (cursor !== undefined) return goOn(connection, jql, cursor);
    return own === undefined ? byWords(connection, query, jql) : byJql(connection, jql);
  };
}

/**
 * What each site gives. Sites that are out of reach are left out, and so are those that do not understand a query, for they differ in their
 * projects and fields. Errors: any other; that of the first, where no site gives anything.
 */
async function atEach<T>(seats: Seat[], work: (seat: Seat) => Promise<T>): Promise<T[]> {
  const outcomes = await Promise.allSettled(seats.map(work));
  const given = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  const failure = failed.find(({ reason }) => !isOfOneSite(reason)) ?? (given.length === 0 ? failed[0] : undefined);
  if (failure) throw failure.reason;
  return given;
}

const isOfOneSite = (error: unknown): boolean =>
  isRefused(error) || (error instanceof ProviderError && ['denied', 'gone'].includes(error.kind));

function noneIfGone(error: unknown): [] {
  if (error instanceof ProviderError && error.kind === 'gone') return [];
  throw error;
}

const isKey = (query: string): boolean => /^[a-z][a-z0-9_]*-\d+$/i.test(query);

/**
 * Words without signs: those have meanings of their own in Jira's text search, as words in capitals may have.
 * Source: https://support.atlassian.com/jira-software-cloud/docs/search-syntax-for-text-fields/ (2026).
 */
function textQuery(query: string): string | undefined {
  const words = query.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}_]*/gu) ?? [];
  return words.length > 0 ? `text ~ "${words.slice(0, MAX_WORDS).join(' ')}" ORDER BY updated DESC` : undefined;
}

/** A query that is none, for the person who typed it. */
export const notUnderstood = (): ProviderError =>
  new ProviderError(
    'bad_response',
    'jira',
    'Jira does not understand this query. Check the names of its fields and values, and that it has a condition.',
  );
