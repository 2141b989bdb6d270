import { createMicrosoft365 } from '../../providers/microsoft-365/index.ts';
import { formatRef } from '../../providers/microsoft-365/refs.ts';
import { driveIdOf, itemIdOf, objectIdOf, tenantIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import { startMicrosoftSandbox, type MicrosoftSandbox } from '../../providers/microsoft-365/sandbox.ts';
import type { Fetch } from '../../providers/provider.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Config } from '../../server/config.ts';
import type { Vendor } from './contract.ts';
import { ANN, BEN, makersOf, openWorld, vendorOf, type VendorWorld } from './world.ts';

export const CLIENT = { clientId: '11111111-2222-4333-8444-555555555555', clientSecret: 'hunter2-client-secret' };
export const CLEO = 'cleo@tributary.example';
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/microsoft/callback';

const { file, folder, common, given } = makersOf();

const SITES = 105;
export const LARGE = Buffer.alloc(9 * 1024 * 1024, 'words ');

/** Ann has all that Microsoft 365 can show; Ben has a OneDrive only; Cleo has more sites than are shown at once. */
export function worldAccounts(): SandboxAccount[] {
  const home: SandboxFile[] = [
    ...common(),
    folder('odd', "Ann's #1 folder 100% & more", null),
    file('inside', '100% #1?.txt', 'odd'),
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
        {
          id: 'ann shared',
          kind: 'shared-with-me',
          name: 'Shared with me',
          files: [...given(), file('bens', 'From Ben.txt', null)],
        },
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

export type World = VendorWorld<MicrosoftSandbox>;

const MICROSOFT = { create: ({ microsoft }: Config) => createMicrosoft365(microsoft), accountIdOf };

export async function startWorld(through?: (fetch: Fetch) => Fetch): Promise<World> {
  return openWorld(await startMicrosoftSandbox({ accounts: worldAccounts(), ...CLIENT }), MICROSOFT, through);
}

export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  return vendorOf(await startWorld(through), MICROSOFT, {
    clientSecret: CLIENT.clientSecret,
    redirectUri: REDIRECT_URI,
    files: annsFiles(),
    goneRef: itemRef('ann home', 'never was'),
  });
}
