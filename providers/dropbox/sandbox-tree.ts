import { createHash } from 'node:crypto';
import type { SandboxAccount, SandboxFile, SandboxSpace } from '../sandbox/sandbox-files.ts';

/** One file or folder at its place in a root. */
export type Node = {
  id: string;
  name: string;
  /** From the root, as people see it: "/Policies/Safety.docx". */
  path: string;
  lower: string;
  parentLower: string;
  kind: 'folder' | 'file';
  /** Absent for folders that only the stand-in has: a drive, a person's own Dropbox in the team space. */
  file?: SandboxFile;
  /** Set where another namespace is mounted. */
  sharedFolderId?: string;
};

/** A namespace that requests can be rooted at; '' is its own path. */
export type Tree = {
  namespaceId: string;
  byLower: Map<string, Node>;
  byId: Map<string, Node>;
  childrenOf(lower: string): Node[];
};

/** What one account sees. Without shared drives the two trees are one. */
export type Seen = {
  account: SandboxAccount;
  accountId: string;
  home: Tree;
  root: Tree;
  /** Where the own Dropbox lies in the team's space. */
  homePath?: string;
};

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** 40 characters, as Dropbox's. */
export const accountIdOf = (account: SandboxAccount): string => `dbid:${digest(`account ${account.id}`).slice(0, 35)}`;

/** The older id of an account, a number. */
export const userIdOf = (accountId: string): number =>
  parseInt(createHash('sha256').update(accountId).digest('hex').slice(0, 8), 16);

/** Namespaces go by number. */
export const namespaceIdOf = (key: string): string =>
  String(parseInt(createHash('sha256').update(`namespace ${key}`).digest('hex').slice(0, 8), 16) + 1_000_000);

/** All teams of a stand-in are one. */
export const TEAM_NAMESPACE = namespaceIdOf('team');

/**
 * Lower case as Dropbox has it: letter by letter, and only where a letter stays one letter. It differs from `toLowerCase` for
 * İ and for a Σ at the end of a word.
 */
export const lowerOf = (text: string): string =>
  [...text]
    .map((letter) => {
      const lower = letter.toLowerCase();
      return lower.length === letter.length ? lower : letter;
    })
    .join('');

/** Native documents live in the cloud only and are told by their extension, which Dropbox shows. */
const NATIVE_EXTENSION = { document: '.paper', spreadsheet: '.gsheet', presentation: '.gslides', form: '.gform' };

const nameOf = (file: SandboxFile): string =>
  file.name.replace(/[/\\]/g, '-') + (file.native ? NATIVE_EXTENSION[file.native] : '');

const idOf = (key: string): string => `id:${digest(`item ${key}`).slice(0, 22)}`;

/**
 * The account's files as Dropbox arranges them: My Drive is its own Dropbox, in which what is shared with it is mounted; shared
 * drives are folders of a team space, in which the own Dropbox lies too.
 */
export function createTrees(): (account: SandboxAccount) => Seen {
  const known = new WeakMap<SandboxAccount, { mark: unknown[]; seen: Seen }>();
  return (account) => {
    // Files may be changed as they are, or be replaced by others with the same id.
    const mark = account.spaces.flatMap(({ id, files }) => [
      id,
      ...files.flatMap((file) => [file, file.name, file.parentId]),
    ]);
    const before = known.get(account);
    if (before?.mark.length === mark.length && before.mark.every((part, at) => part === mark[at])) return before.seen;
    const seen = arrange(account);
    known.set(account, { mark, seen });
    return seen;
  };
}

function arrange(account: SandboxAccount): Seen {
  const own = account.spaces.filter(({ kind }) => kind !== 'shared-drive');
  const drives = account.spaces.filter(({ kind }) => kind === 'shared-drive');
  const homeId = namespaceIdOf(account.id);
  const home = createTree(homeId);
  for (const space of own) addSpace(home, space, '');
  const base = { account, accountId: accountIdOf(account), home: home.tree };
  if (drives.length === 0) return { ...base, root: home.tree };
  const root = createTree(TEAM_NAMESPACE);
  const homeFolder = root.add('', account.name, { id: idOf(`home ${account.id}`), sharedFolderId: homeId });
  for (const space of own) addSpace(root, space, homeFolder.lower);
  for (const drive of drives) {
    const folder = root.add('', drive.name, { id: idOf(drive.id), sharedFolderId: namespaceIdOf(drive.id) });
    addSpace(root, drive, folder.lower);
  }
  return { ...base, root: root.tree, homePath: homeFolder.path };
}

type Builder = { tree: Tree; add: (parentLower: string, name: string, rest: Partial<Node> & { id: string }) => Node };

function createTree(namespaceId: string): Builder {
  const byLower = new Map<string, Node>();
  const byId = new Map<string, Node>();
  const children = new Map<string, Node[]>();
  return {
    tree: { namespaceId, byLower, byId, childrenOf: (lower) => children.get(lower) ?? [] },
    add(parentLower, wanted, rest) {
      const parentPath = byLower.get(parentLower)?.path ?? '';
      // Two names that differ in case only cannot stand side by side; the later one gets a number.
      let name = wanted;
      for (let count = 1; byLower.has(`${parentLower}/${lowerOf(name)}`); count += 1)
        name = wanted.replace(/(\.[^.]+)?$/, (extension) => ` (${count})${extension}`);
      const lower = `${parentLower}/${lowerOf(name)}`;
      const node: Node = { kind: 'folder', ...rest, name, path: `${parentPath}/${name}`, lower, parentLower };
      byLower.set(lower, node);
      byId.set(node.id, node);
      const siblings = children.get(parentLower);
      if (siblings) siblings.push(node);
      else children.set(parentLower, [node]);
      return node;
    },
  };
}

/** `files` stand with folders before what is in them. */
function addSpace({ add }: Builder, space: SandboxSpace, at: string): void {
  const placed = new Map<string, string>();
  for (const file of space.files) {
    const parentLower = file.parentId === null ? at : placed.get(file.parentId);
    if (parentLower === undefined) continue;
    const isMount = space.kind === 'shared-with-me' && file.kind === 'folder' && file.parentId === null;
    const { lower } = add(parentLower, nameOf(file), {
      id: idOf(file.id),
      kind: file.kind,
      file,
      ...(isMount ? { sharedFolderId: namespaceIdOf(file.id) } : {}),
    });
    placed.set(file.id, lower);
  }
}
