import pLimit from 'p-limit';
import { mediaTypeOf } from '../media-types.ts';
import type { SandboxAccount, SandboxFile, SandboxSpace } from '../sandbox/sandbox-files.ts';
import { createQuickXorHash } from './quick-xor-hash.ts';
import { channelIdOf, driveIdOf, guid, HOST, itemIdOf, siteIdOf, teamIdOf } from './sandbox-ids.ts';

const EXTENSION = { document: '.docx', spreadsheet: '.xlsx', presentation: '.pptx', form: '' };
const MADE = new Date('2026-01-05T09:00:00Z');

/** One item of a drive as one account sees it; `file` is absent for the root and a channel's folder. */
export type Entry = {
  drive: SandboxDrive;
  id: string;
  /** Id of the containing folder, which the account may not be able to see; absent for the root. */
  parentId?: string;
  name: string;
  isFolder: boolean;
  file?: SandboxFile;
};

export type SandboxDrive = {
  id: string;
  type: 'business' | 'documentLibrary';
  space: SandboxSpace;
  /** False for somebody else's OneDrive, of which only shared parts are seen. */
  isWhole: boolean;
  entries: Map<string, Entry>;
};

export type SandboxSite = { id: string; name: string; drive: SandboxDrive; team?: SandboxTeam };
export type SandboxTeam = { id: string; name: string; channel: { id: string; name: string; folder: Entry } };

/** What one account sees at this moment. */
export type View = {
  account: SandboxAccount;
  oneDrive?: SandboxDrive;
  drives: Map<string, SandboxDrive>;
  sites: SandboxSite[];
  /** Tops of what others share. */
  shared: Entry[];
};

export type SandboxStore = {
  view(account: SandboxAccount): View;
  rootOf(drive: SandboxDrive): Entry | undefined;
  childrenOf(entry: Entry): Entry[];
  /** An item in the shape of Graph's. Reads its bytes, once for each version. `downloadUrl` is given to files. */
  toWire(view: View, entry: Entry, downloadUrl?: string): Promise<Record<string, unknown>>;
  /** As it stands in a list of what others share. */
  toSharedWire(view: View, entry: Entry): Promise<Record<string, unknown>>;
};

/** The accounts' files by drive and id, as Graph tells of them. The first shared drive is the site of a team. */
export function createSandboxStore(accounts: SandboxAccount[]): SandboxStore {
  const contents = new Map<string, Promise<{ size: number; quickXorHash: string }>>();
  const reading = pLimit(8);

  const contentOf = (file: SandboxFile): Promise<{ size: number; quickXorHash: string }> => {
    const key = `${file.id} ${file.version}`;
    const known = contents.get(key);
    if (known) return known;
    const made = reading(async () => {
      const bytes = await file.bytes();
      const hash = createQuickXorHash();
      hash.update(bytes);
      return { size: bytes.length, quickXorHash: Buffer.from(hash.digest(), 'hex').toString('base64') };
    });
    contents.set(key, made);
    return made;
  };

  /** The OneDrive that a shared file lies in, where its owner has an account here. */
  const homeOf = (file: SandboxFile): SandboxSpace | undefined =>
    accounts
      .flatMap(({ spaces }) => spaces)
      .find(({ kind, files }) => kind === 'my-drive' && files.some(({ id }) => id === file.id));

  const teamSpaceId = (): string | undefined =>
    accounts.flatMap(({ spaces }) => spaces).find(({ kind }) => kind === 'shared-drive')?.id;

  const add = (drive: SandboxDrive, entry: Omit<Entry, 'drive'>): Entry => {
    const made: Entry = { ...entry, drive };
    drive.entries.set(entry.id, made);
    return made;
  };

  const addFiles = (drive: SandboxDrive, files: SandboxFile[], topId: (file: SandboxFile) => string): void => {
    for (const file of files)
      add(drive, {
        id: itemIdOf(file.id),
        parentId: file.parentId === null ? topId(file) : itemIdOf(file.parentId),
        name: file.name + (file.native ? EXTENSION[file.native] : ''),
        isFolder: file.kind === 'folder',
        file,
      });
  };

  const wholeDrive = (space: SandboxSpace, type: SandboxDrive['type'], inChannel: boolean): SandboxDrive => {
    const drive: SandboxDrive = { id: driveIdOf(space.id), type, space, isWhole: true, entries: new Map() };
    const rootId = itemIdOf(`root ${space.id}`);
    add(drive, { id: rootId, name: 'root', isFolder: true });
    const topId = inChannel ? itemIdOf(`general ${space.id}`) : rootId;
    if (inChannel) add(drive, { id: topId, parentId: rootId, name: 'General', isFolder: true });
    addFiles(drive, space.files, () => topId);
    return drive;
  };

  /** The item a pointer leads to: where this account sees it, else where anybody does. */
  const targetOf = (view: View, id: string): Entry | undefined => {
    const itemId = itemIdOf(id);
    const inView = [...view.drives.values()].flatMap(({ entries }) => entries.get(itemId) ?? []);
    return inView[0] ?? accounts.flatMap((account) => find(viewOf(account), itemId))[0];
  };

  const views = new Map<string, View>();
  /** What the views were built from. */
  const seen: unknown[] = [];
  /** Compares and keeps all that a view depends on: the accounts may be changed at any time. */
  const hasChanged = (): boolean => {
    let at = 0;
    let changed = false;
    const note = (part: unknown): void => {
      if (seen[at] !== part) {
        seen[at] = part;
        changed = true;
      }
      at += 1;
    };
    for (const { id, spaces } of accounts) {
      note(id);
      for (const space of spaces) {
        note(space);
        for (const file of space.files) {
          note(file);
          note(file.name);
          note(file.parentId);
        }
      }
    }
    changed ||= seen.length !== at;
    seen.length = at;
    return changed;
  };
  const viewOf = (account: SandboxAccount): View => {
    if (hasChanged()) views.clear();
    const view = views.get(account.id) ?? buildView(account);
    views.set(account.id, view);
    return view;
  };

  const buildView = (account: SandboxAccount): View => {
    const view: View = { account, drives: new Map(), sites: [], shared: [] };
    const team = teamSpaceId();
    for (const space of account.spaces) {
      if (space.kind === 'shared-with-me') continue;
      const isHome = space.kind === 'my-drive';
      const drive = wholeDrive(space, isHome ? 'business' : 'documentLibrary', space.id === team);
      view.drives.set(drive.id, drive);
      if (isHome) view.oneDrive = drive;
      else view.sites.push(siteOf(drive, space.id === team));
    }
    for (const space of account.spaces.filter(({ kind }) => kind === 'shared-with-me'))
      for (const file of space.files) {
        const home = homeOf(file) ?? space;
        const id = driveIdOf(home.id);
        const partly: SandboxDrive = { id, type: 'business', space: home, isWhole: false, entries: new Map() };
        const drive = view.drives.get(id) ?? partly;
        view.drives.set(id, drive);
        // Where the owner keeps it is named, though it cannot be seen.
        addFiles(drive, [file], () => itemIdOf(`hidden ${home.id}`));
        const entry = drive.entries.get(itemIdOf(file.id));
        if (entry && file.parentId === null) view.shared.push(entry);
      }
    return view;
  };

  const siteOf = (drive: SandboxDrive, hasTeam: boolean): SandboxSite => {
    const { space } = drive;
    const folder = drive.entries.get(itemIdOf(`general ${space.id}`));
    return {
      id: siteIdOf(space.id),
      name: space.name,
      drive,
      ...(hasTeam && folder
        ? {
            team: {
              id: teamIdOf(space.id),
              name: space.name,
              channel: { id: channelIdOf(space.id), name: 'General', folder },
            },
          }
        : {}),
    };
  };

  const facetsOf = async ({ drive, id, isFolder, file }: Entry): Promise<Record<string, unknown>> => {
    if (isFolder || !file) {
      const childCount = [...drive.entries.values()].filter(({ parentId }) => parentId === id).length;
      return { folder: { childCount }, size: 0 };
    }
    if (file.native === 'form') return { package: { type: 'oneNote' }, size: 0 };
    const { size, quickXorHash } = await contentOf(file);
    const mimeType = file.native ? file.mediaType : mediaTypeOf(file.name);
    return {
      file: { mimeType: mimeType === 'application/octet-stream' ? file.mediaType : mimeType, hashes: { quickXorHash } },
      size,
    };
  };

  const remoteOf = async (entry: Entry): Promise<Record<string, unknown>> => ({
    id: entry.id,
    name: entry.name,
    webUrl: webUrlOf(entry),
    lastModifiedDateTime: dateOf(entry),
    parentReference: referenceOf(entry, { withPath: false }),
    ...(await facetsOf(entry)),
  });

  return {
    view: viewOf,
    rootOf: (drive) => [...drive.entries.values()].find(({ parentId }) => parentId === undefined),
    childrenOf: (entry) => [...entry.drive.entries.values()].filter(({ parentId }) => parentId === entry.id),

    async toWire(view, entry, downloadUrl) {
      const { file } = entry;
      const shared = {
        id: entry.id,
        name: entry.name,
        eTag: `"{${guid(entry.id).toUpperCase()}},${file?.version ?? '1'}"`,
        createdDateTime: MADE.toISOString(),
        lastModifiedDateTime: dateOf(entry),
        webUrl: webUrlOf(entry),
        parentReference: referenceOf(entry, { withPath: true }),
        ...(entry.parentId === undefined ? { root: {} } : {}),
      };
      if (file?.shortcutTo) {
        const target = targetOf(view, file.shortcutTo);
        return { ...shared, size: 0, remoteItem: target ? await remoteOf(target) : { name: entry.name } };
      }
      const facets = await facetsOf(entry);
      if (!facets.file) return { ...shared, ...facets };
      const cTag = `"c:{${guid(entry.id).toUpperCase()}},${file?.version ?? '1'}"`;
      return { ...shared, ...facets, cTag, ...(downloadUrl ? { '@microsoft.graph.downloadUrl': downloadUrl } : {}) };
    },

    async toSharedWire(_view, entry) {
      const { id, name } = entry;
      return {
        id,
        name,
        lastModifiedDateTime: dateOf(entry),
        webUrl: webUrlOf(entry),
        remoteItem: await remoteOf(entry),
      };
    },
  };
}

const find = (view: View, itemId: string): Entry[] =>
  [...view.drives.values()].flatMap(({ entries }) => entries.get(itemId) ?? []);

const dateOf = ({ file }: Entry): string => (file?.modifiedAt ?? MADE).toISOString();

/** Names of the folders above an item, from below the root down. */
function pathTo(entry: Entry): string[] {
  const names: string[] = [];
  for (let at = parentOf(entry); at?.parentId !== undefined; at = parentOf(at)) names.unshift(at.name);
  return names;
}

const parentOf = ({ drive, parentId }: Entry): Entry | undefined =>
  parentId === undefined ? undefined : drive.entries.get(parentId);

function referenceOf(entry: Entry, { withPath }: { withPath: boolean }): Record<string, unknown> {
  const { drive, parentId } = entry;
  const path = ['', 'drives', drive.id, 'root:', ...pathTo(entry).map(encodeURIComponent)].join('/');
  const siteId = drive.type === 'documentLibrary' ? { siteId: siteIdOf(drive.space.id) } : {};
  return {
    driveId: drive.id,
    driveType: drive.type,
    ...siteId,
    ...(parentId === undefined ? {} : { id: parentId }),
    ...(withPath && drive.isWhole && parentId !== undefined ? { path } : {}),
  };
}

/** Page of an item; below that of its drive. */
export function webUrlOf(entry: Entry): string {
  const above = entry.drive.isWhole && entry.parentId !== undefined ? [...pathTo(entry), entry.name] : [];
  return [driveUrlOf(entry.drive), ...(entry.drive.isWhole ? above : [entry.name]).map(encodeURIComponent)].join('/');
}

export const driveUrlOf = ({ type, space }: SandboxDrive): string =>
  type === 'business'
    ? `https://${HOST}/personal/${encodeURIComponent(space.id)}/Documents`
    : `https://${HOST}/sites/${encodeURIComponent(space.name)}/Shared%20Documents`;
