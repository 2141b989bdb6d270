import { createHash } from 'node:crypto';
import { createGoogleDrive, googleDriveDefinition } from '../../providers/google-drive/index.ts';
import { startGoogleSandbox, type GoogleSandbox } from '../../providers/google-drive/sandbox.ts';
import type { Connection, Fetch, Provider } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { parseConfig } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import type { Vendor } from './contract.ts';
import { connectionWith } from './reading.ts';

export const CLIENT = { clientId: 'client-1.apps.example', clientSecret: 'hunter2-client-secret' };
export const ANN = 'ann@tributary.example';
export const BEN = 'ben@tributary.example';
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/google_drive/callback';

export const DRIVE_SCOPE = 'https://www.googleapis.com/auth/drive.readonly';

/** Google's body for a refusal. */
export const refusal = (code: number, reason: string, message = 'Refused.') => ({
  error: { code, message, errors: [{ domain: 'global', reason, message }] },
});

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const EXPORT = {
  document: `${OFFICE}.wordprocessingml.document`,
  spreadsheet: `${OFFICE}.spreadsheetml.sheet`,
  presentation: `${OFFICE}.presentationml.presentation`,
  form: 'application/octet-stream',
};

/** An id in the shape of Google's, the same for the same key. */
export const idOf = (key: string): string => `1${createHash('sha256').update(key).digest('base64url').slice(0, 32)}`;

type Extra = Partial<Omit<SandboxFile, 'bytes'>> & { content?: Buffer };

export function file(key: string, name: string, parent: string | null, extra: Extra = {}): SandboxFile {
  const { content = Buffer.from(`Words of ${name}.`), ...rest } = extra;
  const hasBytes = !rest.native && !rest.shortcutTo;
  return {
    id: idOf(key),
    parentId: parent === null ? null : idOf(parent),
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

export function folder(key: string, name: string, parent: string | null): SandboxFile {
  return {
    ...file(key, name, parent, { kind: 'folder', mediaType: 'inode/directory' }),
    sizeBytes: 0,
    text: undefined,
  };
}

const MANY = 230;
const DRIVES = 105;
/** Over Google's 10 MB for exports. */
export const LARGE_EXPORT = Buffer.alloc(11 * 1024 * 1024, 'words ');

/** Ann has everything that Drive can show; Ben has an empty drive. */
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
    folder('quoted', "Ann's \\ folder / with: signs", null),
    file('inside', "It's inside.txt", 'quoted'),
    file('twin 1', 'Twin.txt', null, { content: Buffer.from('the first') }),
    file('twin 2', 'Twin.txt', null, { content: Buffer.from('the second') }),
    file('nothing', 'Nothing.txt', null, { content: Buffer.alloc(0) }),
    file('unicode', 'Übersicht – 日本.txt', null),
    file('locked', 'Locked.pdf', null, { mediaType: 'application/pdf', canDownload: false }),
    file('doc', 'A document', null, { native: 'document' }),
    file('sheet', 'A sheet', null, { native: 'spreadsheet' }),
    file('slides', 'Slides', null, { native: 'presentation' }),
    file('form', 'A form', null, { native: 'form' }),
    file('large', 'A large document', null, { native: 'document', content: LARGE_EXPORT }),
    file('link', 'Link to a paper', null, { shortcutTo: idOf('many 7') }),
    file('link doc', 'Link to the document', null, { shortcutTo: idOf('doc') }),
    file('link folder', 'Link to Deep', 'deep', { shortcutTo: idOf('deep') }),
    file('link drive folder', 'Link to Plans', null, { shortcutTo: idOf('plans') }),
    file('dangling', 'Dangling link', null, { shortcutTo: idOf('no such file') }),
  ];
  const shared: SandboxFile[] = [
    file('given', 'Given to Ann.txt', null),
    folder('given folder', 'A folder for Ann', null),
    file('given inside', 'In the folder.txt', 'given folder'),
  ];
  const drives = Array.from({ length: DRIVES }, (_, at) => ({
    id: `0ADrive${String(at).padStart(8, '0')}PVA`,
    kind: 'shared-drive' as const,
    name: `Drive ${at}`,
    files:
      at === 0 ? [folder('plans', 'Plans', null), file('plan', 'Plan.txt', 'plans'), file('top', 'Top.txt', null)] : [],
  }));
  return [
    {
      id: '100000000000000000001',
      email: ANN,
      name: 'Ann Oster',
      spaces: [
        { id: '0AAnnHomeFolderPVA', kind: 'my-drive', name: 'My Drive', files: home },
        { id: '0AAnnSharedPVA', kind: 'shared-with-me', name: 'Shared with me', files: shared },
        ...drives,
      ],
    },
    {
      id: '100000000000000000002',
      email: BEN,
      name: 'Ben',
      spaces: [{ id: '0ABenHomeFolderPVA', kind: 'my-drive', name: 'My Drive', files: [] }],
    },
  ];
}

/** Names of Ann's files: a shortcut to a folder is a folder. */
export const annsFiles = (): string[] =>
  (worldAccounts()[0]?.spaces ?? [])
    .flatMap(({ files }) => files)
    .filter(({ kind, id }) => kind === 'file' && id !== idOf('link folder') && id !== idOf('link drive folder'))
    .map(({ name }) => name);

export type World = {
  sandbox: GoogleSandbox;
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
  const sandbox = await startGoogleSandbox({ accounts: worldAccounts(), ...CLIENT });
  const config = parseConfig(sandbox.env);
  const egress = createEgress({
    allowedHosts: hostsOf(config, googleDriveDefinition.hosts),
    vendorHosts: googleDriveDefinition.hosts,
  });
  const fetch = through((input, init) => egress.fetch(input, init));
  return {
    sandbox,
    egress,
    fetch,
    provider: createGoogleDrive(config.google),
    misconfigured: createGoogleDrive({ ...config.google, clientSecret: new Secret('another secret') }),
    connect: (email = ANN, scopes) => connectionWith(fetch, new Secret(sandbox.state.issue(email, scopes).accessToken)),
    async close() {
      await egress.close();
      await sandbox.close();
    },
  };
}

/** Plays a person at the stand-in's consent page; gives where the browser is sent. */
export async function consent(
  url: string,
  choice: { email: string; decision: 'allow' | 'deny'; scopes?: string[] },
): Promise<URL> {
  const page = await (await fetch(url)).text();
  const request = /name="request" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const account = new RegExp(`value="(\\d+)"[^>]*><span>[^<]*<span>${choice.email.replaceAll('.', '\\.')}<`).exec(page);
  const ticked = [...page.matchAll(/name="scope" value="([^"]+)" checked/g)].map((match) => match[1] ?? '');
  const form = new URLSearchParams({ request, account: account?.[1] ?? '', decision: choice.decision });
  for (const scope of choice.scopes ?? ticked) form.append('scope', scope);
  const answer = await fetch(url, { method: 'POST', body: form, redirect: 'manual' });
  return new URL(answer.headers.get('location') ?? `about:blank#${answer.status}`);
}

/** The world as the contract suite wants it. Planned failures are marked, so that nobody checks them against the contract. */
export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  const world = await startWorld(through);
  return {
    provider: world.provider,
    misconfigured: world.misconfigured,
    clientSecret: CLIENT.clientSecret,
    fetch: world.fetch,
    redirectUri: REDIRECT_URI,
    consent: async (url, decision) => (await consent(url, { email: ANN, decision })).searchParams,
    account: { id: '100000000000000000001', email: ANN, name: 'Ann Oster' },
    files: annsFiles(),
    search: { query: 'kittiwake', finds: 'Bottom.md' },
    goneRef: `item:${idOf('never was')}`,
    failNext: ({ headers, ...answer }, times) =>
      world.sandbox.state.failNext(() => true, { ...answer, headers: { ...headers, 'x-planned': 'yes' } }, times),
    close: () => world.close(),
  };
}
