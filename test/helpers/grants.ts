import { parse } from 'node:querystring';
import type { Platform } from '../../providers/provider.ts';
import type { SandboxAccount } from '../../providers/sandbox/sandbox-files.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import type { User } from '../../server/services/user-service.ts';
import { consent } from './connect.ts';
import type { TestHub } from './hub.ts';

/** The services that grants are tested with. */
export const SERVICES = ['google_drive', 'microsoft', 'dropbox'] as const;
export type Service = (typeof SERVICES)[number];

/** What a request to a token, revoke or identity endpoint looked like. */
export type Sent = { url: URL; form: URLSearchParams };

type Steered = {
  failNext(
    match: (path: string) => boolean,
    answer: { status: number; body?: unknown; headers?: Record<string, string> },
    times?: number,
  ): void;
  requests: { method: string; path: string }[];
  accounts: SandboxAccount[];
};

/** The stand-in of a service, as far as all three are alike. */
export function standIn(hub: TestHub, service: Service): Steered {
  return { google_drive: hub.sandbox.google, microsoft: hub.sandbox.microsoft, dropbox: hub.sandbox.dropbox }[service]
    .state;
}

/** Paths of the token endpoints. */
export const isToken = (path: string): boolean => /^\/(common\/oauth2\/v2\.0\/|oauth2\/)?token(\?|$)/.test(path);
export const isRevoke = (path: string): boolean => /^\/(revoke|2\/auth\/token\/revoke)(\?|$)/.test(path);

/** How often the token endpoint was asked from now on. */
export function countTokenCalls(hub: TestHub, service: Service): () => number {
  const { requests } = standIn(hub, service);
  const from = requests.length;
  return () => requests.slice(from).filter(({ path }) => isToken(path)).length;
}

export type Leg = { url: string; back: URL; query: { state?: string; code?: string } };

/** Goes to the consent page and back, without ending the grant. */
export async function beginGrant(
  hub: TestHub,
  user: User,
  service: Service,
  options: { email?: string; integrationId?: string; sessionId?: string } = {},
): Promise<Leg> {
  const { email, integrationId, sessionId = `session of ${user.id}` } = options;
  const { url } = await hub.context.grants.start(user, service, { sessionId, integrationId });
  const back = await consent(url, 'Allow', { email });
  return { url, back, query: parse(back.search.slice(1)) as Leg['query'] };
}

/** Ends a grant as the callback does. */
export const endGrant = (
  hub: TestHub,
  user: User,
  platform: Platform,
  query: { state?: string; code?: string; error?: string },
): Promise<Integration> =>
  hub.context.grants.finish(user, platform, { sessionId: `session of ${user.id}`, query });

/** Connects an account of the service's stand-in. */
export async function connectAccountOf(
  hub: TestHub,
  user: User,
  service: Service,
  options: { email?: string; integrationId?: string } = {},
): Promise<Integration> {
  const { query } = await beginGrant(hub, user, service, options);
  return endGrant(hub, user, service, query);
}

/** Watches what leaves the hub from now on; `restore` ends that. */
export function watchEgress(hub: TestHub): { sent: Sent[]; restore(): void } {
  const { egress } = hub.context;
  const { fetch } = egress;
  const sent: Sent[] = [];
  egress.fetch = (input, init, ...rest) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const body = init?.body;
    const text = body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : '';
    sent.push({ url, form: new URLSearchParams(text) });
    return fetch(input, init, ...rest);
  };
  return {
    sent,
    restore: () => {
      egress.fetch = fetch;
    },
  };
}
