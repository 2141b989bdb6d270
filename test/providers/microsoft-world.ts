import { createMicrosoft365, microsoft365Definition } from '../../providers/microsoft-365/index.ts';
import { formatRef } from '../../providers/microsoft-365/refs.ts';
import { driveIdOf, itemIdOf, objectIdOf, tenantIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import { startMicrosoftSandbox, type MicrosoftSandbox } from '../../providers/microsoft-365/sandbox.ts';
import type { Connection, Fetch, Provider } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { parseConfig, type MicrosoftConfig } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import type { Vendor } from './contract.ts';
import { connectionWith } from './reading.ts';

export const CLIENT = { clientId: '11111111-2222-4333-8444-555555555555', clientSecret: 'hunter2-client-secret' };
export const ANN = 'ann@tributary.example';
export const BEN = 'ben@tributary.example';
export const CLEO = 'cleo@tributary.example';
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/microsoft/callback';

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const EXPORT = {
  document: `${OFFICE}.wordprocessingml.document`,
  spreadsheet: `${OFFICE}.spreadsheetml.sheet`,
  presentation: `${OFFICE}.presentationml.presentation`,
  form: 'application/octet-stream',
};

type Extra = Partial<Omit<SandboxFile, 'bytes'>> & { content?: Buffer };

export function file(key: string, name: string, parent: string | null, extra: Extra = {}): SandboxFile {
  const { content = Buffer.from(`Words of ${name}.`), ...rest } = extra;
  return {
    id: key,
    parentId: parent,
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
}

export function folder(key: string, name: string, parent: string | null): SandboxFile {
  const made = file(key, name, parent, { kind: 'folder', mediaType: 'inode/directory' });
  return { ...made, sizeBytes: 0, text: undefined };
}

const MANY = 230;
const SITES = 105;
export const LARGE = Buffer.alloc(9 * 1024 * 1024, 'words ');

/** Ann has all that Microsoft 365 can show; Ben has a OneDrive only; Cleo has more sites than are shown at once. */
export function worldAccounts(): SandboxAccount[] {
  const home: SandboxFile[] = [
    folder('many', 'Many papers', null),
    ...Array.from({ length: MANY }, (_, at) => file(`many ${at}`, `Paper ${at}.txt`, 'many')),
    folder('deep', 'Deep', null),
    folder('deeper', 'Deeper', 'deep'),
    file('bottom', 'Bottom.md', 'deeper', {
      mediaType: 'text/markdown',
      content: Buffer.from('A kittiwake nests here.'),
    }),
    folder('empty', 'Empty', null),
    folder('odd', "Ann's #1 folder 100% & more", null),
    file('inside', '100% #1?.txt', 'odd'),
    file('nothing', 'Nothing.txt', null, { content: Buffer.alloc(0) }),
    file('unicode', 'Übersicht – 日本.txt', null),
    file('doc', 'A document', null, { native: 'document' }),
    file('sheet', 'A sheet', null, { native: 'spreadsheet' }),
    file('slides', 'Slides', null, { native: 'presentation' }),
    file('notebook', 'A notebook', null, { native: 'form' }),
    file('large', 'Large.txt', null, { content: LARGE }),
    file('link', 'Link to a report', null, { shortcutTo: 'report' }),
    file('link folder', 'Link to Plans', 'deep', { shortcutTo: 'plans' }),
    file('dangling', 'Dangling link', null, { shortcutTo: 'no such file' }),
  ];
  const given: SandboxFile[] = [
    file('given', 'Given to Ann.txt', null),
    folder('given folder', 'A folder for Ann', null),
    file('given inside', 'In the folder.txt', 'given folder'),
    file('bens', 'From Ben.txt', null),
  ];
  const site = (id: string, name: string, files: SandboxFile[] = []) => ({
    id,
    kind: 'shared-drive' as const,
    name,
    files,
  });
  const operations = site('ops', 'Operations', [
    folder('plans', 'Plans', null),
    file('plan', 'Plan.txt', 'plans'),
    file('top', 'Top.txt', null),
  ]);
  return [
    {
      id: '100000000000000000001',
      email: ANN,
      name: 'Ann Oster',
      spaces: [
        { id: 'ann home', kind: 'my-drive', name: 'My Drive', files: home },
        { id: 'ann shared', kind: 'shared-with-me', name: 'Shared with me', files: given },
        operations,
        site('archive', 'Archive', [file('report', 'Report.txt', null)]),
        site('bare', 'Bare'),
      ],
    },
    {
      id: '100000000000000000002',
      email: BEN,
      name: 'Ben',
      spaces: [
        {
          id: 'ben home',
          kind: 'my-drive',
          name: 'My Drive',
          files: [
            folder('bens folder', 'Bens', null),
            file('bens', 'From Ben.txt', 'bens folder'),
            file('locked', 'Locked.pdf', null, { mediaType: 'application/pdf', canDownload: false }),
          ],
        },
      ],
    },
    {
      id: '100000000000000000003',
      email: CLEO,
      name: 'Cleo Ray',
      spaces: Array.from({ length: SITES }, (_, at) => site(`site ${at}`, `Site ${at}`)),
    },
  ];
}

const NATIVE: Record<string, string> = { document: '.docx', spreadsheet: '.xlsx', presentation: '.pptx' };

/** Names of Ann's files: a pointer goes by its target's name, and one to a folder is a folder. */
export const annsFiles = (): string[] =>
  (worldAccounts()[0]?.spaces ?? [])
    .flatMap(({ files }) => files)
    .filter(({ kind, id }) => kind === 'file' && id !== 'link folder')
    .map(({ id, name, native }) => (id === 'link' ? 'Report.txt' : name + (NATIVE[native ?? ''] ?? '')));

export const accountIdOf = (account: SandboxAccount): string => `${objectIdOf(account)}.${tenantIdOf(account)}`;
export const itemRef = (space: string, key: string): string =>
  formatRef({ kind: 'item', driveId: driveIdOf(space), itemId: itemIdOf(key) });

export type World = {
  sandbox: MicrosoftSandbox;
  config: MicrosoftConfig;
  egress: Egress;
  provider: Provider;
  misconfigured: Provider;
  /** What the provider fetches with; everything else goes round it. */
  fetch: Fetch;
  connect(email?: string, scopes?: string[]): Connection;
  close(): Promise<void>;
};

/** Stand-in, guarded fetch and provider. `through` may watch what the provider fetches. */
export async function startWorld(through: (fetch: Fetch) => Fetch = (fetch) => fetch): Promise<World> {
  const sandbox = await startMicrosoftSandbox({ accounts: worldAccounts(), ...CLIENT });
  const config = parseConfig(sandbox.env);
  const vendorHosts = microsoft365Definition.hosts;
  const egress = createEgress({ allowedHosts: hostsOf(config, vendorHosts), vendorHosts });
  const fetch = through((input, init) => egress.fetch(input, init));
  const { microsoft } = config;
  return {
    sandbox,
    config: microsoft,
    egress,
    fetch,
    provider: createMicrosoft365(microsoft),
    misconfigured: createMicrosoft365({ ...microsoft, clientSecret: new Secret('another secret') }),
    connect(email = ANN, scopes) {
      const account = sandbox.state.accounts.find((candidate) => candidate.email === email);
      const token = new Secret(sandbox.state.issue(email, scopes).accessToken);
      return connectionWith(fetch, token, account ? accountIdOf(account) : '');
    },
    async close() {
      await egress.close();
      await sandbox.close();
    },
  };
}

/** The world as the contract suite wants it. Planned failures are marked, so that nobody checks them against the contract. */
export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  const world = await startWorld(through);
  const [ann] = world.sandbox.state.accounts;
  let plans = 0;
  return {
    provider: world.provider,
    misconfigured: world.misconfigured,
    clientSecret: CLIENT.clientSecret,
    fetch: world.fetch,
    redirectUri: REDIRECT_URI,
    consent: async (url, decision) =>
      (await consent(url, decision === 'allow' ? 'Allow' : 'Deny', { email: ANN })).searchParams,
    account: { id: ann ? accountIdOf(ann) : '', email: ANN, name: 'Ann Oster' },
    files: annsFiles(),
    search: { query: 'kittiwake', finds: 'Bottom.md' },
    goneRef: itemRef('ann home', 'never was'),
    failNext({ headers, ...answer }, times) {
      // Only the newest plan counts: one that asked for more failures than there were requests ends here.
      plans += 1;
      const mine = plans;
      const marked = { ...answer, headers: { ...headers, 'x-planned': 'yes' } };
      world.sandbox.state.failNext(() => mine === plans, marked, times);
    },
    close: () => world.close(),
  };
}
