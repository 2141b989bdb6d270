import { createDropbox } from '../../providers/dropbox/index.ts';
import { accountIdOf } from '../../providers/dropbox/sandbox-tree.ts';
import { startDropboxSandbox, type DropboxSandbox } from '../../providers/dropbox/sandbox.ts';
import type { Fetch } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Config } from '../../server/config.ts';
import type { Vendor } from './contract.ts';
import { ANN, BEN, makersOf, openWorld, vendorOf, type VendorWorld } from './world.ts';

export const APP = { appKey: 'app-key-1', appSecret: 'hunter2-app-secret' };
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/dropbox/callback';

const { file, folder, common, given } = makersOf();
export { file, folder };

/** Longer than one block of Dropbox's hash. */
const LARGE = Buffer.alloc(4 * 1024 * 1024 + 1, 'words ');

/** Ann has everything that Dropbox can show, and a team; Ben has an empty Dropbox of his own and no team. */
export function worldAccounts(): SandboxAccount[] {
  const home: SandboxFile[] = [
    ...common(),
    folder('signs', "Ann's #1 folder & 100% (signs)", null),
    file('inside', "It's inside? [1].txt", 'signs'),
    folder('istanbul', 'İSTANBUL', null),
    file('strasse', 'STRASSE.txt', 'istanbul'),
    file('strasze', 'Straße.txt', 'istanbul'),
    file('odysseus', 'ΟΔΥΣΣΕΥΣ.txt', 'istanbul'),
    file('unicode', 'Übersicht łódź – 日本 🛥.txt', null),
    file('large', 'Large.bin', null, { content: LARGE }),
    file('doc', 'Plan', null, { native: 'document', content: Buffer.from('# Plan\n\nSail on <Sunday>.') }),
    file('sheet', 'A sheet', null, { native: 'spreadsheet' }),
    file('slides', 'Slides', null, { native: 'presentation' }),
    file('form', 'A form', null, { native: 'form' }),
    file('link', 'Link to a paper.txt', null, { shortcutTo: 'many 7' }),
  ];
  const plans = [folder('plans', 'Plans', null), file('plan', 'Team plan.txt', 'plans'), file('top', 'Top.txt', null)];
  return [
    {
      id: '100000000000000000001',
      email: ANN,
      name: 'Ann Oster',
      spaces: [
        { id: 'ann home', kind: 'my-drive', name: 'My Drive', files: home },
        { id: 'ann shared', kind: 'shared-with-me', name: 'Shared with me', files: given() },
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

export type World = VendorWorld<DropboxSandbox>;

const DROPBOX = { create: ({ dropbox }: Config) => createDropbox(dropbox), accountIdOf };

export async function startWorld(through?: (fetch: Fetch) => Fetch, accounts = worldAccounts()): Promise<World> {
  return openWorld(await startDropboxSandbox({ accounts, ...APP }), DROPBOX, through);
}

export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  return vendorOf(await startWorld(through), DROPBOX, {
    clientSecret: APP.appSecret,
    redirectUri: REDIRECT_URI,
    files: annsFiles(),
    goneRef: 'item:home:neverWas',
  });
}
