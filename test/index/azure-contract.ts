import { pathToFileURL } from 'node:url';
import type { SearchCall } from '../helpers/azure-search-server.ts';
import { referencePath } from '../helpers/requirements.ts';

type Checked = { errors: string[] };
type Call = { method: string; url: string; headers: Record<string, string>; body?: string };
type Contract = { checkRequest(request: Call): Checked; checkResponse(answer: Call & { status: number }): Checked };
type Tools = { loadContract: (spec: string, options: { strict: boolean }) => Contract };

/** Checks requests and answers against Microsoft's own description of the API, refusing what it does not name; undefined where that is not there. */
export async function faultsOf(calls: SearchCall[]): Promise<string[] | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const spec = referencePath('specs', 'azure-ai-search', 'azure-search-2024-07-01.openapi.json');
  if (!tools || !spec) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as Tools;
  const contract = loadContract(spec, { strict: true });
  const headers = { 'content-type': 'application/json' };
  return calls.flatMap(({ method, path, body, status, answer }) => {
    const call = { method, url: `http://stand-in${path}`, headers };
    const sent = contract.checkRequest({ ...call, ...(body === '' ? {} : { body }) }).errors;
    const given = status === 0 ? [] : contract.checkResponse({ ...call, status, body: answer }).errors;
    return [...sent, ...given].map((fault) => `${method} ${path}: ${fault}`);
  });
}
