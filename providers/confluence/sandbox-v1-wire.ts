import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { escapeHtml } from '../escape-html.ts';
import { foundContent, type Found } from './sandbox-found.ts';
import { markupText } from './sandbox-markup.ts';
import type { ConfluenceSpace, Version } from './sandbox-state.ts';
import { downloadPath, labelWire, webuiOf } from './sandbox-wire.ts';

type Wire = Record<string, unknown>;
/** `rest` is where the API of the site begins; `personWire` says how it shows people, which Cloud and servers do in different ways. */
export type V1Place = { rest: string; personWire(person: AtlassianPerson): Wire };

const EXCERPT_LENGTH = 160;

export const v1Space = ({ id, key, name, type, status }: ConfluenceSpace, { rest }: V1Place): Wire => ({
  id: Number(id),
  key,
  name,
  type,
  status,
  _expandable: { settings: '', metadata: '', operations: '', permissions: '', icon: '', history: '', homepage: '' },
  _links: { webui: `/spaces/${key}`, self: `${rest}/space/${key}` },
});

export const webuiOfFound = ({ content, container, attachment, comment }: Found): string => {
  if (content) return webuiOf(content);
  if (attachment)
    return `/pages/viewpageattachments.action?pageId=${container?.id}&preview=/${container?.id}/${attachment.id.slice(3)}`;
  return `${container ? webuiOf(container) : ''}?focusedCommentId=${comment?.id}`;
};

const versionWire = ({ number, createdAt, message, minorEdit, author }: Version, place: V1Place): Wire => ({
  by: place.personWire(author),
  when: createdAt.toISOString(),
  friendlyWhen: createdAt.toISOString().slice(0, 10),
  message,
  number,
  minorEdit,
  _expandable: { content: '', collaborators: '' },
});

/** What is to be expanded: `body.storage`, and `body` with it. */
export type Expansions = ReadonlySet<string>;

export const expansions = (names: string[]): Expansions =>
  new Set(names.flatMap((name) => [name, name.split('.')[0] ?? '']));

/** What can be expanded, and how it looks. What is not expanded stands under `_expandable`. */
const PARTS: Record<string, (found: Found, place: V1Place, expand: Expansions) => unknown> = {
  space: (found, place) => v1Space(found.space, place),
  version: (found, place) => versionWire(found.version, place),
  body: ({ content, comment }, _place, expand) => {
    const value = content?.body ?? comment?.body ?? '';
    const storage = { value, representation: 'storage', embeddedContent: [], _expandable: { content: '' } };
    return expand.has('body.storage') ? { storage } : { _expandable: { storage: '', view: '', export_view: '' } };
  },
  container: ({ container, space }, place) =>
    container ? v1Content(foundContent(container), new Set(), place) : v1Space(space, place),
  ancestors: ({ content, container }, place) => {
    const above: Wire[] = [];
    for (let at = content ? content.parent : container; at; at = at.parent)
      above.unshift(v1Content(foundContent(at), new Set(), place));
    return above;
  },
  history: ({ author, createdAt }, place) => ({
    latest: true,
    createdBy: place.personWire(author),
    createdDate: createdAt.toISOString(),
    _expandable: { lastUpdated: '', previousVersion: '', contributors: '', nextVersion: '', ownedBy: '' },
  }),
  metadata: ({ content, attachment }, _place, expand) => ({
    ...(attachment ? { mediaType: attachment.mediaType } : {}),
    ...(expand.has('metadata.labels') ? { labels: labelsWire(content?.labels ?? []) } : {}),
  }),
  extensions: (found) => extensionsWire(found),
};

function extensionsWire({ content, attachment, comment }: Found): Wire {
  if (attachment) {
    const { mediaType, sizeBytes, fileId, container } = attachment;
    const collectionName = `contentId-${container.id}`;
    return { mediaType, fileSize: sizeBytes, comment: attachment.comment, fileId, collectionName };
  }
  if (!comment) return { position: content?.position ?? 'none' };
  const { kind, selection = '', id } = comment;
  const inlineProperties = { originalSelection: selection, markerRef: id };
  return kind === 'inline' ? { location: kind, inlineProperties } : { location: kind };
}

const labelsWire = (labels: string[]): Wire => ({
  results: labels.map((name) => ({ ...labelWire(name), label: name })),
  start: 0,
  limit: 200,
  size: labels.length,
  _links: {},
});

/** A thing of Confluence as the first version of the API shows it. */
export function v1Content(found: Found, expand: Expansions, place: V1Place): Wire {
  const { id, type, status, title, attachment } = found;
  const wanted = Object.entries(PARTS).filter(([name]) => expand.has(name));
  const rest = Object.keys(PARTS).filter((name) => !expand.has(name));
  return {
    id,
    type,
    status,
    title,
    ...Object.fromEntries(wanted.map(([name, part]) => [name, part(found, place, expand)])),
    _expandable: {
      ...Object.fromEntries(rest.map((name) => [name, ''])),
      children: '',
      descendants: '',
      operations: '',
    },
    _links: {
      self: `${place.rest}/content/${id}`,
      webui: webuiOfFound(found),
      ...(attachment ? { download: downloadPath(attachment) } : {}),
    },
  };
}

/** One result of a search; words that were asked for are marked in its title, as is the excerpt escaped for a page. */
export function resultWire(found: Found, view: { expand: Expansions; marked: string[]; place: V1Place }): Wire {
  const { content, container, space, comment } = found;
  const holder = container ?? content?.parent;
  const mark = (text: string): string =>
    escapeHtml(text).replace(/[\p{L}\p{N}]+/gu, (word) =>
      view.marked.includes(word.toLowerCase()) ? `@@@hl@@@${word}@@@endhl@@@` : word,
    );
  return {
    content: v1Content(found, view.expand, view.place),
    title: mark(found.title),
    excerpt: mark(markupText(content?.body ?? comment?.body ?? '').slice(0, EXCERPT_LENGTH)),
    url: webuiOfFound(found),
    ...(holder ? { resultParentContainer: { title: holder.title, displayUrl: webuiOf(holder) } } : {}),
    resultGlobalContainer: { title: space.name, displayUrl: `/spaces/${space.key}` },
    breadcrumbs: [],
    entityType: 'content',
    iconCssClass: `aui-icon content-type-${found.type}`,
    lastModified: found.version.createdAt.toISOString(),
    friendlyLastModified: found.version.createdAt.toISOString().slice(0, 10),
    score: 0,
  };
}
