import type { Request } from 'express';
import type { ConfluenceSpace } from '../confluence/sandbox-state.ts';
import type { SandboxWebhook } from '../jira/sandbox-webhooks.ts';
import type { MadeCall } from '../sandbox/bell.ts';
import { accountOf, type StandInState } from '../sandbox/stand-in.ts';
import { apiTokenOf, personalTokenOf, scopedTokenOf, type SignIn } from './sandbox-callers.ts';
import type { Grants, Rotation } from './sandbox-grants.ts';
import { KNOWN_SCOPES } from './sandbox-scopes.ts';
import type { AtlassianSite } from './sandbox-world.ts';

/** Of a request, `path` is with its query and `url` is whole; `authorization` is the kind of credentials that came with it. */
export type Seen = { method: string; path: string; url: string; authorization?: string };

export const seenOf = (req: Request): Seen => ({
  method: req.method,
  path: req.originalUrl,
  url: `http://${req.get('host') ?? ''}${req.originalUrl}`,
  authorization: req.get('authorization')?.split(' ')[0],
});

/** Which requests are too many, for how long, and why, as in the header `RateLimit-Reason`. */
type Throttle = { match?: (path: string) => boolean; reason?: string; seconds?: number };

/** What tests see and steer; the requests of all hosts stand in one list. */
export type AtlassianSandboxState = StandInState<Seen> & {
  sites: AtlassianSite[];
  rotation: Rotation;
  signIn: SignIn;
  /** `lifetimeMs` is for how long the address of a file can be used. */
  media: { lifetimeMs: number };
  /** Standing orders of apps to call, of all sites. */
  jiraWebhooks: SandboxWebhook[];
  /** Every call made because of them. */
  calls: MadeCall[];
  /** Tokens as after a consent to everything on all sites, or to `scopes`. */
  issue(email: string, scopes?: string[]): { accessToken: string; refreshToken: string };
  /** From now on only access tokens issued later are accepted. */
  expireTokens(): void;
  /** Ends all grants of an account, as its administrator can. */
  endGrants(email: string): void;
  apiToken(email: string): string;
  /** An API token with chosen permissions, which works on the gateway alone. */
  scopedToken(email: string, scopes: string[]): string;
  /** Of a Data Center. */
  personalToken(email: string): string;
  /** The next `times` (1) requests that match are too many. */
  throttleNext(throttle: Throttle, times?: number): void;
  /** A space of the first site with Confluence, with that many small pages. */
  addSpace(space: { key: string; name: string; pages?: number }): ConfluenceSpace;
};

export function createSteering(
  state: StandInState<Seen>,
  parts: Pick<AtlassianSandboxState, 'sites' | 'rotation' | 'signIn' | 'media' | 'jiraWebhooks' | 'calls'> & {
    grants: Grants;
  },
): AtlassianSandboxState {
  const { grants, ...steered } = parts;
  const account = (email: string) => accountOf(state.accounts, email);
  return Object.assign(state, {
    ...steered,
    issue(email: string, scopes = [...KNOWN_SCOPES]) {
      const everySite = steered.sites.map(({ cloudId }) => cloudId);
      const { accessToken, refreshToken } = grants.begin(account(email), scopes, everySite);
      return { accessToken, refreshToken };
    },
    expireTokens: () => grants.expireTokens(),
    endGrants: (email: string) => grants.end(account(email)),
    apiToken: (email: string) => apiTokenOf(account(email)),
    scopedToken: (email: string, scopes: string[]) => scopedTokenOf(account(email), scopes),
    personalToken: (email: string) => personalTokenOf(account(email)),
    throttleNext: ({ match = () => true, ...throttle }: Throttle, times?: number) =>
      state.failNext(match, tooMany(throttle), times),
    addSpace(space: { key: string; name: string; pages?: number }) {
      const wiki = steered.sites.find(({ confluence }) => confluence)?.confluence;
      if (!wiki) throw new Error('The stand-in has no site with Confluence.');
      return wiki.addSpace(space);
    },
  });
}

/** Source: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/ (2026). */
const tooMany = ({ reason = 'jira-burst-based', seconds = 1 }: Throttle) => ({
  status: 429,
  body: { code: 429, message: 'Rate limit exceeded' },
  headers: {
    'retry-after': String(seconds),
    'ratelimit-reason': reason,
    'x-ratelimit-limit': '350',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': new Date(Date.now() + seconds * 1000).toISOString(),
  },
});
