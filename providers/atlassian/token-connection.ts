import type { AtlassianConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { isBearerToken } from '../bearer-token.ts';
import { ProviderError, TypedError } from '../errors.ts';
import type { Account, Fetch, Provider, Site } from '../provider.ts';
import type { AtlassianFailures } from './failures.ts';
import type { Product } from './product.ts';
import { cloudIdOf, ownerOf, type Owner } from './token-owner.ts';
import { cloudOrigin, serverRoot } from './typed-site.ts';

/** What connecting by token needs to know of a product: `user` is the path of the call that says who is asking. */
export type TokenProduct = Product & {
  /** `root`: of the pages that people open; `scope`: what a token with chosen permissions needs for `user`. */
  cloud: { user: string; root: string; scope: string };
  /** Absent: no personal access tokens. `pages`: what the paths of its pages begin with. */
  server?: { user: string; pages: string[] };
};

type Connected = { accessToken: Secret; account: Account; site: Site };
type Typed = Record<string, string>;

/** The `connectWithToken` of a product, for the forms of token-forms.ts. A site where both kinds of tokens work is asked directly. */
export function createTokenConnect(
  config: AtlassianConfig,
  product: TokenProduct,
  failures: AtlassianFailures,
): NonNullable<Provider['connectWithToken']> {
  const { platform, label, cloud, server } = product;

  const withApiToken = async (typed: Typed, fetch: Fetch): Promise<Connected> => {
    const origin = cloudOrigin(required(typed, 'baseUrl', 'site address'));
    const email = required(typed, 'email', 'e-mail address you sign in to Atlassian with');
    if (!/^[^\s:@]+@[^\s:@]+$/.test(email)) throw new TypedError('email', 'Enter the whole e-mail address.');
    const token = required(typed, 'apiToken', 'API token');
    const basic = new Secret(Buffer.from(`${email}:${token}`).toString('base64'));
    const ask = (base: string): Promise<Owner> =>
      ownerOf(fetch, base + cloud.user, `Basic ${basic.reveal()}`, failures);

    const atSite = await ask(origin);
    const url = origin + cloud.root;
    if (atSite.kind === 'known') return connected(basic, atSite.account, { url, apiUrl: origin });
    // A token with chosen permissions works on Atlassian's gateway only.
    const cloudId = await cloudIdOf(fetch, origin, failures);
    if (cloudId === undefined) throw refusal(atSite.kind === 'nothing' ? 'no cloud' : atSite.kind, origin);
    const apiUrl = `${config.apiUrl}/ex/${platform}/${cloudId}`;
    const atGateway = await ask(apiUrl);
    if (atGateway.kind === 'known') return connected(basic, atGateway.account, { url, apiUrl });
    const saysMore = atGateway.kind === 'scope' || atGateway.kind === 'denied';
    throw refusal(saysMore ? atGateway.kind : atSite.kind, origin);
  };

  const withPersonalToken = async (typed: Typed, fetch: Fetch, { user, pages }: { user: string; pages: string[] }) => {
    const url = serverRoot(required(typed, 'baseUrl', 'server address'), pages);
    const token = required(typed, 'personalAccessToken', 'personal access token');
    if (!isBearerToken(token))
      throw new TypedError('personalAccessToken', 'There are signs in the token that no token has. Copy it again.');
    const owner = await ownerOf(fetch, url + user, `Bearer ${token}`, failures);
    if (owner.kind === 'known') return connected(new Secret(token), owner.account, { url, apiUrl: `${url}/rest` });
    if (owner.kind === 'nothing') throw refusal('nothing', url);
    throw new TypedError(
      'personalAccessToken',
      `${new URL(url).host} does not accept this token. Copy it again, or make a new one: it may have expired.`,
    );
  };

  const refusal = (kind: Exclude<Owner['kind'], 'known'> | 'no cloud', at: string): Error => {
    const { host } = new URL(at);
    switch (kind) {
      case 'nothing':
        return new TypedError('baseUrl', `There is no ${label} at ${host}. Check the address.`);
      case 'no cloud':
        return new TypedError(
          'baseUrl',
          `${host} is no site of Atlassian Cloud. Check the address.${server ? ' A Data Center is connected with a token of its own kind.' : ''}`,
        );
      case 'refused':
        return new TypedError(
          'apiToken',
          `${host} does not accept this e-mail address with this API token. Check that it is the address you sign in to Atlassian with, and that the token is whole and has not expired.`,
        );
      case 'locked':
        return new TypedError(
          'apiToken',
          `After several wrong attempts ${host} asks for a CAPTCHA. Sign in there in a browser once, then try again.`,
        );
      case 'scope':
        return new TypedError('apiToken', `The token lacks the permission ${cloud.scope}. Make one that has it.`);
      case 'denied':
        return new ProviderError(
          'denied',
          platform,
          `${host} does not let this account use ${label}. Ask its administrator for access.`,
        );
    }
  };

  return async (form, typed, fetch) => {
    if (form === 'api_token') return withApiToken(typed, fetch);
    if (form === 'personal_access_token' && server) return withPersonalToken(typed, fetch, server);
    throw new TypedError('baseUrl', `${label} is not connected in this way.`);
  };
}

/** The same person at two sites is two accounts. */
const connected = (accessToken: Secret, account: Account, site: Site): Connected => ({
  accessToken,
  account: { ...account, id: `${new URL(site.url).host}:${account.id}` },
  site,
});

/** What was typed, byte for byte but for white space around it, which comes with copying. */
function required(typed: Typed, field: string, what: string): string {
  const value = (typed[field] ?? '').trim();
  if (value === '') throw new TypedError(field, `Enter the ${what}.`);
  return value;
}
