import { pathToFileURL } from 'node:url';
import { referencePath } from '../helpers/requirements.ts';
import type { EmbeddingRequest } from '../helpers/openai-server.ts';

type Checked = { errors: string[] };
type Call = { method: string; url: string; headers: Record<string, string>; body: string };
type Contract = { checkRequest(request: Call): Checked; checkResponse(answer: Call & { status: number }): Checked };
type Tools = { loadContract: (spec: string, options: { strict: boolean }) => Contract };

/** OpenAI describes no status but these; what others look like is in its guide. */
const DESCRIBED = new Set([200]);

/** Checks requests and answers against OpenAI's own description of its API, refusing what it does not name; undefined where that is not there. */
export async function faultsOf(requests: EmbeddingRequest[]): Promise<string[] | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const spec = referencePath('specs', 'openai', 'openai-core.openapi.json');
  if (!tools || !spec) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as Tools;
  const contract = loadContract(spec, { strict: true });
  const headers = { 'content-type': 'application/json' };
  return requests.flatMap(({ path, body, status, answer }) => {
    const call = { method: 'POST', url: `http://stand-in${path}`, headers };
    const sent = contract.checkRequest({ ...call, body }).errors;
    const given = DESCRIBED.has(status)
      ? contract.checkResponse({ ...call, status, body: withNumbers(answer) }).errors
      : [];
    return [...sent, ...given];
  });
}

/** The description knows vectors as numbers only, though base64 may be asked for. */
function withNumbers(answer: string): string {
  const parsed = JSON.parse(answer) as { data: { embedding: unknown }[] };
  for (const entry of parsed.data)
    if (typeof entry.embedding === 'string') {
      const bytes = Buffer.from(entry.embedding, 'base64');
      entry.embedding = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
    }
  return JSON.stringify(parsed);
}
