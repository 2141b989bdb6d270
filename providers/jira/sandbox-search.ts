import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { parseJson } from '../json.ts';
import { createTokenMint, type TokenMint } from '../sandbox/token-mint.ts';
import { namesOf, selectionOf } from './sandbox-fields.ts';
import { parseJql } from './sandbox-jql.ts';
import type { Rank } from './sandbox-jql-fields.ts';
import { compileJql, type CompiledJql } from './sandbox-jql-match.ts';
import { badRequest, Refusal } from './sandbox-refusal.ts';
import {
  bodyOf,
  bulkBody,
  countBody,
  listOf,
  one,
  parseBody,
  searchBody,
  searchQuery,
  type SearchBody,
} from './sandbox-requests.ts';
import type { SeenBy } from './sandbox-seen.ts';
import { issueIn, type JiraIssue, type View } from './sandbox-state.ts';

const USUAL_PAGE = 50;
const MOST_IN_BULK = 100;
const PAGE_LIFETIME_MS = 7 * 24 * 3_600_000;

/** The calls that find issues by JQL, and the one that fetches many of them. */
export function createJiraSearch(seenBy: SeenBy): {
  search: { byQuery: RequestHandler; byBody: RequestHandler };
  approximateCount: RequestHandler;
  parse: RequestHandler;
  bulkFetch: RequestHandler;
} {
  const mint = createTokenMint({ vendor: 'jira', prefixes: { page: 'Ch' } });

  const search = (req: Request, res: Response, asked: SearchBody): void => {
    const { view, wire, state, url } = seenBy(req);
    const { jql = '', maxResults = USUAL_PAGE } = asked;
    if (maxResults < 1) throw badRequest("The value of the parameter 'maxResults' must be at least 1.");
    const query = compileJql(parseJql(jql), view);
    const selection = selectionOf(asked.fields ?? [], 'id', '*navigable');
    const { ids, fields } = state.largestPages;
    const size = Math.min(maxResults, 'none' in selection ? ids : fields);
    const place = placeIn(mint, `${url} ${jql}`, asked.nextPageToken ?? undefined);
    const rest = matching(view, query)
      .map((issue) => ({ issue, ranks: query.ranksOf(issue) }))
      .filter(({ ranks }) => !place.after || query.compareRanks(ranks, place.after) > 0)
      .sort((a, b) => query.compareRanks(a.ranks, b.ranks));
    const page = rest.slice(0, size);
    const isLast = rest.length <= size;
    const expansions = listOf(asked.expand);
    // Here the names stand once, beside the issues.
    const names = expansions.delete('names') ? { names: namesOf(selection) } : {};
    res.json({
      ...names,
      issues: page.map(({ issue }) => wire.issue(issue, selection, expansions)),
      nextPageToken: isLast ? undefined : place.tokenFor(page.at(-1)?.ranks ?? []),
      isLast,
    });
  };

  const approximateCount: RequestHandler = (req, res) => {
    const { jql = '' } = bodyOf(req, countBody);
    const { view } = seenBy(req);
    res.json({ count: matching(view, compileJql(parseJql(jql), view)).length });
  };

  const parse: RequestHandler = (req, res) => {
    const { queries } = bodyOf(req, parseBody);
    const { view } = seenBy(req);
    const read = (query: string): Record<string, unknown> => {
      try {
        const structure = parseJql(query);
        if (structure.where && one(req, 'validation') !== 'none') compileJql(structure, view);
        return { query, structure };
      } catch (error) {
        if (error instanceof Refusal) return { query, errors: error.messages };
        throw error;
      }
    };
    res.json({ queries: queries.map(read) });
  };

  const bulkFetch: RequestHandler = (req, res) => {
    const { issueIdsOrKeys, fields = [], expand = [] } = bodyOf(req, bulkBody);
    const { state, view, wire } = seenBy(req);
    if (issueIdsOrKeys.length === 0) throw badRequest('At least one issue ID or key must be given.');
    if (issueIdsOrKeys.length > MOST_IN_BULK)
      throw badRequest(`No more than ${MOST_IN_BULK} issue IDs or keys can be requested.`);
    // What does not exist, or is hidden, is passed over in silence.
    const wanted = [...new Set(issueIdsOrKeys.flatMap((name) => issueIn(view.issues, name) ?? []))];
    wanted.sort((a, b) => Number(a.id) - Number(b.id));
    const selection = selectionOf(fields, '*navigable', '*navigable');
    const expansions = new Set(expand);
    res.json({
      issues: wanted
        .filter(({ id }) => !state.failingIds.has(id))
        .map((issue) => wire.issue(issue, selection, expansions)),
      issueErrors: wanted
        .filter(({ id }) => state.failingIds.has(id))
        .map(({ id }) => ({ id, errorMessage: 'The issue could not be fetched. Try again.' })),
    });
  };

  return {
    search: {
      byQuery: (req, res) => search(req, res, searchQuery(req)),
      byBody: (req, res) => search(req, res, bodyOf(req, searchBody)),
    },
    approximateCount,
    parse,
    bulkFetch,
  };
}

/** Issues of projects that are archived are in no search. */
const matching = ({ issues }: View, query: CompiledJql): JiraIssue[] =>
  issues.filter((issue) => !issue.project.archived && query.matches(issue));

/**
 * The place that a page token says: behind the last issue that was given, wherever that would stand now. A token is bound to its query.
 * Errors: Refusal 400 for a token that is not this query's, or is too old.
 */
function placeIn(
  mint: TokenMint,
  query: string,
  token: string | undefined,
): { after?: Rank[]; tokenFor(ranks: Rank[]): string } {
  const mark = createHash('sha256').update(query).digest('base64url');
  const place = token === undefined ? undefined : mint.verify('page', token)?.data;
  const after = parseJson(place?.after ?? '');
  if (token !== undefined && (place?.query !== mark || !Array.isArray(after)))
    throw badRequest('The provided next page token is invalid or expired.');
  return {
    after: Array.isArray(after) ? (after as Rank[]) : undefined,
    tokenFor: (ranks) =>
      mint.sign({
        kind: 'page',
        grantId: '',
        accountId: '',
        scopes: [],
        expiresAt: Date.now() + PAGE_LIFETIME_MS,
        data: { query: mark, after: JSON.stringify(ranks) },
      }),
  };
}
