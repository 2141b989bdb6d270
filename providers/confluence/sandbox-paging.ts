import type { Request, Response } from 'express';
import { integerOf, textOf } from './sandbox-parameters.ts';
import { badRequest } from './sandbox-refusal.ts';
import type { ConfluenceState } from './sandbox-state.ts';

/** What results are sorted by; the last part is different for each of them. */
export type Rank = (string | number)[];

/** Where the site is that an answer is made for, and how its Confluence answers. */
export type Place = { state: ConfluenceState; siteUrl: string };

/**
 * Sends one page of sorted results, in the order of `rankOf`. Its cursor says behind which result the next page begins, so that
 * what is added or removed meanwhile makes nothing come twice. Errors: Refusal 400 for a bad limit or a cursor of another list.
 */
export function sendPage<T>(
  req: Request,
  res: Response,
  { state, siteUrl }: Place,
  list: {
    results: T[];
    rankOf: (result: T) => Rank;
    /** −1: the highest rank comes first. */
    direction?: 1 | -1;
    toWire: (result: T) => unknown;
    usualLimit?: number;
  },
): void {
  const { rankOf, direction = 1, toWire } = list;
  const limit = integerOf(req, 'limit', { usual: list.usualLimit ?? 25 });
  const after = cursorOf(req);
  const rest = list.results
    .map((result) => ({ result, rank: rankOf(result) }))
    .filter(({ rank }) => !after || compareRanks(rank, after) * direction > 0)
    .sort((a, b) => compareRanks(a.rank, b.rank) * direction);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const base = `${siteUrl}/wiki`;
  const next = last && rest.length > limit ? nextLink(req, last.rank) : undefined;
  const inHeader = next !== undefined && state.nextIn !== 'body' ? [`<${next}>; rel="next"`] : [];
  res.set('link', [...inHeader, `<${base}>; rel="base"`].join(', '));
  res.json({
    results: page.map(({ result }) => toWire(result)),
    _links: { ...(next !== undefined && state.nextIn !== 'header' ? { next } : {}), base },
  });
}

/** Ids are digits of any length, which stand before each other as numbers do. */
export const idRank = (id: string): string => id.padStart(20, '0');

export function compareRanks(a: Rank, b: Rank): number {
  for (const [at, left] of a.entries()) {
    const right = b[at];
    if (right !== undefined && left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function nextLink(req: Request, after: Rank): string {
  const query = new URL(req.originalUrl, 'http://localhost').searchParams;
  query.set('cursor', Buffer.from(JSON.stringify({ list: listOf(req), after })).toString('base64url'));
  // As the site knows it: the gateway's prefix is not in it.
  return `/wiki/api/v2${req.path}?${query.toString()}`;
}

/** A cursor goes on with the list that it came with; only the limit may change. */
function listOf(req: Request): string {
  const query = new URL(req.originalUrl, 'http://localhost').searchParams;
  for (const name of ['cursor', 'limit']) query.delete(name);
  return `${req.path}?${query.toString()}`;
}

function cursorOf(req: Request): Rank | undefined {
  const text = textOf(req, 'cursor');
  if (text === undefined) return undefined;
  try {
    const { list, after } = JSON.parse(Buffer.from(text, 'base64url').toString()) as { list: string; after: Rank };
    if (list === listOf(req) && Array.isArray(after)) return after;
  } catch {
    // Refused below.
  }
  throw badRequest('The cursor is invalid.');
}
