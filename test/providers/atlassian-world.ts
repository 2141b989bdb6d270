import { startAtlassianSandbox, type AtlassianSandbox } from '../../providers/atlassian/sandbox.ts';
import { personOf } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import type { Connection, Fetch, Provider, ProviderDefinition } from '../../providers/provider.ts';
import { parseConfig, type Config } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import type { Vendor } from './contract.ts';
import { connectionWith } from './reading.ts';

export const CLIENT = { clientId: 'client-1', clientSecret: 'hunter2-client-secret' };
export const ANN = 'ann@tributary.example';
export const BEN = 'ben@tributary.example';

const accounts = [
  { id: '1', email: ANN, name: 'Ann Oster', spaces: [] },
  { id: '2', email: BEN, name: 'Ben Weir', spaces: [] },
];
type Person = ReturnType<typeof personOf>;
export const [ann, ben] = accounts.map(personOf) as [Person, Person];

export type AtlassianWorld = {
  sandbox: AtlassianSandbox;
  egress: Egress;
  provider: Provider;
  misconfigured: Provider;
  /** What the provider fetches with; everything else goes round it. */
  fetch: Fetch;
  connect(email?: string, scopes?: string[]): Connection;
  /** As the form connects. Errors: those of `connectWithToken`. */
  connectTyped(form: 'api_token' | 'personal_access_token', typed: Record<string, string>): Promise<Connection>;
  close(): Promise<void>;
};

/** Stand-in, guarded fetch and the provider of one product. `through` may watch what the provider fetches. */
export async function startAtlassianWorld<P extends 'confluence' | 'jira'>(
  product: { name: P; definition: ProviderDefinition; create: (config: Config[P]) => Provider },
  sites: AtlassianSite[],
  through: (fetch: Fetch) => Fetch = (fetch) => fetch,
): Promise<AtlassianWorld> {
  const sandbox = await startAtlassianSandbox({ accounts, sites, ...CLIENT });
  const config = parseConfig(sandbox.env);
  const { hosts } = product.definition;
  const egress = createEgress({ allowedHosts: hostsOf(config, hosts), vendorHosts: hosts });
  const fetch = through((input, init) => egress.fetch(input, init));
  const provider = product.create(config[product.name]);
  return {
    sandbox,
    egress,
    fetch,
    provider,
    misconfigured: product.create({ ...config[product.name], clientSecret: new Secret('another secret') }),
    connect: (email = ANN, scopes) => connectionWith(fetch, new Secret(sandbox.state.issue(email, scopes).accessToken)),
    async connectTyped(form, typed) {
      const connected = await provider.connectWithToken?.(form, typed, fetch);
      if (!connected) throw new Error('The provider takes no tokens.');
      const scheme = form === 'api_token' ? 'Basic' : 'Bearer';
      const authorization = `${scheme} ${connected.accessToken.reveal()}`;
      return {
        integrationId: 'integration-by-token',
        accountId: connected.account.id,
        site: connected.site,
        fetch: (input, init) =>
          fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), authorization } }),
      };
    },
    async close() {
      await egress.close();
      await sandbox.close();
    },
  };
}

/** What the contract suite wants of every world. */
export function vendorOf({ sandbox, ...world }: AtlassianWorld) {
  let plans = 0;
  return {
    provider: world.provider,
    misconfigured: world.misconfigured,
    clientSecret: CLIENT.clientSecret,
    fetch: world.fetch,
    consent: async (url, decision) =>
      (await consent(url, decision === 'allow' ? 'Allow' : 'Deny', { email: ANN })).searchParams,
    account: { id: ann.accountId, email: ANN, name: 'Ann Oster' },
    failNext({ headers, ...answer }, times) {
      // Only the newest plan counts: one that asked for more failures than there were requests ends here.
      plans += 1;
      const mine = plans;
      const marked = { ...answer, headers: { ...headers, 'x-planned': 'yes' } };
      sandbox.state.failNext(() => mine === plans, marked, times);
    },
    close: () => world.close(),
  } satisfies Partial<Vendor>;
}
