import type { SandboxAccount } from '../../providers/sandbox/sandbox-files.ts';
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
