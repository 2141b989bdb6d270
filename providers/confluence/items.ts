import type { Item } from '../provider.ts';
import { formatRef, type ContentKind, type Document, type Node, type Ref } from './refs.ts';

/** Of a page's body in Confluence's storage format. */
export const STORAGE_TYPE = 'application/vnd.atlassian.confluence.storage+xml';
const FOLDER_TYPE = 'inode/directory';

export type Space = { id: string; key: string; name: string; isPersonal: boolean; webUrl?: string };

/** Who wrote something: the id is an account's, or a user's key on servers. */
export type Person = { id?: string; name?: string };

/** Something in a space, as Cloud and Data Center both have it. */
export type Content = Node & {
  title: string;
  spaceId?: string;
  /** What it lies in; absent at the top of the space, and for blog posts. */
  parent?: Node;
  /** Pages that it lies below, outermost first; absent where the answer does not name them. */
  ancestors?: { id: string; title: string }[];
  /** Absent for folders and what has no text. */
  version?: number;
  /** A document that changes without being published: its version says nothing. */
  isLive?: boolean;
  modifiedAt?: Date;
  author?: Person;
  webUrl?: string;
  labels?: string[];
  /** In storage format. */
  body?: string;
};

export type Attachment = {
  id: string;
  title: string;
  mediaType: string;
  sizeBytes?: number;
  version?: number;
  modifiedAt?: Date;
  webUrl?: string;
  container: Document;
  /** On a Data Center: where its bytes are, below the server's root. */
  download?: string;
};

/** Where items are: the site that their refs name. */
export type At = { cloudId?: string };

/** Change feeds call things by their refs, which hold numbers that stay. */
function called(of: Ref): Pick<Item, 'ref' | 'address'> {
  const ref = formatRef(of);
  return { ref, address: ref };
}

const FOLDER = { kind: 'folder' as const, mediaType: FOLDER_TYPE, importable: true };
const NO_CONTENT: Partial<Record<ContentKind, string>> = {
  whiteboard: 'A whiteboard has no text that Confluence gives out.',
  database: 'A database of Confluence has no content that Confluence gives out.',
  embed: 'This is only a link to another service, without content of its own.',
};

/** Why there will never be content, in a sentence; undefined where there is. */
export const whyNotImportable = ({ kind }: Node): string | undefined => NO_CONTENT[kind];

export const toSiteItem = (site: { cloudId?: string; name: string; url?: string }): Item => ({
  ...called({ kind: 'site', cloudId: site.cloudId }),
  name: site.name,
  ...FOLDER,
  webUrl: site.url,
});

/** `parentRef`: of the site, where that is shown. */
export const toPersonalItem = (at: At, parentRef?: string): Item => ({
  ...called({ kind: 'personal', cloudId: at.cloudId }),
  name: 'Personal spaces',
  ...FOLDER,
  parentRef,
});

export const toSpaceItem = (space: Space, at: At, parentRef?: string): Item => ({
  ...called({ kind: 'space', cloudId: at.cloudId, id: space.id }),
  name: space.name,
  ...FOLDER,
  webUrl: space.webUrl,
  parentRef: space.isPersonal ? formatRef({ kind: 'personal', cloudId: at.cloudId }) : parentRef,
});

export const toBlogItem = (spaceId: string, at: At): Item => ({
  ...called({ kind: 'blog', cloudId: at.cloudId, id: spaceId }),
  name: 'Blog',
  ...FOLDER,
  parentRef: formatRef({ kind: 'space', cloudId: at.cloudId, id: spaceId }),
});

export function toContentItem(from: Content, at: At): Item {
  const { kind, id, title, webUrl } = from;
  const shared = {
    ...called({ kind, cloudId: at.cloudId, id }),
    // A whiteboard may go without a name.
    name: title || 'Untitled',
    webUrl,
    parentRef: parentRefOf(from, at),
  };
  if (kind === 'folder') return { ...shared, ...FOLDER };
  const file = { ...shared, kind: 'file' as const, hasChildren: true };
  const reason = whyNotImportable(from);
  if (reason !== undefined) return { ...file, mediaType: 'application/octet-stream', importable: false, reason };
  return {
    ...file,
    mediaType: STORAGE_TYPE,
    modifiedAt: from.modifiedAt,
    version: from.isLive || from.version === undefined ? undefined : String(from.version),
    importable: true,
  };
}

function parentRefOf({ kind, parent, spaceId }: Content, { cloudId }: At): string | undefined {
  if (parent) return formatRef({ ...parent, cloudId });
  if (spaceId === undefined) return undefined;
  return formatRef({ kind: kind === 'blogpost' ? 'blog' : 'space', cloudId, id: spaceId });
}

export const toAttachmentItem = (from: Attachment, { cloudId }: At): Item => ({
  ...called({ kind: 'attachment', cloudId, id: from.id }),
  name: from.title,
  kind: 'file',
  mediaType: from.mediaType,
  sizeBytes: from.sizeBytes,
  modifiedAt: from.modifiedAt,
  version: from.version === undefined ? undefined : String(from.version),
  webUrl: from.webUrl,
  parentRef: formatRef({ ...from.container, cloudId }),
  importable: true,
});

/** Without a version: nothing says whether a comment was added or changed. */
export const toCommentsItem = (on: Document, title: string, { cloudId }: At): Item => ({
  ...called({ kind: 'comments', cloudId, on }),
  name: commentsTitle(title),
  kind: 'file',
  mediaType: STORAGE_TYPE,
  parentRef: formatRef({ kind: on.kind, cloudId, id: on.id }),
  importable: true,
});

export const commentsTitle = (title: string): string => `Comments on ${title}`;
