import { ProviderError, type ProviderErrorKind } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { AnswerVerdict } from '../provider.ts';
import { retryAt } from '../retry-at.ts';
import { createVendorFailures } from '../vendor-failures.ts';

/** What was seen of a failed answer. */
type Failure = {
  status: number;
  /** Dropbox's own words for it, from the general to the particular: `path`, `not_found`. */
  tags: string[];
  requiredScope?: string;
  /** The team space that the account has now; '' when it has none. Only with `invalid_root`. */
  root?: string;
  /** Plain text of a 400, in which Dropbox explains what it did not understand. */
  text?: string;
  /** False where the text may repeat a secret out of the request. */
  quoting?: boolean;
  retryAfter?: string;
  requestId?: string;
};

type Row = { kind: ProviderErrorKind; message: string };

/** What Dropbox has in common with every vendor; what its SDK throws is read first. */
const common = createVendorFailures('dropbox', { service: 'Dropbox', company: 'Dropbox' });
export const { badResponse, notJson, parse } = common;

const BUSY: Row = { kind: 'rate_limited', message: 'Dropbox asks for a pause between requests.' };
const DEAD_GRANT: Row = {
  kind: 'reconnect',
  message: 'Dropbox no longer accepts the connection. Connect the account again.',
};
const CLIENT_REFUSED: Row = {
  kind: 'misconfigured',
  message: 'Dropbox refuses the hub’s app: check DROPBOX_APP_KEY, DROPBOX_APP_SECRET and the registered redirect URI.',
};
const UNREACHABLE: Row = common.unreachable;
const NO_ACCESS: Row = { kind: 'denied', message: 'This account may not see the item in Dropbox.' };
const GONE: Row = {
  kind: 'gone',
  message: 'The item no longer exists in Dropbox or is no longer shared with this account.',
};
const RESTRICTED: Row = { kind: 'not_downloadable', message: 'Dropbox has blocked the content of this file.' };
const NO_CONTENT: Row = {
  kind: 'not_downloadable',
  message: 'Dropbox offers no download or export for this kind of file.',
};
const STALE_CURSOR: Row = {
  kind: 'cursor_expired',
  message: 'Dropbox no longer knows this place in the list; it starts over.',
};
const NO_TEAM_SPACE: Row = { kind: 'gone', message: 'This account no longer has that team space.' };
const ACCOUNT_CLOSED: Row = {
  kind: 'denied',
  message: 'Dropbox has suspended this account or closed this service for it. Ask its team’s administrator.',
};

/** Seconds to wait when Dropbox names none. */
const BUSY_SECONDS = 5;

/**
 * One table for all refusals, by Dropbox's tag.
 * Source: https://github.com/dropbox/dropbox-api-spec (2026: auth.stone, common.stone, files.stone) and
 * https://www.dropbox.com/developers/documentation/http/documentation#error-handling (2026).
 */
const BY_TAG = new Map<string, Row>(
  Object.entries({
    not_found: GONE,
    malformed_path: GONE,
    not_folder: { kind: 'gone', message: 'The item is not a folder in Dropbox.' },
    not_file: { kind: 'not_downloadable', message: 'A folder has no content of its own.' },
    restricted_content: RESTRICTED,
    unsupported_content_type: NO_CONTENT,
    unsupported_file: NO_CONTENT,
    non_exportable: NO_CONTENT,
    invalid_export_format: NO_CONTENT,
    locked: { kind: 'denied', message: 'The item is locked in Dropbox.' },
    retry_error: { kind: 'transient', message: 'Dropbox has the exported document not ready yet.' },
    internal_error: UNREACHABLE,
    reset: STALE_CURSOR,
    invalid_root: NO_TEAM_SPACE,
    too_many_requests: BUSY,
    too_many_write_operations: BUSY,
    expired_access_token: DEAD_GRANT,
    invalid_access_token: DEAD_GRANT,
    user_suspended: ACCOUNT_CLOSED,
    route_access_denied: ACCOUNT_CLOSED,
    invalid_account_type: ACCOUNT_CLOSED,
    paper_access_denied: ACCOUNT_CLOSED,
    team_access_denied: ACCOUNT_CLOSED,
    no_permission: NO_ACCESS,
    invalid_select_user: CLIENT_REFUSED,
    invalid_select_admin: CLIENT_REFUSED,
    invalid_grant: DEAD_GRANT,
    invalid_client: CLIENT_REFUSED,
    unauthorized_client: CLIENT_REFUSED,
    redirect_uri_mismatch: CLIENT_REFUSED,
    invalid_scope: CLIENT_REFUSED,
  } satisfies Record<string, Row>),
);

/** Where Dropbox gives no tag that we know, the status decides. */
function byStatus({ status, text, quoting }: Failure): Row {
  if (status === 401) return DEAD_GRANT;
  if (status === 403) return NO_ACCESS;
  if (status === 422) return NO_TEAM_SPACE;
  if (status === 429) return BUSY;
  if (status === 408 || status >= 500) return UNREACHABLE;
  if (status === 400 && /access token is malformed/i.test(text ?? '')) return DEAD_GRANT;
  if (status === 400 && /\bcursor\b/i.test(text ?? '')) return STALE_CURSOR;
  const said = text === undefined || quoting === false ? `status ${status}` : text.replace(/[.\s]+$/, '');
  return { kind: 'bad_response', message: `Dropbox did not understand the request: ${said}.` };
}

/**
 * The account's root is another than the one asked for: it joined, left or changed its team. `root` is the namespace of its
 * team space now, '' when it has none.
 */
export class MovedRootError extends ProviderError {
  readonly root: string;

  constructor(root: string, options: ConstructorParameters<typeof ProviderError>[3]) {
    super(NO_TEAM_SPACE.kind, 'dropbox', NO_TEAM_SPACE.message, options);
    this.root = root;
  }
}

/** The permission that is missing, and who can give it. */
export function missingScope(scope: string): Row & { kind: 'scope' } {
  return {
    kind: 'scope',
    message: `The permission ${scope} was not granted. Switch it on for the app in the Dropbox App Console, then connect again.`,
  };
}

function classify(failure: Failure): ProviderError {
  const { status, requestId } = failure;
  // A server fault stays one whatever its body says.
  const tags = status < 500 ? [...failure.tags].reverse() : [];
  const known = tags.map((tag) => BY_TAG.get(tag)).find((row) => row !== undefined);
  const row = failure.requiredScope ? missingScope(failure.requiredScope) : (known ?? byStatus(failure));
  const options = {
    status,
    requestId,
    retryAt:
      row.kind === 'rate_limited' || failure.retryAfter
        ? retryAt(failure.retryAfter, { waitSeconds: BUSY_SECONDS })
        : undefined,
  };
  if (failure.root !== undefined) return new MovedRootError(failure.root, options);
  return new ProviderError(row.kind, 'dropbox', row.message, options);
}

/**
 * Turns a refused answer that was fetched without the SDK into the error to throw. Reads its body. With `quoting: false` none of
 * Dropbox's words get into the message: token requests carry secrets that they might repeat.
 */
export async function failedAnswer(response: Response, options: { quoting?: boolean } = {}): Promise<ProviderError> {
  const text = await response.text().catch(() => '');
  return classify({ ...readFailure(response.status, response.headers, parseJson(text) ?? text), ...options });
}

/** Whatever a call has thrown, as a ProviderError. */
export function toProviderError(error: unknown): ProviderError {
  const reported = common.reported(error);
  if (reported) return reported;
  // The SDK's error has the status, the headers and the body, parsed where it is JSON.
  if (isRecord(error) && typeof error.status === 'number')
    return classify(readFailure(error.status, error.headers, error.error));
  return common.connectionLost(error);
}

export const dropboxFailures = { ...common, toProviderError };

/** A place in a list that was not made here, or for another list. */
export function staleCursor(): ProviderError {
  return new ProviderError(STALE_CURSOR.kind, 'dropbox', STALE_CURSOR.message);
}

/** What Dropbox says of a token that another one may replace. */
const EXPIRED = new Set(['expired_access_token', 'invalid_access_token']);

/**
 * Departs from the common rules in two ways: a 401 may also be a missing permission or a closed account, which no new token mends,
 * and a 429 may say how long to wait in its body only.
 */
export function judge(answer: { status: number; headers: Headers; text: string }): AnswerVerdict | undefined {
  const { status, headers, text } = answer;
  const { tags, retryAfter } = readFailure(status, headers, parseJson(text));
  if (status === 401 && tags[0] !== undefined) return { kind: EXPIRED.has(tags[0]) ? 'expired' : 'final' };
  if (status === 429 && !headers.has('retry-after') && retryAfter !== undefined)
    return { kind: 'throttled', waitMs: Math.max(1, Number(retryAfter)) * 1000 };
  return undefined;
}

/** Reads both of Dropbox's error bodies: the API's `{error: {".tag"}}` and OAuth's `{error: 'code'}`; a 400 is plain text. */
function readFailure(status: number, headers: unknown, body: unknown): Failure {
  const answer = isRecord(body) ? body : {};
  const error = isRecord(answer.error) ? answer.error : {};
  const tags = tagsOf(answer);
  const scope = tags[0] === 'missing_scope' ? error.required_scope : undefined;
  const waitInBody = typeof error.retry_after === 'number' ? String(error.retry_after) : undefined;
  return {
    status,
    tags,
    requiredScope: typeof scope === 'string' && /^[\w.]{1,100}$/.test(scope) ? scope : undefined,
    root: tags[0] === 'invalid_root' ? rootOf(error.invalid_root) : undefined,
    text: typeof body === 'string' ? shown(body) : undefined,
    retryAfter: header(headers, 'retry-after')?.trim() ?? waitInBody,
    requestId: header(headers, 'x-dropbox-request-id'),
  };
}

/** `{".tag": "path", "path": {".tag": "not_found"}}` gives path, not_found. The summary ends in a random number of dots. */
function tagsOf({ error, error_summary: summary }: Record<string, unknown>): string[] {
  if (typeof error === 'string') return [/^[a-z_]+/.exec(error)?.[0] ?? ''];
  const tags: string[] = [];
  for (let at: unknown = error; isRecord(at) && typeof at['.tag'] === 'string' && tags.length < 5;) {
    const tag = at['.tag'];
    tags.push(tag);
    at = at[tag];
  }
  if (tags.length > 0 || typeof summary !== 'string') return tags;
  return summary.split('/').filter((part) => /^[a-z_]+$/.test(part));
}

function rootOf(info: unknown): string {
  if (!isRecord(info) || typeof info.root_namespace_id !== 'string') return '';
  return info.root_namespace_id === info.home_namespace_id ? '' : info.root_namespace_id;
}

/** Text that Dropbox means for developers: in one line, short, and without a token it may quote. */
function shown(text: string): string | undefined {
  if (/^\s*</.test(text)) return undefined;
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/\b(?:bearer|basic)\s+[^\s"']+|\bsl\.[^\s"']+/gi, '[secret]')
    .trim();
  return line === '' ? undefined : line.slice(0, 300);
}

function header(headers: unknown, name: string): string | undefined {
  return headers instanceof Headers || (isRecord(headers) && typeof headers.get === 'function')
    ? ((headers as Headers).get(name) ?? undefined)
    : undefined;
}
