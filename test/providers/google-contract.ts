import { pathToFileURL } from 'node:url';
import type { Fetch } from '../../providers/provider.ts';
import { referencePath } from '../helpers/requirements.ts';

/** One request with its answer; only the bodies of forms and JSON are kept. */
export type Exchange = {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  status: number;
  answerHeaders: Record<string, string>;
  answer?: string;
};

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
type Tools = { loadContract(spec: string, options?: { strict?: boolean }): Contract };

export function addressOf(input: string | URL | Request): string {
  if (typeof input === 'string') return input;
  return input instanceof URL ? input.href : input.url;
}

/** A fetch that remembers what went through it. */
export function recording(into: Exchange[]): (fetch: Fetch) => Fetch {
  return (fetch) => async (input, init) => {
    const response = await fetch(input, init);
    const form = init?.body instanceof URLSearchParams;
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    into.push({
      method: init?.method ?? 'GET',
      url: addressOf(input),
      headers: {
        ...Object.fromEntries(new Headers(init?.headers)),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      body: init?.body instanceof URLSearchParams ? init.body.toString() : undefined,
      status: response.status,
      answerHeaders: Object.fromEntries(response.headers),
      answer: isJson ? await response.clone().text() : undefined,
    });
    return response;
  };
}

/**
 * Checks exchanges against Google's own descriptions, refusing what they do not name. Gives the faults and how many
 * exchanges were checked; undefined where the descriptions are not there.
 */
export async function checkExchanges(
  exchanges: Exchange[],
): Promise<{ faults: string[]; requests: number; answers: number; operations: string[] } | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const driveSpec = referencePath('specs', 'google', 'drive-v3.openapi.json');
  const oauthSpec = referencePath('specs', 'oauth', 'google.openapi.json');
  if (!tools || !driveSpec || !oauthSpec) return undefined;
  const contracts = (await import(pathToFileURL(tools).href)) as Tools;
  const drive = contracts.loadContract(driveSpec, { strict: true });
  const oauth = contracts.loadContract(oauthSpec, { strict: true });
  const faults = new Set<string>();
  const operations = new Set<string>();
  let [requests, answers] = [0, 0];
  for (const exchange of exchanges) {
    const { method, url, headers, body, status, answer, answerHeaders } = exchange;
    const { pathname } = new URL(url);
    const planned = answerHeaders['x-planned'] !== undefined;
    if (pathname.startsWith('/export-links/')) continue;
    if (pathname === '/oauth2/v3/userinfo') {
      if (planned || status !== 200) continue;
      answers += 1;
      for (const fault of oauth.schema('UserInfo')(JSON.parse(answer ?? ''))) faults.add(`userinfo: ${fault}`);
      continue;
    }
    const contract = pathname.startsWith('/drive/v3') ? drive : oauth;
    const sent = contract.checkRequest({ method, url, headers, body });
    requests += 1;
    operations.add(sent.operationId ?? `unknown ${method} ${pathname}`);
    for (const fault of sent.errors) faults.add(`${method} ${pathname}: ${fault}`);
    if (planned) continue;
    const given = contract.checkResponse({ method, url, status, headers: answerHeaders, body: answer });
    answers += 1;
    for (const fault of given.errors) faults.add(`${status} of ${method} ${pathname}: ${fault}`);
  }
  return { faults: [...faults], requests, answers, operations: [...operations].sort() };
}
