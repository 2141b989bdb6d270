import { EgressError } from '../egress/egress.ts';
import { parseRetryAfter } from '../services/retry-after.ts';
import { IndexError } from './index-error.ts';

/** What a failed request asks for: `passing` ones are repeated, after `waitMs` where the service named a time. */
export type Verdict = { error: IndexError; passing: boolean; waitMs?: number };

/** What the sentences speak of. `key` is never said; where an answer repeats it, it is cut out. */
export type Names = { host: string; index: string; key?: string };

/** What Azure's library throws for an answer. It holds the request with its key, so it is read here and goes no further. */
type Refusal = {
  statusCode?: number;
  code?: string;
  message?: string;
  name?: string;
  response?: { headers: { get(name: string): string | undefined } };
};

/** What became of one action. */
export type ActionResult = { succeeded: boolean; statusCode: number; errorMessage?: string };

const MOST_QUOTED = 300;
/** Of actions and requests. Source: https://learn.microsoft.com/rest/api/searchservice/addupdate-or-delete-documents#response */
const PASSING = new Set([408, 409, 422, 429]);

/** Reads a failed request. What is no answer at all may pass. */
export function judge(failure: unknown, names: Names): Verdict {
  if (failure instanceof IndexError)
    return { error: failure, passing: failure.kind === 'unavailable' || failure.kind === 'rate_limited' };
  const { host, index } = names;
  const { statusCode: status, message, name, response } = failure as Refusal;
  const final = (kind: IndexError['kind'], sentence: string): Verdict => ({
    error: new IndexError(kind, sentence, { status }),
    passing: false,
  });
  if (failure instanceof EgressError)
    return failure.code === 'blocked' || failure.code === 'redirect'
      ? final('misconfigured', `The index at ${host} cannot be reached: ${failure.message}`)
      : { error: new IndexError('unavailable', `The index cannot be reached: ${failure.message}`), passing: true };
  if (/Credential|Authentication/.test(name ?? ''))
    return final(
      'misconfigured',
      `The hub has no identity that ${host} takes. Set AZURE_SEARCH_API_KEY, or give it one with the roles to read and write indexes.`,
    );
  const said = quote(message, names);
  if (status === undefined)
    return { error: new IndexError('unavailable', `${host} did not answer as a search service does.`), passing: true };
  if (status === 401 || status === 403)
    return final(
      'misconfigured',
      names.key === undefined
        ? `${host} does not let the hub's identity in (${status}). Give it the roles Search Service Contributor and Search Index Data Contributor.`
        : `${host} refused the key in AZURE_SEARCH_API_KEY (${status}). Set it to an admin key of the service and restart the hub.`,
    );
  if (status === 404)
    return final('misconfigured', `${host} has no index “${index}” (404). A restart of the hub makes it.`);
  const waitMs = status === 429 || status === 503 ? parseRetryAfter(response?.headers.get('retry-after')) : undefined;
  if (status === 429 || (status === 503 && waitMs !== undefined))
    return { error: new IndexError('rate_limited', `${host} asks for a pause.`, { status }), passing: true, waitMs };
  if (status >= 500 || (PASSING.has(status) && status !== 409))
    return { error: new IndexError('unavailable', `${host} failed (${status}).${said}`, { status }), passing: true };
  return final('refused', `${host} refused a request (${status}).${said}`);
}

/** Of the actions of a batch that failed: a final failure counts before a passing one. `undefined` stands for an action without an answer. */
export function judgeAction(failed: (ActionResult | undefined)[], names: Names): IndexError {
  const final = failed.find((one) => one && one.statusCode < 500 && !PASSING.has(one.statusCode));
  const said = quote((final ?? failed.find(Boolean))?.errorMessage, names);
  const count = `${failed.length} passage${failed.length === 1 ? '' : 's'}`;
  return final
    ? new IndexError('refused', `${names.host} did not take ${count} (${final.statusCode}).${said}`)
    : new IndexError('unavailable', `${names.host} could not take ${count} just now.${said}`);
}

/** What the service says itself, as a further sentence. */
function quote(message: string | undefined, { key }: Names): string {
  if (message === undefined || message.trim() === '') return '';
  const clean = (key ? message.replaceAll(key, '[secret]') : message).replace(/\s+/g, ' ').trim();
  return ` It says: ${clean.length > MOST_QUOTED ? `${clean.slice(0, MOST_QUOTED)}…` : clean}`;
}
