import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { notRun, referencePath } from '../helpers/requirements.ts';
import type { Exchange } from './exchanges.ts';

type Checked = { operationId?: string; errors: string[] };
type Call = { method: string; url: string; headers: Record<string, string>; body?: string };
type Contract = { checkRequest(request: Call): Checked; checkResponse(answer: Call & { status: number }): Checked };
type Options = { strict: boolean; overlay: unknown; prefix: RegExp };
type Tools = { loadContract: (spec: string, options: Options) => Contract };

/** Of the calls that the hub or its stand-in know, those that Jira's description leaves out here. */
const UNDESCRIBED = /\/rest\/api\/3\/(jql\/parse|search)$/;
/** Jira answers so too, whatever its description says. */
const ALWAYS_POSSIBLE = new Set([404, 415, 429, 503]);

/**
 * Checks exchanges with `/rest/api/3` of a site or the gateway against Jira's own description of its API, refusing what it does not name.
 * Gives the faults and how many exchanges were checked; undefined where the descriptions are not there.
 */
export async function checkJiraExchanges(
  exchanges: Exchange[],
): Promise<{ faults: string[]; checked: number; operations: string[] } | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const spec = referencePath('specs', 'jira', 'jira-cloud-v3.openapi.json');
  const overlay = referencePath('specs', 'overlays', 'jira-cloud-v3.json');
  if (!tools || !spec || !overlay) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as Tools;
  const { patches } = JSON.parse(readFileSync(overlay, 'utf8')) as { patches: unknown };
  const contract = loadContract(spec, { strict: true, overlay: patches, prefix: /^\/ex\/jira\/[^/]+/ });
  const faults = new Set<string>();
  const operations = new Set<string>();
  let checked = 0;
  for (const { method, url, headers, body, status, answerHeaders, answer } of exchanges) {
    const { pathname } = new URL(url);
    if (!pathname.includes('/rest/api/3/') || UNDESCRIBED.test(pathname)) continue;
    const sent = contract.checkRequest({ method, url, headers, body });
    checked += 1;
    operations.add(sent.operationId ?? `unknown ${method} ${pathname}`);
    for (const fault of sent.errors) faults.add(`${method} ${pathname}: ${fault}`);
    if (answerHeaders['x-planned'] !== undefined || ALWAYS_POSSIBLE.has(status)) continue;
    const given = contract.checkResponse({ method, url, status, headers: answerHeaders, body: answer });
    for (const fault of given.errors) faults.add(`${status} of ${method} ${pathname}: ${fault}`);
  }
  return { faults: [...faults], checked, operations: [...operations].sort() };
}

/** The last tests of a file: `exchanges` are those of all tests before them. The requests may be wrong on purpose. */
export function describeWire(exchanges: Exchange[]): void {
  describe('on the wire', () => {
    it('answers only what Jira’s own description of its API allows, also to those who ask wrongly', async () => {
      const result = await checkJiraExchanges(exchanges);
      if (!result) {
        notRun('the check of the Jira stand-in against the vendor’s description', 'the description is not there');
        return;
      }
      // Faults of answers begin with their status.
      expect(result.faults.filter((fault) => /^\d{3} of /.test(fault))).to.deep.equal([]);
      expect(result.operations.filter((operation) => operation.startsWith('unknown'))).to.deep.equal([]);
      expect(result.checked).to.be.greaterThan(50);
    });
  });
}
