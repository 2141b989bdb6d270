import type { AuthorizationRequest, Connection, ProviderAuth, TokenSet } from './provider.ts';

/** Vendors whose accounts people may sign in to the hub with. */
export const IDENTITY_PROVIDERS = ['google', 'atlassian'] as const;
export type IdentityProviderId = (typeof IDENTITY_PROVIDERS)[number];

/** As people call them. */
export const IDENTITY_PROVIDER_LABELS: Record<IdentityProviderId, string> = {
  google: 'Google',
  atlassian: 'Atlassian',
};

/** Who somebody is at a vendor. */
export type VendorIdentity = {
  /** The account's id at the vendor. It alone says whose account it is: addresses change hands. */
  subject: string;
  email?: string;
  /** The vendor has seen, at some time, that the address was this person's. */
  emailVerified: boolean;
  /** The address is the vendor's own to give, so that nobody else has it today. */
  emailAuthoritative: boolean;
  name?: string;
};

/** A vendor at whom people sign in. Nothing that it gives is kept but the identity. */
export type IdentityProvider = {
  id: IdentityProviderId;
  /** The sign-in page, with `state` and an S256 PKCE challenge of `codeVerifier`. */
  authorizationUrl(request: AuthorizationRequest): Promise<string>;
  /** Errors: as those of `ProviderAuth.exchange`. */
  exchange(...asked: Parameters<ProviderAuth['exchange']>): Promise<Pick<TokenSet, 'accessToken'>>;
  /** Errors: ProviderError. */
  identify(connection: Connection): Promise<VendorIdentity>;
};
