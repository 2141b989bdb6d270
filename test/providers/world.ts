import type { Account, Connection, Fetch, Provider } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { StandInState } from '../../providers/sandbox/stand-in.ts';
import { parseConfig, type Config, type Env } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import type { Vendor } from './contract.ts';
import { connectionWith } from './reading.ts';

export const ANN = 'ann@tributary.example';
export const BEN = 'ben@tributary.example';

type StandIn = {
  url: string;
  env: Env;
  state: Pick<StandInState<{ path: string }>, 'accounts' | 'failNext' | 'requests'> & {
    issue(email: string, scopes?: string[]): { accessToken: string };
  };
  close(): Promise<void>;
};

/** A vendor's stand-in, and the provider that talks to it through the guarded fetch. */
export type VendorWorld<Sandbox = StandIn> = {
  sandbox: Sandbox;
  config: Config;
  egress: Egress;
  provider: Provider;
  /** The same with a client secret that the vendor does not know. */
  misconfigured: Provider;
  /** What the provider fetches with; everything else goes round it. */
  fetch: Fetch;
  connect(email?: string, scopes?: string[]): Connection;
  /** The stand-in's next answer to a path that matches. It is marked, so that nobody checks it against the contract. */
  plan(
    match: RegExp,
    status: number,
    body?: unknown,
    more?: { headers?: Record<string, string>; times?: number },
  ): void;
  /** How many requests there were so far. */
  mark(): number;
  /** Paths, with their queries, of the requests since a mark. */
  pathsSince(mark: number): string[];
  close(): Promise<void>;
};

/** How a vendor is told from others here. */
type Kind = {
  create: (config: Config) => Provider;
  accountIdOf: (account: SandboxAccount) => string;
};

/** Begins with a stand-in that runs. `through` may watch what the provider fetches. */
export function openWorld<Sandbox extends StandIn>(
  sandbox: Sandbox,
  { create, accountIdOf }: Kind,
  through: (fetch: Fetch) => Fetch = (fetch) => fetch,
): VendorWorld<Sandbox> {
  const config = parseConfig(sandbox.env);
  const provider = create(config);
  const { hosts, settings } = provider.definition;
  const egress = createEgress({ allowedHosts: hostsOf(config, hosts), vendorHosts: hosts });
  const fetch = through((input, init) => egress.fetch(input, init));
  return {
    sandbox,
    config,
    egress,
    fetch,
    provider,
    misconfigured: create(parseConfig({ ...sandbox.env, [settings.clientSecret]: 'another secret' })),
    connect(email = ANN, scopes) {
      const account = sandbox.state.accounts.find((candidate) => candidate.email === email);
      const token = new Secret(sandbox.state.issue(email, scopes).accessToken);
      return connectionWith(fetch, token, account ? accountIdOf(account) : '');
    },
    plan(match, status, body, { headers, times } = {}) {
      const answer = { status, body, headers: { ...headers, 'x-planned': 'yes' } };
      sandbox.state.failNext((path) => match.test(path), answer, times);
    },
    mark: () => sandbox.state.requests.length,
    pathsSince: (mark) => sandbox.state.requests.slice(mark).map(({ path }) => path),
    async close() {
      await egress.close();
      await sandbox.close();
    },
  };
}

/** The world as the contract suite wants it. Planned failures are marked, so that nobody checks them against the contract. */
export function vendorOf(
  world: VendorWorld,
  { accountIdOf }: Kind,
  said: Pick<Vendor, 'clientSecret' | 'redirectUri' | 'files' | 'goneRef'>,
): Vendor {
  const { provider, misconfigured, fetch, sandbox } = world;
  const ann = sandbox.state.accounts.find(({ email }) => email === ANN);
  const account: Account = { id: ann ? accountIdOf(ann) : '', email: ANN, name: ann?.name };
  let plans = 0;
  return {
    ...said,
    provider,
    misconfigured,
    fetch,
    consent: async (url, decision) =>
      (await consent(url, decision === 'allow' ? 'Allow' : 'Deny', { email: ANN })).searchParams,
    account,
    search: { query: 'kittiwake', finds: 'Bottom.md' },
    failNext({ headers, ...answer }, times) {
      // Only the newest plan counts: one that asked for more failures than there were requests ends here.
      plans += 1;
      const mine = plans;
      const marked = { ...answer, headers: { ...headers, 'x-planned': 'yes' } };
      sandbox.state.failNext(() => mine === plans, marked, times);
    },
    close: () => world.close(),
  };
}

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const EXPORT = {
  document: `${OFFICE}.wordprocessingml.document`,
  spreadsheet: `${OFFICE}.spreadsheetml.sheet`,
  presentation: `${OFFICE}.presentationml.presentation`,
  form: 'application/octet-stream',
};

type Extra = Partial<Omit<SandboxFile, 'bytes'>> & { content?: Buffer };

/** Makers of files and folders that are known by a key; `idOf` turns keys into ids as the vendor has them. */
export function makersOf(idOf: (key: string) => string = (key) => key) {
  const file = (key: string, name: string, parent: string | null, extra: Extra = {}): SandboxFile => {
    const { content = Buffer.from(`Words of ${name}.`), ...rest } = extra;
    return {
      id: idOf(key),
      parentId: parent === null ? null : idOf(parent),
      name,
      kind: 'file',
      mediaType: rest.native ? EXPORT[rest.native] : 'text/plain',
      modifiedAt: new Date('2026-03-01T10:00:00Z'),
      version: '1772359200',
      sizeBytes: rest.native || rest.shortcutTo ? 0 : content.length,
      bytes: async () => content,
      text: content.length < 1000 ? content.toString() : undefined,
      ...rest,
    };
  };
  const folder = (key: string, name: string, parent: string | null, extra: Extra = {}): SandboxFile => ({
    ...file(key, name, parent, { kind: 'folder', mediaType: 'inode/directory', ...extra }),
    sizeBytes: 0,
    text: undefined,
  });
  /** What every vendor's world has: a folder of more than one page, a deep one, an empty one, and files with signs in their names. */
  const common = (): SandboxFile[] => [
    folder('many', 'Many papers', null),
    ...Array.from({ length: 230 }, (_, at) => file(`many ${at}`, `Paper ${at}.txt`, 'many')),
    folder('deep', 'Deep', null),
    folder('deeper', 'Deeper', 'deep'),
    file('bottom', 'Bottom.md', 'deeper', {
      mediaType: 'text/markdown',
      content: Buffer.from('A kittiwake nests here.'),
    }),
    folder('empty', 'Empty', null),
    file('nothing', 'Nothing.txt', null, { content: Buffer.alloc(0) }),
  ];
  /** What others have shared with Ann, at every vendor. */
  const given = (): SandboxFile[] => [
    file('given', 'Given to Ann.txt', null),
    folder('given folder', 'A folder for Ann', null),
    file('given inside', 'In the folder.txt', 'given folder'),
  ];
  return { file, folder, common, given };
}
