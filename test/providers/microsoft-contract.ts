import { pathToFileURL } from 'node:url';
import type { Fetch } from '../../providers/provider.ts';
import { referencePath } from '../helpers/requirements.ts';
import { addressOf, type Exchange } from './google-contract.ts';

type Checked = { operationId?: string; errors: string[] };
type Contract = {
  checkRequest(request: { method: string; url: string; headers: Record<string, string>; body?: string }): Checked;
  checkResponse(answer: {
    method: string;
    url: string;
    status: number;
    headers: Record<string, string>;
    body?: string;
  }): Checked;
  schema(name: string): (value: unknown) => string[];
};
type Options = { strict?: boolean | 'all'; annotations?: string; allowQuery?: RegExp };
type Tools = { loadContract: (spec: string, options?: Options) => Contract };

/** A fetch that remembers what went through it. */
export function recording(into: Exchange[]): (fetch: Fetch) => Fetch {
  return (fetch) => async (input, init) => {
    const response = await fetch(input, init);
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    into.push({
      method: init?.method ?? 'GET',
      url: addressOf(input),
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: typeof init?.body === 'string' ? init.body : undefined,
      status: response.status,
      answerHeaders: Object.fromEntries(response.headers),
      answer: isJson ? await response.clone().text() : undefined,
    });
    return response;
  };
}

/**
 * Checks exchanges against Microsoft's own descriptions, refusing what they do not name. Gives the faults and how many exchanges
 * were checked; undefined where the descriptions are not there.
 */
export async function checkExchanges(
  exchanges: Exchange[],
): Promise<{ faults: string[]; requests: number; answers: number; operations: string[] } | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const graphSpec = referencePath('specs', 'microsoft-graph', 'graph-v1.0.openapi.json');
  const oauthSpec = referencePath('specs', 'oauth', 'microsoft.openapi.json');
  if (!tools || !graphSpec || !oauthSpec) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as Tools;
  const graph = loadContract(graphSpec, { strict: 'all', annotations: '@' });
  // MSAL adds what it says of itself to each form and address; the answers have to be exact.
  const tokenRequests = loadContract(oauthSpec, { allowQuery: /^client-request-id$/ });
  const tokenAnswers = loadContract(oauthSpec, { strict: true });
  const faults = new Set<string>();
  const operations = new Set<string>();
  let [requests, answers] = [0, 0];
  for (const exchange of exchanges) {
    const { method, url, headers, body, status, answer, answerHeaders } = exchange;
    const { pathname } = new URL(url);
    const isGraph = pathname.startsWith('/v1.0/');
    const planned = answerHeaders['x-planned'] !== undefined;
    const note = (errors: string[], what: string): void => errors.forEach((error) => faults.add(`${what}: ${error}`));
    if (pathname === '/v1.0/organization') continue;
    if (pathname === '/v1.0/me/drive/sharedWithMe') {
      // The description leaves this call out; what it gives are items all the same.
      if (planned || status !== 200) continue;
      answers += 1;
      const { value } = JSON.parse(answer ?? '') as { value: unknown[] };
      for (const item of value) note(graph.schema('microsoft.graph.driveItem')(item), 'sharedWithMe');
      continue;
    }
    const sent = (isGraph ? graph : tokenRequests).checkRequest({ method, url, headers, body });
    requests += 1;
    operations.add(sent.operationId ?? `unknown ${method} ${pathname}`);
    note(sent.errors, `${method} ${pathname}`);
    // A download was followed to another host, of which there is no description.
    if (planned || (pathname.endsWith('/content') && status === 200)) continue;
    const given = { method, url, status, headers: answerHeaders, body: answer };
    answers += 1;
    note((isGraph ? graph : tokenAnswers).checkResponse(given).errors, `${status} of ${method} ${pathname}`);
  }
  return { faults: [...faults], requests, answers, operations: [...operations].sort() };
}
