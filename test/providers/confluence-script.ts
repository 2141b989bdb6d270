import { createConfluence } from '../../providers/confluence/index.ts';
import type { Connection } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';

/** One request that Confluence was sent; `path` is below `/wiki`, or below the server's root. */
export type Asked = { path: string; query: URLSearchParams; body: unknown; url: string };
/** What it answers: a Response as it is, anything else as JSON; undefined for 404. */
export type Script = (asked: Asked) => unknown;

export const CLOUD = '1324a887-45db-4bf4-8e99-ef0ff456d421';
export const GATEWAY = `https://api.atlassian.com/ex/confluence/${CLOUD}/wiki`;
export const SITE = { id: CLOUD, name: 'acme', url: 'https://acme.atlassian.net', scopes: ['read:page:confluence'] };
export const BASE = { base: 'https://acme.atlassian.net/wiki' };
export const SERVER = { url: 'https://wiki.example.com/base', apiUrl: 'https://wiki.example.com/base/rest' };

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });

let accounts = 0;

/** A connection to a Confluence that answers by script, and a provider that has learned nothing yet; `asked` leaves the list of sites out. */
export function confluenceWith(
  script: Script,
  { sites = [SITE], site }: { sites?: (typeof SITE)[]; site?: Connection['site'] } = {},
) {
  const asked: Asked[] = [];
  accounts += 1;
  const connection: Connection = {
    integrationId: `account ${accounts}`,
    accountId: 'a',
    site,
    fetch: async (input, init) => {
      init?.signal?.throwIfAborted();
      const url = new URL(input as string);
      if (url.pathname === '/oauth/token/accessible-resources') return json(sites);
      const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined;
      const path = url.pathname.replace(/^.*\/(wiki|base)(?=\/)/, '');
      const request = { path, query: url.searchParams, body, url: url.href };
      asked.push(request);
      const answer = script(request);
      if (answer instanceof Response) return answer;
      return answer === undefined ? json({ errors: [{ status: 404, code: 'NOT_FOUND' }] }, 404) : json(answer);
    },
  };
  const config = parseConfig({ ATLASSIAN_CLIENT_ID: 'client-1', ATLASSIAN_CLIENT_SECRET: 'hunter2-secret' });
  return { provider: createConfluence(config.confluence), connection, asked };
}

export const ref = (kind: string, id: string): string => `${kind}/${CLOUD}/${id}`;

/** A page as version 2 of the API sends it. */
export const page = (id: string, more: Record<string, unknown> = {}) => ({
  id,
  status: 'current',
  title: `Page ${id}`,
  spaceId: '7',
  parentId: null,
  parentType: null,
  authorId: 'author-1',
  version: { number: 3, createdAt: '2026-05-01T10:00:00.000Z' },
  _links: { webui: `/spaces/DOC/pages/${id}` },
  ...more,
});

export const withBody = (id: string, value: string, more: Record<string, unknown> = {}) =>
  page(id, { body: { storage: { representation: 'storage', value } }, ...more });

/** Something found by CQL, in version 1 of the API. */
export const found = (id: string, type: string, more: Record<string, unknown> = {}) => ({
  id,
  type,
  status: 'current',
  title: `Found ${id}`,
  ...more,
});
