import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a token of a stand-in says; it is all in the token, so that grants outlive a restart with the same key. */
export type Grant = {
  kind: 'access' | 'refresh' | 'consent' | 'page';
  /** One consent; the refresh token and its access tokens share it. */
  grantId: string;
  accountId: string;
  scopes: string[];
  /** Milliseconds since the epoch; absent: never. */
  expiresAt?: number;
  /** Milliseconds since the epoch. */
  issuedAt: number;
  /** Anything else that is to come back unchanged. */
  data?: Record<string, string>;
};

export type TokenMint = {
  sign(grant: Omit<Grant, 'issuedAt'>): string;
  /** Undefined for what this key has not signed, another kind, or an expired one. */
  verify(kind: Grant['kind'], token: string): Grant | undefined;
};

/**
 * Makes and reads signed tokens, codes and cursors in the shapes of one vendor's: `prefixes` is what its tokens begin with. No stand-in
 * takes another's tokens, though they share a signing key. Without a key, tokens end with the process.
 */
export function createTokenMint(options: {
  vendor: string;
  signingKey?: string;
  prefixes: Partial<Record<Grant['kind'], string>>;
}): TokenMint {
  const { vendor, signingKey = randomBytes(32).toString('hex') } = options;
  const prefixOf = (kind: Grant['kind']): string => options.prefixes[kind] ?? '';
  const mac = (text: string): Buffer => createHmac('sha256', `${vendor} ${signingKey}`).update(text).digest();
  return {
    sign(grant) {
      const nonce = randomBytes(6).toString('base64url');
      const payload = Buffer.from(JSON.stringify({ ...grant, issuedAt: Date.now(), nonce })).toString('base64url');
      return `${prefixOf(grant.kind)}${payload}.${mac(payload).toString('base64url')}`;
    },
    verify(kind, token) {
      const prefix = prefixOf(kind);
      if (!token.startsWith(prefix)) return undefined;
      const [payload = '', signature = ''] = token.slice(prefix.length).split('.');
      const given = Buffer.from(signature, 'base64url');
      const expected = mac(payload);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const grant = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Grant;
      if (grant.kind !== kind || (grant.expiresAt !== undefined && grant.expiresAt <= Date.now())) return undefined;
      return grant;
    },
  };
}
