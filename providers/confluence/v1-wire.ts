import { z } from 'zod';
import { dateOf } from '../json.ts';
import type { Comment, Found } from './api.ts';
import type { Attachment, Content, Person, Space } from './items.ts';
import { CONTENT_KINDS, type ContentKind, type Document } from './refs.ts';
import { attachmentUrl, webUrlOf, type Links } from './web-urls.ts';

const text = z.string().nullish();
const links = z.object({ base: text, webui: text, download: text }).nullish();
const person = z.object({ userKey: text, displayName: text }).nullish();
const kind = z.enum(CONTENT_KINDS);
const number = z.string().regex(/^\d+$/);

const space = z.object({ key: z.string().min(1), name: text, type: text, status: text, _links: links });
const content = z.object({
  id: z.string().regex(/^(att)?\d+$/),
  type: text,
  status: text,
  title: text,
  space: z.object({ key: text }).nullish(),
  /** A space may stand here, whose id is a number. */
  container: z.object({ id: z.unknown(), type: text, title: text }).nullish(),
  /** Outermost first. */
  ancestors: z.array(z.object({ id: number, type: text, title: text })).nullish(),
  version: z.object({ number: z.number().int().nullish(), when: text }).nullish(),
  history: z.object({ createdBy: person, createdDate: text }).nullish(),
  metadata: z
    .object({ mediaType: text, labels: z.object({ results: z.array(z.object({ name: z.string() })) }).nullish() })
    .nullish(),
  extensions: z.object({ mediaType: text, fileSize: z.number().nullish() }).nullish(),
  body: z.object({ storage: z.object({ value: z.string() }).nullish() }).nullish(),
  _links: links,
});

/** Version 1 of the API, of which Cloud kept the search and a Data Center has all. Of the fields that are read. */
export const contentSchema = content;
export const foundSchema = z.object({ results: z.array(content), _links: links });
export const spaceSchema = space;
export const spacesSchema = z.object({ results: z.array(space), _links: links });
export const personSchema = z.object({ displayName: text });

export type V1Content = z.infer<typeof content>;

/** What is to be expanded so that the functions below know enough. */
export const FOUND_PARTS = 'container,version,extensions,metadata';
export const COMMENT_PARTS = 'body.storage,history';
export const CONTENT_PARTS = 'space,ancestors,version,history,metadata.labels';

export const isCurrent = ({ status }: { status?: string | null }): boolean => (status ?? 'current') === 'current';

/** Undefined for a kind that the hub knows nothing of. */
export const kindOf = (type: string | null | undefined): ContentKind | undefined => kind.safeParse(type).data;

/** Undefined for what the hub knows nothing of, and for what hangs on neither a page nor a post. */
export function toFound(from: V1Content, around: Links): Found | undefined {
  const { number, when } = from.version ?? {};
  const edition = { mark: [from.id, number, when].join(' '), changedAt: dateOf(when) };
  if (from.type === 'attachment') {
    const attachment = toAttachment(from, around);
    return attachment && { ...edition, is: 'attachment', on: attachment.container, attachment };
  }
  if (from.type === 'comment') {
    const on = documentIn(from);
    return on && { ...edition, is: 'comment', on, title: from.container?.title ?? '' };
  }
  const found = kindOf(from.type);
  return found && { ...edition, is: 'content', node: { kind: found, id: from.id } };
}

/** Undefined for what hangs on something other than a page or a post. */
export function toAttachment(from: V1Content, around: Links, on = documentIn(from)): Attachment | undefined {
  return (
    on && {
      id: from.id,
      title: from.title ?? 'Untitled',
      mediaType: from.extensions?.mediaType || from.metadata?.mediaType || 'application/octet-stream',
      sizeBytes: from.extensions?.fileSize ?? undefined,
      version: from.version?.number ?? undefined,
      modifiedAt: dateOf(from.version?.when),
      webUrl: attachmentUrl(from.id, on.id, around),
      container: on,
      download: from._links?.download ?? undefined,
    }
  );
}

function documentIn({ container }: V1Content): Document | undefined {
  const on = kindOf(container?.type);
  const id = number.safeParse(container?.id).data;
  return (on === 'page' || on === 'blogpost') && id !== undefined ? { kind: on, id } : undefined;
}

export const toComment = (from: V1Content): Comment => ({
  author: from.history?.createdBy?.displayName || undefined,
  createdAt: dateOf(from.history?.createdDate),
  body: from.body?.storage?.value ?? '',
});

export const toSpace = (from: z.infer<typeof space>, around?: Links): Space => ({
  id: from.key,
  key: from.key,
  name: from.name || from.key,
  isPersonal: from.type === 'personal',
  webUrl: webUrlOf(from._links, around),
});

/** A page or a blog post of a Data Center. */
export function toContent(from: V1Content, of: Document['kind'], around?: Links): Content {
  const ancestors = (from.ancestors ?? []).map(({ id, title }) => ({ id, title: title ?? '' }));
  const parent = ancestors.at(-1);
  return {
    kind: of,
    id: from.id,
    title: from.title ?? '',
    spaceId: from.space?.key ?? undefined,
    parent: parent && of === 'page' ? { kind: 'page', id: parent.id } : undefined,
    ancestors,
    version: from.version?.number ?? undefined,
    modifiedAt: dateOf(from.version?.when),
    author: toPerson(from.history?.createdBy),
    webUrl: webUrlOf(from._links, around),
    labels: from.metadata?.labels?.results.map(({ name }) => name),
    body: from.body?.storage?.value,
  };
}

const toPerson = (from: z.infer<typeof person>): Person | undefined =>
  from?.displayName ? { id: from.userKey ?? undefined, name: from.displayName } : undefined;
