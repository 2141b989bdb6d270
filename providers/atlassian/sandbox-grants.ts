import { randomUUID } from 'node:crypto';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { accountIdOfName, type AtlassianSite } from './sandbox-world.ts';

export const ACCESS_LIFETIME_S = 3600;
const DAY_MS = 86_400_000;
/** Atlassian's tokens are longer than a kilobyte; those who keep them in short columns should notice. */
const TOKEN_PADDING = 'tributary'.repeat(100);

/** How refresh tokens behave; tests change it. */
export type Rotation = {
  /** Off: the answer comes without a new refresh token, and the one sent stays good. */
  rotates: boolean;
  /** Milliseconds for which a refresh token that was used already is taken once more; 0: never. */
  reuseMs: number;
  /** Milliseconds after which a new refresh token ends that nobody uses. */
  idleMs: number;
};

/** Source: https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/ (2026). */
export const usualRotation = (): Rotation => ({ rotates: true, reuseMs: 600_000, idleMs: 90 * DAY_MS });

export type Tokens = { scopes: string[]; accessToken: string; refreshToken: string };

export type Grants = {
  /** What comes of a consent to some sites; those that the person may not use are left out. */
  begin(account: SandboxAccount, scopes: string[], cloudIds: string[]): Tokens;
  /** Undefined for a refresh token that is dead; without a new one where they do not rotate. */
  refresh(refreshToken: string): (Omit<Tokens, 'refreshToken'> & { refreshToken?: string }) | undefined;
  /** The grant of an access token that is good; undefined for any other. */
  of(accessToken: string): { account: SandboxAccount; grant: Grant } | undefined;
  /** The sites that a grant reaches: those chosen in any consent of its person, as long as the person may use them. */
  sitesOf(grant: Grant): AtlassianSite[];
  /** From now on only newly issued access tokens are accepted. */
  expireTokens(): void;
  /** Ends all grants of an account, as its administrator can. */
  end(account: SandboxAccount): void;
};

export function createGrants(deps: {
  accounts: SandboxAccount[];
  clouds: AtlassianSite[];
  mint: TokenMint;
  rotation: Rotation;
}): Grants {
  const { accounts, clouds, mint, rotation } = deps;
  /** Sites chosen in earlier consents, by account. */
  const chosen = new Map<string, Set<string>>();
  /** When a refresh token was first used, by its id. */
  const used = new Map<string, number>();
  /** How often the grants of an account were ended: those of before are dead. */
  const generations = new Map<string, number>();
  let serial = 0;
  /** Access tokens with a lower serial number count as expired. */
  let expiredBefore = 0;

  const generationOf = (accountId: string): number => generations.get(accountId) ?? 0;
  const live = (kind: 'access' | 'refresh', token: string): { account: SandboxAccount; grant: Grant } | undefined => {
    const grant = mint.verify(kind, token);
    const account = accounts.find(({ id }) => id === grant?.accountId);
    if (!grant || !account || Number(grant.data?.generation) !== generationOf(account.id)) return undefined;
    return { account, grant };
  };

  type Granted = Pick<Grant, 'grantId' | 'accountId' | 'scopes'> & { sites: string };
  const sign = (kind: 'access' | 'refresh', { sites, ...granted }: Granted): string => {
    serial += 1;
    const lifetimeMs = kind === 'access' ? ACCESS_LIFETIME_S * 1000 : rotation.idleMs;
    const numbers = { serial: String(serial), generation: String(generationOf(granted.accountId)) };
    const data = { id: randomUUID(), ...numbers, sites, padding: TOKEN_PADDING };
    return mint.sign({ kind, ...granted, expiresAt: Date.now() + lifetimeMs, data });
  };
  const tokensOf = (granted: Granted): Tokens => ({
    scopes: granted.scopes,
    accessToken: sign('access', granted),
    refreshToken: sign('refresh', granted),
  });
  const mayUse = (account: SandboxAccount, { members }: AtlassianSite): boolean =>
    members.has(accountIdOfName(account.name));

  return {
    begin(account, scopes, cloudIds) {
      const known = chosen.get(account.id) ?? new Set();
      for (const site of clouds) if (cloudIds.includes(site.cloudId) && mayUse(account, site)) known.add(site.cloudId);
      chosen.set(account.id, known);
      return tokensOf({ grantId: randomUUID(), accountId: account.id, scopes, sites: [...known].join(' ') });
    },

    refresh(refreshToken) {
      const { grant } = live('refresh', refreshToken) ?? {};
      const id = grant?.data?.id ?? '';
      const usedAt = used.get(id);
      if (!grant || (usedAt !== undefined && Date.now() - usedAt >= rotation.reuseMs)) return undefined;
      const { grantId, accountId, scopes, data } = grant;
      const granted = { grantId, accountId, scopes, sites: data?.sites ?? '' };
      if (!rotation.rotates) return { scopes, accessToken: sign('access', granted) };
      used.set(id, usedAt ?? Date.now());
      return tokensOf(granted);
    },

    of(accessToken) {
      const found = live('access', accessToken);
      return Number(found?.grant.data?.serial ?? 0) < expiredBefore ? undefined : found;
    },

    sitesOf({ accountId, data }) {
      const account = accounts.find(({ id }) => id === accountId);
      const reached = new Set([...(data?.sites ?? '').split(' '), ...(chosen.get(accountId) ?? [])]);
      return clouds.filter((site) => account && reached.has(site.cloudId) && mayUse(account, site));
    },

    expireTokens() {
      expiredBefore = serial + 1;
    },

    end({ id }) {
      generations.set(id, generationOf(id) + 1);
      chosen.delete(id);
    },
  };
}
