import { createHash } from 'node:crypto';
import { createGoogleDrive } from '../../providers/google-drive/index.ts';
import { startGoogleSandbox, type GoogleSandbox } from '../../providers/google-drive/sandbox.ts';
import type { Fetch } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Config } from '../../server/config.ts';
import type { Vendor } from './contract.ts';
import { ANN, BEN, makersOf, openWorld, vendorOf, type VendorWorld } from './world.ts';

export const CLIENT = { clientId: 'client-1.apps.example', clientSecret: 'hunter2-client-secret' };
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/google_drive/callback';

export const DRIVE_SCOPE = 'https://www.googleapis.com/auth/drive.readonly';

/** Google's body for a refusal. */
export const refusal = (code: number, reason: string, message = 'Refused.') => ({
  error: { code, message, errors: [{ domain: 'global', reason, message }] },
});

/** An id in the shape of Google's, the same for the same key. */
export const idOf = (key: string): string => `1${createHash('sha256').update(key).digest('base64url').slice(0, 32)}`;

const { folder, common, given, file } = makersOf(idOf);
export { file };

const DRIVES = 105;
/** Over Google's 10 MB for exports. */
export const LARGE_EXPORT = Buffer.alloc(11 * 1024 * 1024, 'words ');

/** Ann has everything that Drive can show; Ben has an empty drive. */
export function worldAccounts(): SandboxAccount[] {
  const home: SandboxFile[] = [
    ...common(),
    folder('quoted', "Ann's \\ folder / with: signs", null),
    file('inside', "It's inside.txt", 'quoted'),
    file('twin 1', 'Twin.txt', null, { content: Buffer.from('the first') }),
    file('twin 2', 'Twin.txt', null, { content: Buffer.from('the second') }),
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
        { id: '0AAnnSharedPVA', kind: 'shared-with-me', name: 'Shared with me', files: given() },
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

export type World = VendorWorld<GoogleSandbox>;

const GOOGLE = {
  create: ({ google }: Config) => createGoogleDrive(google),
  accountIdOf: ({ id }: SandboxAccount) => id,
};

export async function startWorld(through?: (fetch: Fetch) => Fetch): Promise<World> {
  return openWorld(await startGoogleSandbox({ accounts: worldAccounts(), ...CLIENT }), GOOGLE, through);
}

export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  return vendorOf(await startWorld(through), GOOGLE, {
    clientSecret: CLIENT.clientSecret,
    redirectUri: REDIRECT_URI,
    files: annsFiles(),
    goneRef: `item:${idOf('never was')}`,
  });
}
