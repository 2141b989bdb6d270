import { z } from 'zod';
import { EgressError } from '../../server/egress/egress.ts';
import { TypedError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Account, Fetch } from '../provider.ts';
import { parseUrl } from '../urls.ts';
import type { AtlassianFailures } from './failures.ts';
import { CLOUD_ID } from './sites.ts';

/** What a site says of a token. `locked`: held back after wrong attempts; `nothing`: no such product is there. */
export type Owner =
  { kind: 'known'; account: Account } | { kind: 'refused' | 'scope' | 'denied' | 'locked' | 'nothing' };

const TIMEOUT_MS = 20_000;

const text = z.string().nullish();
/** Who is asking, as Confluence and Jira say it, in Cloud and on servers. */
const user = z.object({
  type: text,
  accountId: text,
  userKey: text,
  key: text,
  email: text,
  emailAddress: text,
  displayName: text,
});
const tenant = z.object({ cloudId: z.string().regex(CLOUD_ID) });

/**
 * Asks at `url` whose credentials these are. Never twice: wrong attempts add up to a lock.
 * Errors: TypedError for an address that cannot be asked or leads on; ProviderError `transient`, `rate_limited`.
 */
export async function ownerOf(
  fetch: Fetch,
  url: string,
  authorization: string,
  failures: AtlassianFailures,
): Promise<Owner> {
  const response = await reach(fetch, url, failures, authorization);
  const { status, headers, ok } = response;
  const reason = headers.get('x-seraph-loginreason') ?? '';
  if (ok) {
    const body = await response.text().catch((error: unknown) => {
      throw failures.toProviderError(error);
    });
    // Some sites let wrong credentials in as nobody in particular.
    return reason.includes('AUTHENTICATED_FAILED') ? { kind: 'refused' } : readOwner(body);
  }
  const failure = await failures.failedAnswer(response);
  if (status >= 300 && status < 400) throw leadsOn(url, headers.get('location'));
  if (reason.includes('AUTHENTICATION_DENIED')) return { kind: 'locked' };
  if (failure.kind === 'transient' || failure.kind === 'rate_limited') throw failure;
  if (failure.kind === 'reconnect') return { kind: 'refused' };
  return { kind: failure.kind === 'scope' || failure.kind === 'denied' ? failure.kind : 'nothing' };
}

/** The id under which Atlassian's gateway knows a site; undefined where it is no site of Atlassian Cloud. Errors: as `ownerOf`. */
export async function cloudIdOf(
  fetch: Fetch,
  origin: string,
  failures: AtlassianFailures,
): Promise<string | undefined> {
  const response = await reach(fetch, `${origin}/_edge/tenant_info`, failures);
  const body = await response.text().catch(() => '');
  return response.ok ? tenant.safeParse(parseJson(body)).data?.cloudId : undefined;
}

async function reach(
  fetch: Fetch,
  url: string,
  failures: AtlassianFailures,
  authorization?: string,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const { host } = new URL(url);
    if (error instanceof EgressError && error.code === 'blocked')
      throw new TypedError(
        'baseUrl',
        `The hub is not allowed to reach ${host}. Check the address; if it is right, its operator adds it to EGRESS_ALLOWED_HOSTS.`,
        { cause: error },
      );
    if (isUnknownHost(error))
      throw new TypedError('baseUrl', `There is no ${host} on the network. Check the address.`, { cause: error });
    throw failures.toProviderError(error);
  }
}

function readOwner(body: string): Owner {
  const found = user.safeParse(parseJson(body)).data;
  if (found?.type === 'anonymous') return { kind: 'refused' };
  const id = found?.accountId || found?.userKey || found?.key;
  if (!found || !id) return { kind: 'nothing' };
  const email = found.email || found.emailAddress || undefined;
  return { kind: 'known', account: { id, email, name: found.displayName || undefined } };
}

/** A renamed site, or one that has moved: credentials typed for one address are not sent to another. */
function leadsOn(url: string, location: string | null): TypedError {
  const next = parseUrl(location ?? '', url);
  const { host, origin } = new URL(url);
  return new TypedError(
    'baseUrl',
    next && next.origin !== origin
      ? `${host} sends callers on to ${next.origin}. If that is your site, enter its address.`
      : `${host} does not answer as a site of Atlassian. Check the address.`,
  );
}

function isUnknownHost(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === 'ENOTFOUND') return true;
  return false;
}
