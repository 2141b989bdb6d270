import type { Config } from '../server/config.ts';
import { createAtlassianIdentities } from './atlassian/sign-in.ts';
import { createGoogleIdentities } from './google-drive/sign-in.ts';
import type { IdentityProvider, IdentityProviderId } from './identity-provider.ts';

/** Those that SSO_PROVIDERS names, in the order pages show them. */
export function createIdentityProviders({
  google,
  atlassian,
}: Config['sso']): Map<IdentityProviderId, IdentityProvider> {
  const all = [
    ...(google ? [createGoogleIdentities(google)] : []),
    ...(atlassian ? [createAtlassianIdentities(atlassian)] : []),
  ];
  return new Map(all.map((provider) => [provider.id, provider]));
}
