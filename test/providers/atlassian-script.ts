import type { Product } from '../../providers/atlassian/product.ts';
import type { Connection, Fetch } from '../../providers/provider.ts';

/** A product as both share what they need to know of one. */
export const wiki: Product = {
  platform: 'confluence',
  label: 'Confluence',
  settings: { clientId: 'CONFLUENCE_CLIENT_ID', clientSecret: 'CONFLUENCE_CLIENT_SECRET' },
  scopes: ['read:page:confluence', 'search:confluence', 'read:me', 'offline_access'].map((scope) => ({
    scope,
    reason: 'For the test.',
  })),
};
export const GATEWAY = 'https://api.atlassian.com/ex/confluence/cloud-1';

export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> };
export type Sent = { url: string; authorization?: string };

/** A vendor that answers by address; 404 for any other. */
export function vendorWith(answers: Record<string, Answer | Error>): { fetch: Fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    fetch: async (input, init) => {
      const url = input as string;
      sent.push({ url, authorization: new Headers(init?.headers).get('authorization') ?? undefined });
      const answer = answers[url] ?? { status: 404, body: { message: 'Not found' } };
      if (answer instanceof Error) throw answer;
      const { status = 200, body, headers = {} } = answer;
      const isHtml = typeof body === 'string';
      return new Response(isHtml ? body : JSON.stringify(body), {
        status,
        headers: { 'content-type': isHtml ? 'text/html' : 'application/json', ...headers },
      });
    },
  };
}

export const connectionTo = (fetch: Fetch, more: Partial<Connection> = {}): Connection => ({
  integrationId: 'i',
  accountId: 'a',
  fetch,
  ...more,
});
