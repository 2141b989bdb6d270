import { createDropbox, dropboxDefinition } from '../../providers/dropbox/index.ts';
import { startDropboxSandbox, type DropboxSandbox } from '../../providers/dropbox/sandbox.ts';
import type { Connection, Fetch, Provider } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { parseConfig } from '../../server/config.ts';
import { createEgress, type Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import type { Vendor } from './contract.ts';
import { connectionWith } from './reading.ts';
import { accountIdOf } from '../../providers/dropbox/sandbox-tree.ts';
import { consent } from '../helpers/connect.ts';

export const APP = { appKey: 'app-key-1', appSecret: 'hunter2-app-secret' };
export const ANN = 'ann@tributary.example';
export const BEN = 'ben@tributary.example';
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/dropbox/callback';

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const EXPORT = {
  document: `${OFFICE}.wordprocessingml.document`,
  spreadsheet: `${OFFICE}.spreadsheetml.sheet`,
  presentation: `${OFFICE}.presentationml.presentation`,
  form: 'application/octet-stream',
};

type Extra = Partial<Omit<SandboxFile, 'bytes'>> & { content?: Buffer };

export function file(id: string, name: string, parentId: string | null, extra: Extra = {}): SandboxFile {
  const { content = Buffer.from(`Words of ${name}.`), ...rest } = extra;
  const hasBytes = !rest.native && !rest.shortcutTo;
  return {
    id,
    parentId,
    name,
    kind: 'file',
    mediaType: rest.native ? EXPORT[rest.native] : 'text/plain',
    modifiedAt: new Date('2026-03-01T10:00:00Z'),
    version: '1772359200',
    sizeBytes: hasBytes ? content.length : 0,
    bytes: async () => content,
    text: content.length < 1000 ? content.toString() : undefined,
    ...rest,
  };
}

export function folder(id: string, name: string, parentId: string | null, extra: Extra = {}): SandboxFile {
  return {
    ...file(id, name, parentId, { kind: 'folder', mediaType: 'inode/directory', ...extra }),
    sizeBytes: 0,
    text: undefined,
  };
}

const MANY = 230;
/** Longer than one block of Dropbox's hash. */
const LARGE = Buffer.alloc(4 * 1024 * 1024 + 1, 'words ');

/** Ann has everything that Dropbox can show, and a team; Ben has an empty Dropbox of his own and no team. */
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
    folder('signs', "Ann's #1 folder & 100% (signs)", null),
    file('inside', "It's inside? [1].txt", 'signs'),
    folder('istanbul', 'İSTANBUL', null),
    file('strasse', 'STRASSE.txt', 'istanbul'),
    file('strasze', 'Straße.txt', 'istanbul'),
    file('odysseus', 'ΟΔΥΣΣΕΥΣ.txt', 'istanbul'),
    file('nothing', 'Nothing.txt', null, { content: Buffer.alloc(0) }),
    file('unicode', 'Übersicht łódź – 日本 🛥.txt', null),
    file('large', 'Large.bin', null, { content: LARGE }),
    file('doc', 'Plan', null, { native: 'document', content: Buffer.from('# Plan\n\nSail on <Sunday>.') }),
    file('sheet', 'A sheet', null, { native: 'spreadsheet' }),
    file('slides', 'Slides', null, { native: 'presentation' }),
    file('form', 'A form', null, { native: 'form' }),
    file('link', 'Link to a paper.txt', null, { shortcutTo: 'many 7' }),
  ];
  const shared: SandboxFile[] = [
    file('given', 'Given to Ann.txt', null),
    folder('given folder', 'A folder for Ann', null),
    file('given inside', 'In the folder.txt', 'given folder'),
  ];
  const plans = [folder('plans', 'Plans', null), file('plan', 'Team plan.txt', 'plans'), file('top', 'Top.txt', null)];
  return [
    {
      id: '100000000000000000001',
      email: ANN,
      name: 'Ann Oster',
      spaces: [
        { id: 'ann home', kind: 'my-drive', name: 'My Drive', files: home },
        { id: 'ann shared', kind: 'shared-with-me', name: 'Shared with me', files: shared },
        { id: 'drive 1', kind: 'shared-drive', name: 'Operations', files: plans },
        { id: 'drive 2', kind: 'shared-drive', name: 'Nothing yet', files: [] },
      ],
    },
    {
      id: '100000000000000000002',
      email: BEN,
      name: 'Ben',
      spaces: [{ id: 'ben home', kind: 'my-drive', name: 'My Drive', files: [] }],
    },
  ];
}

const SHOWN_AS = { document: '.paper', spreadsheet: '.gsheet', presentation: '.gslides', form: '.gform' };

/** Names of Ann's files as Dropbox shows them. */
export const annsFiles = (): string[] =>
  (worldAccounts()[0]?.spaces ?? [])
    .flatMap(({ files }) => files)
    .filter(({ kind }) => kind === 'file')
    .map(({ name, native }) => name + (native ? SHOWN_AS[native] : ''));

export type World = {
  sandbox: DropboxSandbox;
  egress: Egress;
  provider: Provider;
  misconfigured: Provider;
  /** What the provider fetches with; everything else goes round it. */
  fetch: Fetch;
  connect(email?: string, scopes?: string[]): Connection;
  close(): Promise<void>;
};

/** Stand-in, guarded fetch and provider. `through` may watch what the provider fetches. */
export async function startWorld(
  through: (fetch: Fetch) => Fetch = (fetch) => fetch,
  accounts = worldAccounts(),
): Promise<World> {
  const sandbox = await startDropboxSandbox({ accounts, ...APP });
  const { dropbox } = parseConfig(sandbox.env);
  const egress = createEgress({ allowedHosts: [new URL(sandbox.url).host], vendorHosts: dropboxDefinition.hosts });
  const fetch = through((input, init) => egress.fetch(input, init));
  return {
    sandbox,
    egress,
    fetch,
    provider: createDropbox(dropbox),
    misconfigured: createDropbox({ ...dropbox, clientSecret: new Secret('another secret') }),
    connect: (email = ANN, scopes) => connectionWith(fetch, new Secret(sandbox.state.issue(email, scopes).accessToken)),
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
    clientSecret: APP.appSecret,
    fetch: world.fetch,
    redirectUri: REDIRECT_URI,
    consent: async (url, decision) =>
      (await consent(url, decision === 'allow' ? 'Allow' : 'Deny', { email: ANN })).searchParams,
    account: { id: ann ? accountIdOf(ann) : '', email: ANN, name: 'Ann Oster' },
    files: annsFiles(),
    search: { query: 'kittiwake', finds: 'Bottom.md' },
    goneRef: 'item:home:neverWas',
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
