import { ProviderError, type ProviderErrorKind } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { AnswerVerdict } from '../provider.ts';
import { retryAt } from '../retry-at.ts';
import { isPage } from '../streams.ts';
import { createVendorFailures, type VendorFailures } from '../vendor-failures.ts';
import type { Product } from './product.ts';

const HOUR_MS = 3_600_000;
const BUSY_SECONDS = 5;

/** The failures of one Atlassian product. */
export type AtlassianFailures = VendorFailures & {
  /** The error of a refused answer; reads its body. `scope` is the permission that the call needs. */
  failedAnswer: (response: Response, scope?: string) => Promise<ProviderError>;
  /** The error of a refused token request; reads its body and repeats nothing of it. */
  refusedToken: (response: Response) => Promise<ProviderError>;
  scopeMissing: (scope: string | undefined, status?: number) => ProviderError;
  /** An answer that breaks off in the middle, although all of it seemed to arrive. */
  cutShort: (what: string) => ProviderError;
};

/** Such an answer comes where too much was asked for at once. */
class CutShortError extends ProviderError {}

/** Whether a request may succeed that asks for less: the answer took too long to make, or broke off. */
export const wasTooMuch = (error: unknown): boolean =>
  error instanceof CutShortError || (error instanceof ProviderError && error.status === 504);

/**
 * Atlassian's gateway says so with a 401, which no new token mends.
 * Source: https://github.com/Spenhouet/confluence-markdown-exporter/issues/210 (2026).
 */
const isScopeMismatch = (status: number, text: string): boolean => status === 401 && /scope does not match/i.test(text);

/**
 * The host of files answers in words of its own, `{error: {code}}`: the address that a redirect led to has run out, which says nothing of
 * the grant or the file.
 */
function isDeadLink(status: number, text: string): boolean {
  const body = parseJson(text);
  return [401, 403, 404, 410].includes(status) && isRecord(body) && isRecord(body.error);
}

type Row = { kind: ProviderErrorKind; message: string };

/** One table for all refusals. Source: https://developer.atlassian.com/cloud/confluence/rest/v2/intro/ (2026). */
const rowsOf = ({ label, settings }: Product) =>
  ({
    dead: { kind: 'reconnect', message: 'Atlassian no longer accepts the connection. Connect the account again.' },
    client: {
      kind: 'misconfigured',
      message: `Atlassian refuses the hub’s app: check ${settings.clientId}, ${settings.clientSecret} and the registered callback URL.`,
    },
    denied: {
      kind: 'denied',
      message: `This account may not see the item in ${label}, or may no longer use the site.`,
    },
    gone: {
      kind: 'gone',
      message: `The item no longer exists in ${label} or is no longer shared with this account.`,
    },
    removed: {
      kind: 'bad_response',
      message: `${label} no longer offers a call that the hub makes. Update the hub.`,
    },
    tooLarge: { kind: 'too_large', message: `${label} does not give out anything this large.` },
    deadLink: { kind: 'transient', message: `A download address of ${label} was no longer valid.` },
    busy: { kind: 'rate_limited', message: `${label} asks for a pause between requests.` },
  }) satisfies Record<string, Row>;

const unknown = (status: number): Row => ({
  kind: 'bad_response',
  message: `Atlassian did not understand the request (status ${status}).`,
});

export function createAtlassianFailures(product: Product): AtlassianFailures {
  const { platform, label } = product;
  const common = createVendorFailures(platform, { service: label, company: 'Atlassian' });
  const rows = rowsOf(product);

  const byStatus = (status: number): Row => {
    if (status === 401) return rows.dead;
    if (status === 403) return rows.denied;
    if (status === 404) return rows.gone;
    if (status === 410) return rows.removed;
    if (status === 413) return rows.tooLarge;
    if (status === 429) return rows.busy;
    return status === 408 || status >= 500 ? common.unreachable : unknown(status);
  };

  const failure = ({ kind, message }: Row, { status, headers }: Response): ProviderError =>
    new ProviderError(kind, platform, message, {
      status,
      requestId: headers.get('atl-traceid') ?? headers.get('x-arequestid') ?? undefined,
      retryAt: kind === 'rate_limited' || headers.has('retry-after') ? comesBack(headers) : undefined,
    });

  const scopeMissing = (scope: string | undefined, status?: number): ProviderError =>
    new ProviderError(
      'scope',
      platform,
      `${scope ? `The permission ${scope}` : 'A permission'} was not granted. Give it to the app in Atlassian’s developer console, or to a new API token, then connect again.`,
      { status },
    );

  return {
    ...common,
    scopeMissing,
    cutShort: (what) =>
      new CutShortError('transient', platform, `Atlassian answered ${what} with data that breaks off in the middle.`),

    async failedAnswer(response, scope) {
      const text = await response.text().catch(() => '');
      if (isScopeMismatch(response.status, text)) return scopeMissing(scope, response.status);
      return failure(isDeadLink(response.status, text) ? rows.deadLink : byStatus(response.status), response);
    },

    async refusedToken(response) {
      const { status } = response;
      const body = parseJson(await response.text().catch(() => ''));
      const error = isRecord(body) ? body.error : undefined;
      if (status === 429 || status === 408 || status >= 500) return failure(byStatus(status), response);
      // A dead grant is a 403, and has been seen as a 400 and a 401: the word decides.
      if (error === 'invalid_grant') return failure(rows.dead, response);
      if (error === 'invalid_client' || error === 'redirect_uri_mismatch') return failure(rows.client, response);
      // A page is not Atlassian's word on the grant or the app.
      if (isPage(response) || body === undefined) return failure(common.unreachable, response);
      return failure(status === 401 || status === 403 ? rows.client : unknown(status), response);
    },
  };
}

/**
 * Reads the gateway's refusals where they depart from the common rules: hourly quotas, buckets of one endpoint, and a 401 that is a
 * missing permission or a dead link. Source: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/ (2026).
 */
export function judgeAtlassian(answer: { status: number; headers: Headers; text: string }): AnswerVerdict | undefined {
  const { status, headers, text } = answer;
  if (isScopeMismatch(status, text) || isDeadLink(status, text)) return { kind: 'final' };
  if (status !== 429) return undefined;
  const quota = quotaOf(headers);
  if (quota) return { kind: 'throttled', waitMs: nextHour() - Date.now(), reach: quota };
  const waitMs = namesTime(headers) ? comesBack(headers).getTime() - Date.now() : undefined;
  const ofOneRequest = /-burst-based$|-per-issue-/.test(reasonOf(headers));
  return { kind: 'throttled', waitMs, reach: ofOneRequest ? 'request' : 'account' };
}

const reasonOf = (headers: Headers): string => headers.get('ratelimit-reason')?.toLowerCase() ?? '';

/** Whose points of the hour are used up: those that all sites of the app share, or one site's. */
function quotaOf(headers: Headers): 'account' | 'app' | undefined {
  const reason = reasonOf(headers);
  if (!reason.includes('-quota-')) return undefined;
  return reason.includes('-global-') ? 'app' : 'account';
}

/** Points are given out anew at each full hour, UTC. */
const nextHour = (): number => (Math.floor(Date.now() / HOUR_MS) + 1) * HOUR_MS;

const namesTime = (headers: Headers): boolean => headers.has('retry-after') || headers.has('x-ratelimit-reset');

function comesBack(headers: Headers): Date {
  if (quotaOf(headers)) return new Date(nextHour());
  const reset = new Date(headers.get('x-ratelimit-reset') ?? '');
  return retryAt(headers.get('retry-after'), {
    waitSeconds: BUSY_SECONDS,
    otherwise: Number.isNaN(reset.getTime()) ? undefined : reset,
  });
}
