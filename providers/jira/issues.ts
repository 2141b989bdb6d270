import { z } from 'zod';
import type { AtlassianClient, Call } from '../atlassian/client.ts';
import { wasTooMuch } from '../atlassian/failures.ts';
import type { Sites } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Connection } from '../provider.ts';
import { staleCursor } from './cursors.ts';
import { issueDocument, type IssueDocument } from './document.ts';
import {
  ALL_FIELDS,
  attachmentSchema,
  commentsSchema,
  countSchema,
  issueSchema,
  issuesSchema,
  LISTED_FIELDS,
  versionOf,
  type Attachment,
  type Comment,
  type Issue,
} from './wire.ts';

const SCOPE = 'read:jira-work';
const COMMENTS_AT_ONCE = 100;
/** Fewer issues with all their fields are not asked for, however large they are. */
const FEWEST = 5;
/** Longer ones are fetched when their turn comes, rather than kept until then. */
const MAX_HINT_BYTES = 262_144;

/** One account, and the site of it that is asked. */
export type Seat = { connection: Connection; cloudId?: string; signal?: AbortSignal };

export type IssuePage = {
  issues: Issue[];
  /** Names of the fields at this site; only with `full`. */
  names: Record<string, string>;
  /** Jira's mark of the next page; none after the last. */
  next?: string;
  /** Issues a page that Jira could answer with. */
  size: number;
};

export type OpenIssue = IssueDocument & { version?: string };

export type Issues = {
  /** A page of what a query finds. `full`: with all fields. Errors: ProviderError, `cursor_expired` for a mark that Jira no longer knows. */
  page(seat: Seat, query: { jql: string; full: boolean; size: number; mark?: string }): Promise<IssuePage>;
  /** Jira's estimate of how many a query finds. Errors: as `page`. */
  count(seat: Seat, jql: string): Promise<number>;
  /** An issue by its id or any key it ever had, with what listings need. */
  one(seat: Seat, idOrKey: string): Promise<Issue>;
  attachment(seat: Seat, id: string): Promise<Attachment>;
  /** An issue as a document, with every comment. */
  read(seat: Seat, id: string): Promise<OpenIssue>;
};

/** Issues by Jira's REST API v3. Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (2026). */
export function createIssues(client: AtlassianClient, sites: Sites): Issues {
  const ask = <T>(seat: Seat, path: string, call: Omit<Call<T>, 'scope' | 'signal'>): Promise<T> =>
    client.read(seat.connection, `${sites.baseOf(seat.connection, seat.cloudId)}/rest/api/3${path}`, {
      ...call,
      scope: SCOPE,
      signal: seat.signal,
    });

  const issueOf = (seat: Seat, idOrKey: string, query: string): Promise<Issue> =>
    ask(seat, `/issue/${encodeURIComponent(idOrKey)}?${query}`, { what: 'an issue', schema: issueSchema });

  /** All comments of an issue: those that come with it may be a part of them. */
  const commentsOf = async (seat: Seat, issueId: string): Promise<Comment[]> => {
    const comments: Comment[] = [];
    for (;;) {
      const query = `startAt=${comments.length}&maxResults=${COMMENTS_AT_ONCE}&orderBy=created`;
      const page = await ask(seat, `/issue/${issueId}/comment?${query}`, {
        what: 'the comments of an issue',
        schema: commentsSchema,
      });
      comments.push(...page.comments);
      if (page.comments.length === 0 || comments.length >= page.total) return comments;
    }
  };

  return {
    async page(seat, { jql, full, size: wanted, mark }) {
      for (let size = wanted; ; size = Math.ceil(size / 2)) {
        try {
          const found = await ask(seat, '/search/jql', {
            what: 'a list of issues',
            schema: issuesSchema,
            post: {
              jql,
              fields: full ? ALL_FIELDS : LISTED_FIELDS,
              maxResults: size,
              ...(full ? { expand: 'names' } : {}),
              ...(mark === undefined ? {} : { nextPageToken: mark }),
            },
          });
          // Pages may be shorter than asked for at any place: only these two say that one is the last.
          const next = found.isLast ? undefined : (found.nextPageToken ?? undefined);
          if (next !== undefined && next === mark)
            throw client.failures.badResponse('a list of issues', 'nextPageToken');
          return { issues: found.issues, names: found.names ?? {}, next, size };
        } catch (error) {
          if (mark !== undefined && isRefused(error)) throw staleCursor();
          if (!full || size <= FEWEST || !wasTooMuch(error)) throw error;
        }
      }
    },

    async count(seat, jql) {
      const { count } = await ask(seat, '/search/approximate-count', {
        what: 'the number of issues',
        schema: countSchema,
        post: { jql },
      });
      return count;
    },

    one: (seat, idOrKey) => issueOf(seat, idOrKey, `fields=${LISTED_FIELDS.join(',')}`),

    attachment: (seat, id) => ask(seat, `/attachment/${id}`, { what: 'an attachment', schema: attachmentSchema }),

    async read(seat, id) {
      const issue = await issueOf(seat, id, `fields=${ALL_FIELDS.join(',')}&expand=names`);
      const embedded = embeddedComments(issue);
      return openIssue(issue, issue.names ?? {}, embedded ?? (await commentsOf(seat, id)));
    },
  };
}

/** Whether Jira did not understand a query: it is wrong, or what it names is gone. */
export const isRefused = (error: unknown): boolean => error instanceof ProviderError && error.status === 400;

/** The comments that came with an issue, where these are all. */
function embeddedComments({ fields }: Issue): Comment[] | undefined {
  const { comments = [], total = 0 } = fields.comment ?? {};
  return comments.length >= total ? comments : undefined;
}

const openIssue = (issue: Issue, names: Record<string, string>, comments: Comment[]): OpenIssue => ({
  ...issueDocument(issue, names, comments),
  version: versionOf(issue),
});

const hint = z.object({
  name: z.string(),
  html: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  version: z.string().optional(),
});

/** The issue as a document, kept for `open`; undefined where it is too long, or lacks comments. */
export function hintOf(issue: Issue, names: Record<string, string>): string | undefined {
  const comments = embeddedComments(issue);
  const text = comments && JSON.stringify(openIssue(issue, names, comments));
  return text !== undefined && Buffer.byteLength(text) <= MAX_HINT_BYTES ? text : undefined;
}

/** The document that a hint holds; undefined where there is none, or it is not one of ours. */
export const fromHint = (text: string | undefined): OpenIssue | undefined =>
  text === undefined ? undefined : hint.safeParse(parseJson(text)).data;
