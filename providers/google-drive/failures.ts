import { ProviderError, type ProviderErrorKind } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { AnswerVerdict } from '../provider.ts';
import { retryAt } from '../retry-at.ts';
import { createVendorFailures } from '../vendor-failures.ts';

/** Scope without which nothing can be listed or read. */
export const DRIVE_SCOPE = 'https://www.googleapis.com/auth/drive.readonly';

/** What was seen of a failed answer; `reason` is Google's own word for it. */
type Failure = {
  status: number;
  reason?: string;
  /** Name of the parameter at fault. */
  location?: string;
  /** Google's text; read for a date, never shown. */
  text?: string;
  retryAfter?: string | null;
};

type Row = { kind: ProviderErrorKind; message: string; waitSeconds?: number };

/** What Google has in common with every vendor. */
export const googleFailures = createVendorFailures('google_drive', { service: 'Google Drive', company: 'Google' });
export const { toProviderError, badResponse, notJson, parse } = googleFailures;

const BUSY_SECONDS = 15;
const BUSY: Row = { kind: 'rate_limited', message: 'Google Drive asks for a pause between requests.' };
const QUOTA: Row = {
  kind: 'rate_limited',
  message: 'A daily limit of Google Drive is used up; it opens again later.',
  waitSeconds: 3600,
};
const NO_SCOPE: Row = {
  kind: 'scope',
  message: `The permission ${DRIVE_SCOPE} was not granted. Connect again and leave its box ticked.`,
};
const LOCKED: Row = { kind: 'not_downloadable', message: 'Google Drive does not let this file be downloaded.' };
const MALWARE: Row = { kind: 'malware', message: 'Google Drive marks this file as malware or spam.' };
const API_OFF: Row = {
  kind: 'misconfigured',
  message: 'The Google Drive API is not enabled for the hub’s project in the Google Cloud console.',
};
const NO_ACCESS: Row = { kind: 'denied', message: 'This account may not see the item in Google Drive.' };
const NOT_CALLED: Row = {
  kind: 'misconfigured',
  message:
    'Google does not call the address of this hub. It must be public, https with a valid certificate, and of a domain that Google accepts for the project in the Google Cloud console.',
};
const DEAD_GRANT: Row = {
  kind: 'reconnect',
  message: 'Google no longer accepts the connection. Connect the account again.',
};
const CLIENT_REFUSED: Row = {
  kind: 'misconfigured',
  message:
    'Google refuses the hub’s client: check GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and the registered redirect URI.',
};
const UNREACHABLE: Row = googleFailures.unreachable;
const GONE: Row = {
  kind: 'gone',
  message: 'The item no longer exists in Google Drive or is no longer shared with this account.',
};

/**
 * One table for all refusals, by Google's reason.
 * Source: https://developers.google.com/workspace/drive/api/guides/handle-errors (2026) and
 * https://developers.google.com/identity/protocols/oauth2/web-server (2026).
 */
const BY_REASON = new Map<string, Row>(
  Object.entries({
    userRateLimitExceeded: BUSY,
    rateLimitExceeded: BUSY,
    sharingRateLimitExceeded: BUSY,
    rate_limit_exceeded: BUSY,
    dailyLimitExceeded: QUOTA,
    downloadQuotaExceeded: QUOTA,
    quotaExceeded: QUOTA,
    insufficientPermissions: NO_SCOPE,
    insufficientScopes: NO_SCOPE,
    ACCESS_TOKEN_SCOPE_INSUFFICIENT: NO_SCOPE,
    cannotDownloadFile: LOCKED,
    download_restricted_for_revision: LOCKED,
    fileNotDownloadable: LOCKED,
    fileNotExportable: LOCKED,
    cannotDownloadAbusiveFile: MALWARE,
    invalidAbuseAcknowledgment: MALWARE,
    exportSizeLimitExceeded: {
      kind: 'too_large',
      message: 'The document is larger than Google Drive exports (10 MB).',
    },
    accessNotConfigured: API_OFF,
    SERVICE_DISABLED: API_OFF,
    domainPolicy: {
      kind: 'denied',
      message: 'The account’s organisation does not allow apps to reach Google Drive. Ask its administrator.',
    },
    'push.webhookUrlNotHttps': NOT_CALLED,
    'push.webhookUrlNoHost': NOT_CALLED,
    'push.webhookUrlInvalid': NOT_CALLED,
    'push.webhookUrlUnauthorized': NOT_CALLED,
    authError: DEAD_GRANT,
    invalid_grant: DEAD_GRANT,
    invalid_client: CLIENT_REFUSED,
    unauthorized_client: CLIENT_REFUSED,
    redirect_uri_mismatch: CLIENT_REFUSED,
    invalid_scope: CLIENT_REFUSED,
    org_internal: CLIENT_REFUSED,
    admin_policy_enforced: {
      kind: 'denied',
      message: 'The account’s organisation does not allow this app. Ask its administrator.',
    },
  }),
);

/** Where Google gives no reason that we know, the status decides. */
function byStatus(failure: Failure): Row {
  const { status } = failure;
  if (status === 400 && failure.location === 'pageToken')
    return { kind: 'cursor_expired', message: 'Google Drive no longer knows this place in the list; it starts over.' };
  if (status === 401) return DEAD_GRANT;
  if (status === 403) return NO_ACCESS;
  if (status === 404 || status === 410) return GONE;
  if (status === 429) return BUSY;
  if (status === 408 || status >= 500) return UNREACHABLE;
  return { kind: 'bad_response', message: `Google did not understand the request (status ${status}).` };
}

/**
 * Google throttles by 403 with a reason, mostly without `Retry-After`, and says by 401 too that it will not call an address; every other refusal
 * is as the status says.
 */
export function judgeGoogle(answer: { status: number; headers: Headers; text: string }): AnswerVerdict | undefined {
  if (answer.status === 401 && readBody(parseJson(answer.text)).reason?.startsWith('push.')) return { kind: 'final' };
  if (answer.status !== 403) return undefined;
  const failure = { status: 403, ...readBody(parseJson(answer.text)), retryAfter: answer.headers.get('retry-after') };
  const row = BY_REASON.get(failure.reason ?? '');
  if (row?.kind !== 'rate_limited') return { kind: 'final' };
  const until = comesBack(failure, row.waitSeconds);
  const reach = failure.reason === 'dailyLimitExceeded' ? 'app' : 'account';
  return { kind: 'throttled', waitMs: until.getTime() - Date.now(), reach };
}

function classify(failure: Failure): ProviderError {
  // A server fault stays one whatever its body says.
  const known = failure.status < 500 ? BY_REASON.get(failure.reason ?? '') : undefined;
  const row = known ?? byStatus(failure);
  return new ProviderError(row.kind, 'google_drive', row.message, {
    status: failure.status,
    retryAt: row.kind === 'rate_limited' || failure.retryAfter ? comesBack(failure, row.waitSeconds) : undefined,
  });
}

/** When Google asks to come back: the header, else a date in its words, else the table's wait. */
function comesBack({ retryAfter, text }: Failure, waitSeconds = BUSY_SECONDS): Date {
  const inText = Date.parse(/Retry after (\S+)/i.exec(text ?? '')?.[1] ?? '');
  return retryAt(retryAfter, { waitSeconds, otherwise: Number.isNaN(inText) ? undefined : new Date(inText) });
}

/** Turns a refused answer into the error to throw. Reads its body. */
export async function failedAnswer(response: Response): Promise<ProviderError> {
  const text = await response.text().catch(() => '');
  return classify({
    status: response.status,
    ...readBody(parseJson(text)),
    retryAfter: response.headers.get('retry-after'),
  });
}

/** A grant without the permission to read Drive, which the person may untick. */
export function scopeMissing(): ProviderError {
  return new ProviderError(NO_SCOPE.kind, 'google_drive', NO_SCOPE.message);
}

/** Reads both of Google's error bodies: the API's `{error: {errors: [{reason}]}}` and OAuth's `{error: 'code'}`. */
function readBody(body: unknown): Pick<Failure, 'reason' | 'location' | 'text'> {
  if (!isRecord(body)) return {};
  const error = body.error;
  if (typeof error === 'string') return { reason: error };
  if (!isRecord(error)) return {};
  const listed: unknown[] = Array.isArray(error.errors) ? error.errors : [];
  const details: unknown[] = Array.isArray(error.details) ? error.details : [];
  const entries = [...listed, ...details].filter(isRecord);
  const words = (name: string): string[] =>
    entries.map((entry) => entry[name]).filter((word): word is string => typeof word === 'string');
  return {
    reason: words('reason').find((word) => BY_REASON.has(word)) ?? words('reason')[0],
    location: words('location')[0],
    text: typeof error.message === 'string' ? error.message : undefined,
  };
}
