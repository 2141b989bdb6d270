import { z } from 'zod';
import { dateOf } from '../json.ts';
import type { Attachment, Content, Space } from './items.ts';
import type { ContentKind, Document } from './refs.ts';
import { kindOf } from './v1-wire.ts';
import { attachmentUrl, webUrlOf, type Links } from './web-urls.ts';

/** Digits beyond what a number holds: ids stay text. */
const id = z.string().regex(/^\d+$/);
const text = z.string().nullish();
const version = z.object({ number: z.number().int().nullish(), createdAt: text }).nullish();
const links = z.object({ base: text, webui: text }).nullish();

const space = z.object({ id, key: z.string(), name: z.string(), type: text, status: text, _links: links });
const page = z.object({
  id,
  title: text,
  status: text,
  spaceId: id.nullish(),
  parentId: id.nullish(),
  parentType: text,
  subtype: text,
  authorId: text,
  version,
  body: z.object({ storage: z.object({ value: z.string() }).nullish() }).nullish(),
  labels: z.object({ results: z.array(z.object({ name: z.string() })) }).nullish(),
  _links: links,
});
const child = z.object({ id, title: text, status: text, type: text, spaceId: id.nullish() });
const descendant = z.object({
  id,
  title: text,
  status: text,
  type: text,
  parentId: id.nullish(),
  depth: z.number().nullish(),
});
const attachment = z.object({
  id: z.string().regex(/^(att)?\d+$/),
  title: z.string(),
  status: text,
  mediaType: text,
  fileSize: z.number().int().nonnegative().nullish(),
  pageId: id.nullish(),
  blogPostId: id.nullish(),
  version,
  _links: links,
});
const user = z.object({ accountId: z.string(), displayName: text, publicName: text });

const listOf = <T extends z.ZodType>(one: T) => z.object({ results: z.array(one), _links: links });

/** Of the fields that are read. */
export const schemas = {
  space,
  spaces: listOf(space),
  page,
  pages: listOf(page),
  children: listOf(child),
  descendants: listOf(descendant),
  attachment,
  attachments: listOf(attachment),
  users: listOf(user),
};

export type Descendant = z.infer<typeof descendant>;

export const toSpace = (from: z.infer<typeof space>, around?: Links): Space => ({
  id: from.id,
  key: from.key,
  name: from.name || from.key,
  isPersonal: from.type === 'personal',
  webUrl: webUrlOf(from._links, around),
});

/** A page or a blog post. */
export function toContent(of: Document['kind'], from: z.infer<typeof page>, around?: Links): Content {
  const parentKind = from.parentId ? (kindOf(from.parentType) ?? 'page') : undefined;
  return {
    kind: of,
    id: from.id,
    title: from.title ?? '',
    spaceId: from.spaceId ?? undefined,
    parent: from.parentId && parentKind ? { kind: parentKind, id: from.parentId } : undefined,
    version: from.version?.number ?? undefined,
    isLive: from.subtype === 'live',
    modifiedAt: dateOf(from.version?.createdAt),
    author: from.authorId ? { id: from.authorId } : undefined,
    webUrl: webUrlOf(from._links, around),
    labels: from.labels?.results.map(({ name }) => name),
    body: from.body?.storage?.value,
  };
}

/** A folder or what has no text. Lists say nothing of its page for people, so that a single one does not either. */
export const toNode = (
  of: ContentKind,
  from: { id: string; title?: string | null },
  where: Pick<Content, 'spaceId' | 'parent'>,
): Content => ({
  kind: of,
  id: from.id,
  title: from.title ?? '',
  ...where,
});

/** Undefined for what hangs on something other than a page or a post. */
export function toAttachment(from: z.infer<typeof attachment>, around?: Links): Attachment | undefined {
  const container: Document | undefined = from.pageId
    ? { kind: 'page', id: from.pageId }
    : from.blogPostId
      ? { kind: 'blogpost', id: from.blogPostId }
      : undefined;
  return (
    container && {
      id: from.id,
      title: from.title,
      mediaType: from.mediaType || 'application/octet-stream',
      sizeBytes: from.fileSize ?? undefined,
      version: from.version?.number ?? undefined,
      modifiedAt: dateOf(from.version?.createdAt),
      webUrl: attachmentUrl(from.id, container.id, { base: from._links?.base ?? around?.base }),
      container,
    }
  );
}
