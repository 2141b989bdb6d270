import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { SandboxAccount } from '../../providers/sandbox/sandbox-files.ts';
import { paths } from '../../server/paths.ts';
import { consent } from './connect.ts';
import { startHub, type TestHub } from './hub.ts';
import type { Page, Visitor } from './visitor.ts';

/** A hub whose people may sign in with Google and Atlassian. */
export const startSsoHub = (options: Parameters<typeof startHub>[0] = {}): Promise<TestHub> =>
  startHub({ ...options, env: { SSO_PROVIDERS: 'google,atlassian', ...options.env } });

let people = 0;

/** Adds a person whom no hub knows to the accounts of the stand-ins: at both services. */
export function addSomebody(
  accounts: SandboxAccount[],
  domain = 'saltmarsh.example',
  more: Partial<SandboxAccount> = {},
): SandboxAccount {
  people += 1;
  const account = {
    id: `10000${people}`,
    email: `somebody-${people}@${domain}`,
    name: `Some Body ${people}`,
    organisation: domain,
    spaces: [],
    ...more,
  };
  accounts.push(account);
  return account;
}

/** The consent page that a visitor's form on the sign-in page leads to; with `link`, that of the profile. */
export async function beginSso(
  visitor: Visitor,
  provider: IdentityProviderId,
  options: { next?: string; link?: boolean } = {},
): Promise<string> {
  await visitor.get(options.link ? paths.profile : paths.signIn);
  const page = options.link
    ? await visitor.post(paths.identityLink(provider))
    : await visitor.post(paths.sso(provider), options.next === undefined ? {} : { next: options.next });
  if (page.status !== 303 || !page.location) throw new Error(`the way to ${provider} answered ${page.status}`);
  return page.location;
}

/** Goes there and allows it, as the person with the address; gives where the browser is sent back to. */
export async function allowSso(
  visitor: Visitor,
  provider: IdentityProviderId,
  email: string,
  options: Parameters<typeof beginSso>[2] = {},
): Promise<string> {
  const back = await consent(await beginSso(visitor, provider, options), 'Allow', { email });
  return back.pathname + back.search;
}

/** All of it. Gives what the hub answers in the end. */
export const throughSso = async (...asked: Parameters<typeof allowSso>): Promise<Page> =>
  asked[0].get(await allowSso(...asked));
