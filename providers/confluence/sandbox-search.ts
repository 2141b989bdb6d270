import type { Request, Response } from 'express';
import type { Asked } from './sandbox-asked.ts';
import { compileCql, type CompiledCql } from './sandbox-cql-match.ts';
import { parseCql } from './sandbox-cql.ts';
import { searchable, type Found } from './sandbox-found.ts';
import { choiceOf, flagOf, integerOf, textOf, valuesOf } from './sandbox-parameters.ts';
import { userWire } from './sandbox-people.ts';
import { badRequest } from './sandbox-refusal.ts';
import { expansions, resultWire, v1Content, type Expansions, type V1Place } from './sandbox-v1-wire.ts';

/** Confluence gives no more at once; with bodies fewer. */
const MOST_RESULTS = 250;
const MOST_WITH_BODIES = 50;
const EXCERPTS = ['highlight', 'indexed', 'none', 'highlight_unescaped', 'indexed_unescaped'] as const;

const cloudPlace = (siteUrl: string): V1Place => ({
  rest: `${siteUrl}/wiki/rest/api`,
  personWire: (person) => userWire(person, siteUrl),
});

type Slice = { found: Found[]; total: number; from: number; limit: number; next?: string };

/** Errors: Refusal 400 for CQL that cannot be read. */
export function sendSearch(asked: Asked): void {
  const { req, res, siteUrl } = asked;
  const excerpt = choiceOf(req, 'excerpt', EXCERPTS) ?? 'highlight';
  const { cql, compiled } = cqlOf(asked);
  const expand = expansionsOf(req, 'content.');
  const slice = sliceOf(asked, compiled, expand);
  const marked = excerpt.startsWith('highlight') ? compiled.words : [];
  const place = cloudPlace(siteUrl);
  send(req, res, slice, siteUrl, {
    results: slice.found.map((found) => {
      const wire = resultWire(found, { expand, marked, place });
      return excerpt === 'none' ? { ...wire, excerpt: '' } : wire;
    }),
    totalSize: slice.total,
    cqlQuery: cql,
    searchDuration: 12,
  });
}

/** The same without what surrounds a result. Errors: Refusal 400. */
export function sendContentSearch(asked: Asked): void {
  const { req, res, siteUrl } = asked;
  const { compiled } = cqlOf(asked);
  const expand = expansionsOf(req, '');
  const slice = sliceOf(asked, compiled, expand);
  const place = cloudPlace(siteUrl);
  const results = slice.found.map((found) => v1Content(found, expand, place));
  send(req, res, slice, siteUrl, { results });
}

function send(req: Request, res: Response, { found, from, limit, next }: Slice, siteUrl: string, more: object): void {
  res.json({
    ...more,
    start: from,
    limit,
    size: found.length,
    _links: {
      base: `${siteUrl}/wiki`,
      context: '/wiki',
      self: `${siteUrl}/wiki/rest/api${req.path}`,
      ...(next === undefined ? {} : { next }),
    },
  });
}

function cqlOf({ req, person }: Asked): { cql: string; compiled: CompiledCql } {
  const cql = textOf(req, 'cql');
  if (cql === undefined) throw badRequest('cql query parameter is required');
  return { cql, compiled: compileCql(cql, parseCql(cql), person) };
}

const expansionsOf = (req: Request, prefix: string): Expansions =>
  expansions(
    valuesOf(req, 'expand')
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length)),
  );

function sliceOf(asked: Asked, { matches, compare }: CompiledCql, expand: Expansions): Slice {
  const { req, view, state } = asked;
  const withArchived = flagOf(req, 'includeArchivedSpaces');
  const found = searchable(view)
    .filter(({ space }) => withArchived || space.status === 'current')
    .filter(matches)
    .sort(compare);
  const most = expand.has('body') ? MOST_WITH_BODIES : MOST_RESULTS;
  const limit = Math.min(integerOf(req, 'limit', { usual: 25, min: 0, max: 10_000 }), most);
  const from = startOf(req);
  const isShort = state.oddPages && limit > 1;
  const to = from + (isShort ? limit - 1 : limit);
  // A page behind the last result, to be found empty.
  const hasMore = limit > 0 && (to < found.length || (state.oddPages && from < found.length));
  return {
    found: found.slice(from, to),
    total: found.length,
    from,
    limit,
    next: hasMore ? nextLink(req, to, limit) : undefined,
  };
}

/** Where the results go on: with neither the gateway's prefix nor the context that stands beside it. */
function nextLink(req: Request, to: number, limit: number): string {
  const query = new URL(req.originalUrl, 'http://localhost').searchParams;
  query.delete('start');
  query.set('next', 'true');
  query.set('cursor', `_f_${Buffer.from(String(to)).toString('base64')}_sa_`);
  query.set('limit', String(limit));
  return `/rest/api${req.path}?${query.toString()}`;
}

/** Errors: Refusal 400. */
function startOf(req: Request): number {
  const cursor = textOf(req, 'cursor');
  if (cursor === undefined) return integerOf(req, 'start', { usual: 0, min: 0, max: 1_000_000 });
  const [, encoded = ''] = /^_f_([\w+/=]+)_sa_$/.exec(cursor) ?? [];
  const start = Buffer.from(encoded, 'base64').toString();
  if (!/^\d+$/.test(start)) throw badRequest('Invalid cursor');
  return Number(start);
}
