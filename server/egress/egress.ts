import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as undiciFetch, type Dispatcher } from 'undici';
import { parseUrl } from '../../providers/urls.ts';
import type { Config } from '../config.ts';
import { isPrivateAddress } from './addresses.ts';

export { isPrivateAddress };

export type Egress = {
  /** `beforeRedirect` is awaited before each further hop; when it fails, the hop is not made and its error is thrown. */
  fetch: (
    input: string | URL | Request,
    init?: RequestInit,
    options?: { beforeRedirect?: () => Promise<void> },
  ) => Promise<Response>;
  close(): Promise<void>;
};

/** Why a request did not leave or did not come back. `message` names the host, never a query string. */
export class EgressError extends Error {
  readonly code: 'blocked' | 'timeout' | 'network' | 'redirect';

  constructor(code: EgressError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'EgressError';
    this.code = code;
  }
}

/** Looks a name up; the default asks the system's resolver. */
type Resolve = (hostname: string) => Promise<LookupAddress[]>;

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What may follow a redirect to another origin; credentials and vendors' own headers stay behind. */
const HARMLESS_HEADERS = new Set(['accept', 'accept-encoding', 'accept-language', 'range', 'user-agent']);
/** `bodyMs` is the longest silence between two pieces of a body, not the time for the whole. */
const TIMEOUTS = { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 };

/**
 * The hosts an operator's configuration opens: those of the endpoint overrides, of WEBHOOK_URL and of EGRESS_ALLOWED_HOSTS.
 * Vendors' own endpoints are left out: they need no opening, and must not gain the right to private addresses.
 */
export function hostsOf(config: Config, vendorHosts: string[]): string[] {
  const { google, microsoft, dropbox, confluence, jira } = config;
  const endpoints = [
    ...[google.authUrl, google.tokenUrl, google.revokeUrl, google.userinfoUrl, google.apiUrl],
    ...[microsoft.authorityUrl, microsoft.graphUrl],
    ...[dropbox.authUrl, dropbox.tokenUrl, dropbox.apiUrl, dropbox.contentUrl],
    ...[confluence.authUrl, confluence.apiUrl, jira.authUrl, jira.apiUrl],
    ...[config.embedding, config.chat].flatMap((model) => (model ? [model.server.baseUrl] : [])),
    ...(config.originals.azure ? [config.originals.azure.endpoint] : []),
    ...(config.azureSearch ? [config.azureSearch.endpoint] : []),
    ...(config.webhook ? [config.webhook.url] : []),
  ];
  const overrides = endpoints
    .map((url) => new URL(url))
    .filter((url) => !isVendorUrl(url, vendorHosts))
    .map((url) => `${url.hostname}:${portOf(url)}`);
  return [...new Set([...overrides, ...config.egressAllowedHosts.map((host) => host.toLowerCase())])];
}

/**
 * The only way out of the hub. `fetch` behaves as the platform's, but reaches allowed hosts only, checks the address it
 * connects to, gives up on silence, and follows redirects itself: each hop is checked, and no credentials go to another origin.
 * `allowedHosts` are `host` (any port) or `host:port`; those may be plain http and at private addresses. `vendorHosts` are `host` or
 * `*.suffix`: reached over https on port 443 and at public addresses only.
 * Errors: EgressError; the signal's reason when the caller aborts. A body that breaks off fails while it is read.
 */
export function createEgress(options: {
  allowedHosts: string[];
  vendorHosts: string[];
  timeouts?: Partial<typeof TIMEOUTS>;
  resolve?: Resolve;
}): Egress {
  const allowed = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const resolve = options.resolve ?? systemResolve;
  const agent = (lookup: LookupFunction): Agent =>
    new Agent({
      connect: { lookup, timeout: timeouts.connectMs },
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.bodyMs,
    });
  const publicAgent = agent(checkedLookup(resolve, isPrivateAddress));
  const operatorAgent = agent(checkedLookup(resolve, () => false));

  const agentFor = (url: URL): Agent => {
    if (url.username || url.password)
      throw new EgressError('blocked', `An address at ${url.host} carries a user name or password.`);
    if (url.protocol === 'http:' || url.protocol === 'https:') {
      if (allowed.has(url.hostname) || allowed.has(`${url.hostname}:${portOf(url)}`)) return operatorAgent;
      if (isVendorUrl(url, options.vendorHosts)) return publicAgent;
    }
    throw new EgressError(
      'blocked',
      `Requests to ${url.protocol}//${url.host} are not allowed. If the hub should reach it, add it to EGRESS_ALLOWED_HOSTS.`,
    );
  };

  const send: Egress['fetch'] = async (input, init = {}, { beforeRedirect } = {}) => {
    const request = await normalise(input, init);
    const { signal, redirect } = request;
    let { url, method, headers, body } = request;
    for (let hop = 0; ; hop += 1) {
      const response = await once(agentFor(url), url, { method, headers, body, signal });
      const location = response.headers.get('location');
      if (!REDIRECTS.has(response.status) || location === null || redirect === 'manual') return response;
      await response.body?.cancel();
      if (redirect === 'error') throw new EgressError('redirect', `${url.host} redirects, which was not expected.`);
      if (hop === MAX_REDIRECTS)
        throw new EgressError('redirect', `${url.host} redirects more than ${MAX_REDIRECTS} times.`);
      const next = nextUrl(url, location);
      if (url.protocol === 'https:' && next.protocol === 'http:')
        throw new EgressError('redirect', `${url.host} redirects to ${next.host} without encryption.`);
      const becomesGet = response.status === 303 ? method !== 'HEAD' : response.status < 307 && method === 'POST';
      if (becomesGet) {
        method = 'GET';
        body = undefined;
        headers = new Headers([...headers].filter(([name]) => !name.startsWith('content-')));
      }
      if (next.origin !== url.origin) {
        if (body !== undefined && body !== null)
          throw new EgressError('redirect', `${url.host} redirects a form to ${next.host}; it is not sent there.`);
        headers = new Headers([...headers].filter(([name]) => HARMLESS_HEADERS.has(name)));
      }
      if (body instanceof ReadableStream)
        throw new EgressError('redirect', `${url.host} redirects a streamed body, which cannot be sent twice.`);
      url = next;
      await beforeRedirect?.();
    }
  };

  return {
    fetch: send,
    async close() {
      await Promise.all([publicAgent.destroy(), operatorAgent.destroy()]);
    },
  };
}

type Prepared = {
  url: URL;
  method: string;
  headers: Headers;
  body: RequestInit['body'];
  signal: AbortSignal | undefined;
  redirect: RequestInit['redirect'];
};

/** One shape for what fetch takes: the platform's Request is another class than undici's, which would not know it. */
async function normalise(input: string | URL | Request, init: RequestInit): Promise<Prepared> {
  const from = typeof input === 'string' || input instanceof URL ? undefined : input;
  const address = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
  const headers = new Headers(init.headers ?? from?.headers);
  if (!headers.has('user-agent')) headers.set('user-agent', 'tributary');
  if (init.body instanceof URLSearchParams && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
  return {
    url: requestUrl(address),
    method: (init.method ?? from?.method ?? 'GET').toUpperCase(),
    headers,
    body: init.body ?? (from?.body ? await from.arrayBuffer() : undefined),
    signal: init.signal ?? from?.signal ?? undefined,
    redirect: init.redirect ?? from?.redirect ?? 'follow',
  };
}

async function once(
  dispatcher: Dispatcher,
  url: URL,
  request: Pick<Prepared, 'method' | 'headers' | 'body' | 'signal'>,
): Promise<Response> {
  try {
    const response = await undiciFetch(url, {
      method: request.method,
      headers: [...request.headers],
      body: request.body as never,
      signal: request.signal,
      redirect: 'manual',
      dispatcher,
      ...(request.body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
    });
    return response as unknown as Response;
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw toEgressError(url, error);
  }
}

function toEgressError(url: URL, error: unknown): EgressError {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof EgressError) return cause;
    const code = 'code' in cause ? String(cause.code) : '';
    if (/TIMEOUT|ETIMEDOUT/.test(code)) return new EgressError('timeout', `${url.host} did not answer in time.`, error);
    // The outermost says "fetch failed" without a code; the reason is below it.
    if (code) return new EgressError('network', `${url.host} could not be reached (${code}).`, error);
  }
  return new EgressError('network', `${url.host} could not be reached.`, error);
}

/**
 * A lookup that hands the socket exactly the addresses it has checked, so that a second answer of the name server cannot
 * lead elsewhere.
 */
function checkedLookup(resolve: Resolve, isRefused: (ip: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const family = options.family === 4 || options.family === 6 ? options.family : 0;
        const addresses = found.filter((entry) => family === 0 || entry.family === family);
        const first = addresses[0];
        if (!first) return callback(new EgressError('network', `${hostname} has no address.`), '');
        if (found.some((entry) => isRefused(entry.address)))
          return callback(new EgressError('blocked', `${hostname} leads to a private address.`), '');
        if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}

const systemResolve: Resolve = (hostname) =>
  new Promise((done, fail) => {
    dnsLookup(hostname, { all: true, order: 'verbatim' }, (error, addresses) =>
      error ? fail(error) : done(addresses),
    );
  });

function isVendorUrl(url: URL, vendorHosts: string[]): boolean {
  if (url.protocol !== 'https:' || portOf(url) !== '443' || isIP(url.hostname) !== 0) return false;
  return vendorHosts.some((host) =>
    host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host,
  );
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}

function requestUrl(value: string): URL {
  const url = parseUrl(value);
  if (!url) throw new EgressError('blocked', 'The address of a request is malformed.');
  return url;
}

function nextUrl(base: URL, location: string): URL {
  const next = parseUrl(location, base.href);
  if (!next) throw new EgressError('redirect', `${base.host} redirects to a malformed address.`);
  next.hash = '';
  return next;
}
