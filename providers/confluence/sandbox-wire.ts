import { escapeHtml } from '../escape-html.ts';
import { markupText } from './sandbox-markup.ts';
import type {
  ConfluenceAttachment,
  ConfluenceComment,
  ConfluenceSpace,
  Content,
  ContentKind,
  Version,
} from './sandbox-state.ts';

type Wire = Record<string, unknown>;
/** As the parameter `body-format` names them. */
export const BODY_FORMATS = ['storage', 'atlas_doc_format'] as const;
export const SINGLE_BODY_FORMATS = [
  ...BODY_FORMATS,
  'view',
  'export_view',
  'anonymous_export_view',
  'styled_view',
  'editor',
] as const;
export type BodyFormat = (typeof SINGLE_BODY_FORMATS)[number];

/** Things as the second version of Confluence's API shows them. */
export const versionWire = ({ number, createdAt, message, minorEdit, author }: Version): Wire => ({
  number,
  createdAt: createdAt.toISOString(),
  message,
  minorEdit,
  authorId: author.accountId,
});

export const spaceWire = (space: ConfluenceSpace): Wire => ({
  id: space.id,
  key: space.key,
  name: space.name,
  type: space.type,
  status: space.status,
  authorId: space.owner.accountId,
  spaceOwnerId: space.owner.accountId,
  createdAt: space.createdAt.toISOString(),
  ...(space.homepageId === undefined ? {} : { homepageId: space.homepageId }),
  _links: { webui: `/spaces/${space.key}` },
});

/** In whichever format; without one there is no body at all. */
export function bodyWire(storage: string, format: BodyFormat | undefined): Wire {
  if (format === undefined) return {};
  return { body: { [format]: { representation: format, value: bodyIn(storage, format) } } };
}

function bodyIn(storage: string, format: BodyFormat): string {
  if (format === 'storage') return storage;
  const text = markupText(storage);
  if (format !== 'atlas_doc_format') return `<p>${escapeHtml(text)}</p>`;
  const paragraph = { type: 'paragraph', content: text === '' ? [] : [{ type: 'text', text }] };
  return JSON.stringify({ type: 'doc', version: 1, content: [paragraph] });
}

/** The address of a page's own page, below `/wiki`. */
export function webuiOf({ kind, id, title, space, createdAt }: Content): string {
  const at = `/spaces/${space.key}`;
  const name = encodeURIComponent(title).replaceAll('%20', '+');
  if (kind === 'page') return `${at}/pages/${id}/${name}`;
  if (kind !== 'blogpost') return `${at}/${kind}/${id}`;
  return `${at}/blog/${createdAt.toISOString().slice(0, 10).replaceAll('-', '/')}/${id}/${name}`;
}

const placeWire = ({ parent, position }: Content): Wire => ({
  parentId: parent?.id ?? null,
  parentType: parent?.kind ?? null,
  position,
});

const linksOf = (content: Content): Wire => ({
  webui: webuiOf(content),
  editui: `/pages/resumedraft.action?draftId=${content.id}`,
  tinyui: `/x/${Buffer.from(content.id.slice(-6)).toString('base64url')}`,
});

/** A page or a blog post; `body` is that of the version asked for. */
export function contentWire(content: Content, more: { format?: BodyFormat; inList: boolean; of?: Versioned }): Wire {
  const { id, kind, status, space, author, createdAt } = content;
  const of = more.of ?? content;
  return {
    id,
    status: more.of ? 'historical' : status,
    title: of.title,
    spaceId: space.id,
    ...(kind === 'page' ? { ...placeWire(content), ownerId: author.accountId, lastOwnerId: null } : {}),
    ...(kind === 'page' && more.inList ? { subtype: content.isLive ? 'live' : null } : {}),
    authorId: author.accountId,
    createdAt: createdAt.toISOString(),
    version: versionWire(of.version),
    ...bodyWire(of.body, more.format),
    _links: linksOf(content),
  };
}

export type Versioned = { version: Version; title: string; body: string };

/** A folder, whiteboard, database or embed. Folders count their time in milliseconds, unlike everything else. */
export const nodeWire = (content: Content): Wire => ({
  id: content.id,
  type: content.kind,
  status: content.status,
  title: content.title,
  ...placeWire(content),
  authorId: content.author.accountId,
  ownerId: content.author.accountId,
  createdAt: content.kind === 'folder' ? content.createdAt.getTime() : content.createdAt.toISOString(),
  spaceId: content.space.id,
  version: versionWire(content.version),
  _links: { webui: webuiOf(content) },
});

export const childWire = ({ id, status, title, kind, space, position }: Content): Wire => ({
  id,
  status,
  title,
  type: kind,
  spaceId: space.id,
  childPosition: position,
});

export const descendantWire = ({ id, status, title, kind, parent, position }: Content, depth: number): Wire => ({
  id,
  status,
  title,
  type: kind,
  parentId: parent?.id,
  depth,
  childPosition: position,
});

const CONTAINER: Partial<Record<ContentKind, string>> = { page: 'pageId', blogpost: 'blogPostId' };
/** Under which name something says which page or blog post it hangs on. */
const containerWire = ({ kind, id }: Content): Wire => ({ [CONTAINER[kind] ?? 'customContentId']: id });

/** Where people get an attachment; credentials of the API are refused there. */
export const downloadPath = ({ container, title, version }: ConfluenceAttachment): string =>
  `/download/attachments/${container.id}/${encodeURIComponent(title)}?version=${version.number}&modificationDate=${version.createdAt.getTime()}&cacheVersion=1&api=v2`;

export function attachmentWire(attachment: ConfluenceAttachment): Wire {
  const { id, status, title, createdAt, container, mediaType, comment, fileId, sizeBytes, version } = attachment;
  const webui = `/pages/viewpageattachments.action?pageId=${container.id}&preview=/${container.id}/${id.slice(3)}/${encodeURIComponent(title)}`;
  return {
    id,
    status,
    title,
    createdAt: createdAt.toISOString(),
    ...containerWire(container),
    mediaType,
    mediaTypeDescription: null,
    comment,
    fileId,
    fileSize: sizeBytes,
    webuiLink: webui,
    downloadLink: downloadPath(attachment),
    version: versionWire(version),
    _links: { webui, download: downloadPath(attachment) },
  };
}

export const commentWire = (comment: ConfluenceComment, format: BodyFormat | undefined): Wire => ({
  id: comment.id,
  status: comment.status,
  title: `Re: ${comment.container.title}`,
  ...containerWire(comment.container),
  ...(comment.parent ? { parentCommentId: comment.parent.id } : {}),
  version: versionWire(comment.version),
  ...(comment.kind === 'inline'
    ? {
        resolutionStatus: 'open',
        properties: { inlineMarkerRef: comment.id, inlineOriginalSelection: comment.selection ?? '' },
      }
    : {}),
  ...bodyWire(comment.body, format),
  _links: { webui: `${webuiOf(comment.container)}?focusedCommentId=${comment.id}` },
});

/** A label's id is made of its name, which stands once in a site. */
export const labelWire = (name: string): Wire => ({
  id: String([...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_000_007, 7)),
  name,
  prefix: 'global',
});
