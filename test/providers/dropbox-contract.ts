import { pathToFileURL } from 'node:url';
import type { Fetch } from '../../providers/provider.ts';
import { referencePath } from '../helpers/requirements.ts';

/** One request with its answer; bytes of downloads are not kept. */
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
type Call = { method: string; url: string; headers: Record<string, string>; body?: string };
type Contract = { checkRequest(request: Call): Checked; checkResponse(answer: Call & { status: number }): Checked };
type Tools = { loadContract: (spec: string, options?: { strict?: boolean }) => Contract };

const FORM = 'application/x-www-form-urlencoded';

function addressOf(input: string | URL | Request): string {
  if (typeof input === 'string') return input;
  return input instanceof URL ? input.href : input.url;
}

/** A fetch that remembers what went through it. */
export function recording(into: Exchange[]): (fetch: Fetch) => Fetch {
  return (fetch) => async (input, init) => {
    const response = await fetch(input, init);
    const form = init?.body instanceof URLSearchParams ? init.body.toString() : undefined;
    const isText = /json|text/.test(response.headers.get('content-type') ?? '');
    into.push({
      method: init?.method ?? 'GET',
      url: addressOf(input),
      headers: {
        ...Object.fromEntries(new Headers(init?.headers)),
        ...(form === undefined ? {} : { 'content-type': FORM }),
      },
      body: form ?? (typeof init?.body === 'string' ? init.body : undefined),
      status: response.status,
      answerHeaders: Object.fromEntries(response.headers),
      answer: isText ? await response.clone().text() : undefined,
    });
    return response;
  };
}

/**
 * Checks exchanges against Dropbox's own description of its API, refusing what it does not name. Gives the faults and how many
 * exchanges were checked; undefined where the descriptions are not there.
 */
export async function checkExchanges(
  exchanges: Exchange[],
): Promise<{ faults: string[]; requests: number; answers: number; operations: string[] } | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const apiSpec = referencePath('specs', 'dropbox', 'dropbox-v2.openapi.json');
  const oauthSpec = referencePath('specs', 'oauth', 'dropbox.openapi.json');
  if (!tools || !apiSpec || !oauthSpec) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as Tools;
  const api = loadContract(apiSpec, { strict: true });
  const oauth = loadContract(oauthSpec, { strict: true });
  const faults = new Set<string>();
  const operations = new Set<string>();
  let [requests, answers] = [0, 0];
  for (const { method, url, headers, body, status, answerHeaders, answer } of exchanges) {
    const { pathname } = new URL(url);
    const contract = pathname.startsWith('/2/') ? api : oauth;
    const sent = contract.checkRequest({ method, url, headers, body });
    requests += 1;
    operations.add(sent.operationId ?? `unknown ${method} ${pathname}`);
    for (const fault of sent.errors) faults.add(`${method} ${pathname}: ${fault}`);
    if (answerHeaders['x-planned'] !== undefined) continue;
    const given = contract.checkResponse({ method, url, status, headers: answerHeaders, body: answer });
    answers += 1;
    for (const fault of given.errors) faults.add(`${status} of ${method} ${pathname}: ${fault}`);
  }
  return { faults: [...faults], requests, answers, operations: [...operations].sort() };
}
