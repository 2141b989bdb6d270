import { z } from 'zod';
import { IDENTITY_PROVIDERS, type IdentityProviderId } from '../providers/identity-provider.ts';
import type { AtlassianConfig, Env, GoogleConfig } from './config.ts';
import { Secret } from './secret.ts';

/** Sign-in with accounts of other services. One that is absent is off. */
export type SsoConfig = {
  google?: GoogleConfig;
  atlassian?: AtlassianConfig;
  /** In lower case. Whoever has an address of one of them gets an account by themselves. */
  allowedDomains: string[];
};

type Readers = {
  problems: string[];
  take: <T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string) => T;
  list: (value: string | undefined) => string[];
};

const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/;

/**
 * What the variables say of sign-in with other services; `endpoints` are where those are asked. Every problem is added to `problems`. With
 * `sandbox` clients may be missing: the stand-ins bring theirs.
 */
export function parseSso(
  env: Env,
  { problems, take, list }: Readers,
  endpoints: { google: GoogleConfig; atlassian: AtlassianConfig },
  sandbox: boolean,
): SsoConfig {
  const lower = z.string().transform((value) => list(value.toLowerCase()));
  const named = take(
    'SSO_PROVIDERS',
    lower.pipe(z.array(z.enum(IDENTITY_PROVIDERS))),
    [] as IdentityProviderId[],
    `must be a comma-separated list of ${IDENTITY_PROVIDERS.join(' and ')}, for example google`,
  );
  const allowedDomains = take(
    'SSO_ALLOWED_DOMAINS',
    lower.pipe(z.array(z.string().regex(DOMAIN))),
    [] as string[],
    'must be a comma-separated list of domains, for example example.com',
  );

  /** Its own app, else the one that accounts are connected by. */
  const clientOf = (provider: IdentityProviderId) => {
    const name = provider.toUpperCase();
    const [id, secret] = [`SSO_${name}_CLIENT_ID`, `SSO_${name}_CLIENT_SECRET`];
    const [sharedId, sharedSecret] = [`${name}_CLIENT_ID`, `${name}_CLIENT_SECRET`];
    if ((env[id] === undefined) !== (env[secret] === undefined))
      problems.push(`${id} and ${secret}: set both or neither`);
    const [clientId, clientSecret] =
      env[id] === undefined ? [env[sharedId], env[sharedSecret]] : [env[id], env[secret]];
    const complete = clientId !== undefined && clientSecret !== undefined;
    if (named.includes(provider) && !complete && !sandbox)
      problems.push(`SSO_PROVIDERS: ${provider} needs ${id} and ${secret}, or ${sharedId} and ${sharedSecret}`);
    return { clientId, clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret) };
  };
  const [google, atlassian] = [clientOf('google'), clientOf('atlassian')];
  return {
    google: named.includes('google') ? { ...endpoints.google, ...google } : undefined,
    atlassian: named.includes('atlassian') ? { ...endpoints.atlassian, ...atlassian } : undefined,
    allowedDomains,
  };
}
