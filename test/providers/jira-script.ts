import { expect } from 'chai';
import { createJira } from '../../providers/jira/index.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { listAll } from './reading.ts';

/** One request that Jira was sent. */
export type Asked = { path: string; query: URLSearchParams; body: Record<string, unknown>; url: string };
/** What it answers: a Response as it is, anything else as JSON; undefined for 404. */
export type Script = (asked: Asked) => unknown;

export const CLOUD = '1324a887-45db-4bf4-8e99-ef0ff456d421';
export const SITE = { id: CLOUD, name: 'acme', url: 'https://acme.atlassian.net', scopes: ['read:jira-work'] };
export const provider = createJira(
  parseConfig({ ATLASSIAN_CLIENT_ID: 'client-1', ATLASSIAN_CLIENT_SECRET: 'hunter2-secret' }).jira,
);

export const json = (body: unknown, status = 200): Response =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json' },
  });

export const refused = (...errorMessages: string[]): Response => json({ errorMessages, errors: {} }, 400);

/** A connection by consent to a Jira that answers by script; `asked` leaves the list of sites out. */
export function jiraWith(
  script: Script,
  { sites = [SITE], site }: { sites?: (typeof SITE)[]; site?: Connection['site'] } = {},
): { connection: Connection; asked: Asked[] } {
  const asked: Asked[] = [];
  const connection: Connection = {
    integrationId: 'i',
    accountId: 'a',
    site,
    fetch: async (input, init) => {
      init?.signal?.throwIfAborted();
      const url = new URL(input as string);
      if (url.pathname === '/oauth/token/accessible-resources') return json(sites);
      const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {};
      const path = url.pathname.replace(/^.*\/rest\/api\/3/, '');
      const request = { path, query: url.searchParams, body, url: url.href };
      asked.push(request);
      const answer = script(request);
      if (answer instanceof Response) return answer;
      return answer === undefined ? json({ errorMessages: ['Nothing there.'], errors: {} }, 404) : json(answer);
    },
  };
  return { connection, asked };
}

export const projectRef = `project/${CLOUD}/10000`;
export const issueRef = (id: string): string => `issue/${CLOUD}/${id}`;

/** An issue as Jira sends it. */
export const issue = (number: number, fields: Record<string, unknown> = {}) => ({
  id: String(20_000 + number),
  key: `EX-${number}`,
  self: `https://api.atlassian.com/ex/jira/${CLOUD}/rest/api/3/issue/${20_000 + number}`,
  fields: {
    summary: `Issue ${number}`,
    updated: '2026-05-01T10:00:00.000+0000',
    project: { id: '10000', key: 'EX', name: 'Example' },
    attachment: [],
    ...fields,
  },
});

export const attachment = (id: string, filename: string, more: Record<string, unknown> = {}) => ({
  id,
  filename,
  created: '2026-05-01T10:00:00.000+0000',
  size: 5,
  mimeType: 'text/plain',
  content: `https://acme.atlassian.net/rest/api/3/attachment/content/${id}`,
  ...more,
});

/** A document of one paragraph. */
export const paragraph = (text: string) => ({
  type: 'doc',
  version: 1,
  content: [{ type: 'paragraph', content: [{ type: 'text', text }] }],
});

export const comment = (number: number) => ({
  id: String(number),
  author: { displayName: 'Ann' },
  created: '2026-05-01T10:00:00.000+0000',
  body: paragraph(`Comment ${number} ends.`),
});

export const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);

/** All issues, `most` at most on a page, in the manner of `search/jql`: without a total. */
export const searchOf =
  (issues: unknown[], most = 100): Script =>
  ({ path, body }) => {
    if (path !== '/search/jql') return undefined;
    const from = Number(body.nextPageToken ?? 0);
    const to = from + Math.min(body.maxResults as number, most);
    return { issues: issues.slice(from, to), ...(to < issues.length ? { nextPageToken: String(to) } : {}) };
  };

export const search = provider.search?.bind(provider) ?? expect.fail('no search');

export const FOR_IMPORT = { forImport: { deep: true, attachments: true } };

/** As an import lists a project, to the end. */
export const listForImport = (connection: Connection): Promise<Item[]> =>
  listAll(provider, connection, projectRef, { pageSize: 1000, ...FOR_IMPORT });
