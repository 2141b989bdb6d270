import { ProviderError, type ProviderErrorKind } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { AnswerVerdict } from '../provider.ts';
import { retryAt } from '../retry-at.ts';
import { createVendorFailures } from '../vendor-failures.ts';

/** What was seen of a failed answer; `codes` are the vendor's own words, the innermost first. */
type Failure = {
  status: number;
  codes: string[];
  /** The vendor's text; searched for known phrases, never shown. */
  text?: string;
  retryAfter?: string | null;
  requestId?: string;
  /** The request named a place in a list by a cursor. */
  paged?: boolean;
};

type Row = { kind: ProviderErrorKind; message: string };

const common = createVendorFailures('microsoft', { service: 'Microsoft 365', company: 'Microsoft' });
export const { toProviderError, badResponse, notJson, parse } = common;

const BUSY: Row = { kind: 'rate_limited', message: 'Microsoft 365 asks for a pause between requests.' };
const UNREACHABLE: Row = common.unreachable;
/** Seconds to wait when Microsoft names none. */
const BUSY_SECONDS = 15;
const DEAD_GRANT: Row = {
  kind: 'reconnect',
  message: 'Microsoft no longer accepts the connection. Connect the account again.',
};
const NO_SCOPE: Row = {
  kind: 'scope',
  message:
    'A permission the hub needs in Microsoft 365 is not granted any more. Connect again and accept; where Microsoft asks for approval, an administrator of the organisation must give it.',
};
const NO_ACCESS: Row = { kind: 'denied', message: 'This account may not see the item in Microsoft 365.' };
const NOT_APPROVED: Row = {
  kind: 'denied',
  message:
    'The account’s organisation has not approved this app. Ask its Microsoft 365 administrator to approve it in Microsoft Entra, then connect again.',
};
const CLIENT_REFUSED: Row = {
  kind: 'misconfigured',
  message:
    'Microsoft refuses the hub’s client: check MICROSOFT_CLIENT_ID, MICROSOFT_CLIENT_SECRET (it may have expired), MICROSOFT_TENANT_ID and the registered redirect URI.',
};
const UNKNOWN_SCOPE: Row = {
  kind: 'misconfigured',
  message:
    'Microsoft does not know a permission of the hub for this kind of account. Set MICROSOFT_TENANT_ID to consumers for personal accounts only, or to organizations for work accounts only.',
};
const GONE: Row = {
  kind: 'gone',
  message: 'The item no longer exists in Microsoft 365 or is no longer shared with this account.',
};
const LOCKED: Row = { kind: 'denied', message: 'Microsoft 365 has locked or archived this place.' };
const FULL: Row = { kind: 'denied', message: 'Microsoft 365 says that the storage of this account is full.' };
const MALWARE: Row = { kind: 'malware', message: 'Microsoft 365 marks this file as malware.' };
const NOT_OFFERED: Row = { kind: 'denied', message: 'Microsoft 365 does not offer this to this kind of account.' };
const NOT_CALLED: Row = {
  kind: 'misconfigured',
  message:
    'Microsoft calls the address of this hub in vain. It must be public, https with a valid certificate, and answer within some seconds.',
};
const LOST_PLACE: Row = {
  kind: 'cursor_expired',
  message: 'Microsoft 365 no longer knows this place in the list; it starts over.',
};

/**
 * One table for all refusals of Graph, by the code nearest to the cause.
 * Source: https://learn.microsoft.com/en-us/graph/errors and
 * https://learn.microsoft.com/en-us/onedrive/developer/rest-api/concepts/errors (2026). Keys are lower-case: the vendor's spelling varies.
 */
const BY_CODE = new Map<string, Row>(
  Object.entries({
    accessdenied: NO_ACCESS,
    accessrestricted: NO_ACCESS,
    erroraccessdenied: NO_ACCESS,
    authorization_requestdenied: NO_SCOPE,
    insufficient_claims: DEAD_GRANT,
    invalidauthenticationtoken: DEAD_GRANT,
    unauthenticated: DEAD_GRANT,
    activitylimitreached: BUSY,
    throttledrequest: BUSY,
    toomanyrequests: BUSY,
    serviceunavailablewithretry: BUSY,
    itemnotfound: GONE,
    notfound: GONE,
    resourcenotfound: GONE,
    request_resourcenotfound: GONE,
    filenotfound: GONE,
    malwaredetected: MALWARE,
    virussuspicious: MALWARE,
    resourcelocked: LOCKED,
    locked: LOCKED,
    notallowed: LOCKED,
    notsupported: NOT_OFFERED,
    notimplemented: NOT_OFFERED,
    quotalimitreached: FULL,
    insufficientstorage: FULL,
    pathistoolong: {
      kind: 'not_downloadable',
      message: 'The path of the item is longer than SharePoint allows, so it cannot be read.',
    },
    resyncrequired: LOST_PLACE,
    resyncchangesapplydifferences: LOST_PLACE,
    resyncchangesuploaddifferences: LOST_PLACE,
    syncstatenotfound: LOST_PLACE,
  }),
);

/**
 * Phrases where the code says nothing of use.
 * Source: https://github.com/transloadit/uppy (packages/@uppy/companion, onedrive, 2026) for the licence.
 */
const BY_PHRASE: [RegExp, Row][] = [
  [
    /SPO license|mysite not found/i,
    { kind: 'denied', message: 'This account has no OneDrive: its licence does not include one.' },
  ],
  [/MSA accounts|personal (microsoft )?accounts?|consumer accounts?/i, NOT_OFFERED],
  // Of subscriptions: the address was asked to prove itself. Source: https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks (2026).
  [/subscription validation request|notification ?(url|endpoint)/i, NOT_CALLED],
  [/missing scope|scope permissions|insufficient privileges/i, NO_SCOPE],
];

/**
 * Refusals of the token endpoint by the number after AADSTS, then by OAuth's word.
 * Source: https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes (2026).
 */
const BY_TOKEN_CODE = new Map<string, Row>(
  Object.entries({
    50105: NOT_APPROVED,
    53003: {
      ...NOT_APPROVED,
      message: 'A policy of the account’s organisation does not let the hub in. Ask its administrator.',
    },
    65001: NO_SCOPE,
    65004: { kind: 'denied' as const, message: 'The consent was declined. Connect again and accept.' },
    90093: NOT_APPROVED,
    90094: NOT_APPROVED,
    90095: NOT_APPROVED,
    50011: CLIENT_REFUSED,
    50194: CLIENT_REFUSED,
    90002: CLIENT_REFUSED,
    700016: CLIENT_REFUSED,
    7000215: CLIENT_REFUSED,
    7000218: CLIENT_REFUSED,
    7000222: CLIENT_REFUSED,
    70011: UNKNOWN_SCOPE,
    invalid_client: CLIENT_REFUSED,
    unauthorized_client: CLIENT_REFUSED,
    invalid_scope: UNKNOWN_SCOPE,
    consent_required: NO_SCOPE,
    invalid_grant: DEAD_GRANT,
    interaction_required: DEAD_GRANT,
    login_required: DEAD_GRANT,
    access_denied: NOT_APPROVED,
    temporarily_unavailable: UNREACHABLE,
    server_error: UNREACHABLE,
  }),
);

/** Where Microsoft gives no code that we know, the status decides. */
function byStatus({ status, paged }: Failure): Row {
  if (paged && (status === 400 || status === 410)) return LOST_PLACE;
  if (status === 401) return DEAD_GRANT;
  if (status === 403) return NO_ACCESS;
  if (status === 404 || status === 410) return GONE;
  if (status === 423) return LOCKED;
  if (status === 429 || status === 509) return BUSY;
  if (status === 501) return NOT_OFFERED;
  if (status === 507) return FULL;
  if (status === 408 || status >= 500) return UNREACHABLE;
  return { kind: 'bad_response', message: `Microsoft 365 did not understand the request (status ${status}).` };
}

function classify(failure: Failure, table: Map<string, Row>): ProviderError {
  const { status, retryAfter } = failure;
  // A server fault stays one whatever its body says; with a time to wait it is a throttle (SharePoint answers so).
  const isFault = status >= 500 && ![501, 507, 509].includes(status);
  const row = isFault
    ? retryAfter
      ? BUSY
      : UNREACHABLE
    : status === 429
      ? BUSY
      : (BY_PHRASE.find(([phrase]) => status !== 401 && phrase.test(failure.text ?? ''))?.[1] ??
        failure.codes.map((code) => table.get(code.toLowerCase())).find((known) => known !== undefined) ??
        byStatus(failure));
  return new ProviderError(row.kind, 'microsoft', row.message, {
    status,
    requestId: failure.requestId,
    retryAt: row.kind === 'rate_limited' ? retryAt(retryAfter, { waitSeconds: BUSY_SECONDS }) : undefined,
  });
}

/** Turns an answer of Graph that is not a success into the error to throw. Reads its body. */
export async function failedAnswer(response: Response, options: { paged?: boolean } = {}): Promise<ProviderError> {
  return (await readRefusal(response, options)).error;
}

/** The same, and whether Graph itself said so: hosts that downloads are redirected to have other bodies. */
export async function readRefusal(
  response: Response,
  options: { paged?: boolean } = {},
): Promise<{ error: ProviderError; isGraphs: boolean }> {
  let body: unknown;
  try {
    body = parseJson(await response.text());
  } catch {
    // The status is worth more than why the body broke off.
  }
  const { codes, text, requestId } = readBody(body);
  const error = classify(
    {
      status: response.status,
      codes: response.headers.has('x-virus-infected') ? ['malwareDetected', ...codes] : codes,
      text,
      paged: options.paged,
      retryAfter: response.headers.get('retry-after'),
      requestId: requestId ?? response.headers.get('request-id') ?? undefined,
    },
    BY_CODE,
  );
  return { error, isGraphs: codes.length > 0 };
}

/** What a refused answer of the token endpoint means. `claims`: what the next sign-in must satisfy. */
export function refusedToken(answer: { status: number; body: unknown; headers: Record<string, string> }): {
  error: ProviderError;
  claims?: string;
} {
  const body = isRecord(answer.body) ? answer.body : {};
  const words = [body.suberror, body.error].filter((word): word is string => typeof word === 'string');
  const numbers = Array.isArray(body.error_codes) ? body.error_codes.map(String) : [];
  const described = /AADSTS(\d+)/.exec(typeof body.error_description === 'string' ? body.error_description : '')?.[1];
  const failure: Failure = {
    status: answer.status,
    codes: [...numbers, ...(described ? [described] : []), ...words],
    retryAfter: answer.headers['retry-after'],
    requestId: typeof body.correlation_id === 'string' ? body.correlation_id : undefined,
  };
  return {
    error: classify(failure, BY_TOKEN_CODE),
    claims: typeof body.claims === 'string' && body.claims !== '' ? body.claims : undefined,
  };
}

/** A cursor that is none of the vendor's. */
export const lostPlace = (): ProviderError => new ProviderError(LOST_PLACE.kind, 'microsoft', LOST_PLACE.message);

/**
 * A 401 without Graph's words in it comes from a download host: its address has run out, which a new token would not mend.
 */
export function judge(answer: { status: number; headers: Headers; text: string }): AnswerVerdict | undefined {
  if (answer.status !== 401 || answer.headers.has('www-authenticate')) return undefined;
  return readBody(parseJson(answer.text)).codes.length > 0 ? undefined : { kind: 'final' };
}

/** Whether a failure means that a place does not exist for this account, so that the others are shown without it. */
export const isUnavailable = (error: ProviderError): boolean => ['denied', 'scope', 'gone'].includes(error.kind);

/** `{error: {code, innerError: {code, innererror: …}}}`: the innermost code is the most exact. */
function readBody(body: unknown): { codes: string[]; text?: string; requestId?: string } {
  const codes: string[] = [];
  let text: string | undefined;
  let requestId: string | undefined;
  let level = isRecord(body) ? body.error : undefined;
  for (let depth = 0; isRecord(level) && depth < 10; depth += 1) {
    if (typeof level.code === 'string') codes.unshift(level.code);
    if (typeof level.message === 'string') text = text === undefined ? level.message : `${text} ${level.message}`;
    if (typeof level['request-id'] === 'string') requestId = level['request-id'];
    level = level.innerError ?? level.innererror;
  }
  return { codes, text, requestId };
}
