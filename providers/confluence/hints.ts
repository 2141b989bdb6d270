import { z } from 'zod';
import { parseJson } from '../json.ts';
import type { Attachment, Content } from './items.ts';
import { isDocument } from './refs.ts';

/** Longer bodies are fetched when their turn comes, rather than kept until then. */
const MAX_BYTES = 262_144;

const text = z.string().optional();
const number = z.number().int().optional();
const texts = z.array(z.string());
const documentSchema = z.object({
  id: z.string(),
  title: z.string(),
  spaceId: text,
  version: number,
  author: z.object({ id: text, name: text }).optional(),
  labels: texts.optional(),
  body: z.string(),
  /** Titles of what it lies in, from the top of the space down. */
  above: texts,
  /** What other pages of the same answer will be asked for: their ids, and those of people in them. */
  near: z.object({ pages: texts, people: texts }),
});
const attachmentSchema = z.object({
  id: z.string(),
  title: z.string(),
  mediaType: z.string(),
  sizeBytes: number,
  version: number,
  container: z.object({ kind: z.enum(['page', 'blogpost']), id: z.string().regex(/^\d+$/) }),
  download: text,
});

/** What a listing said of a page or post. */
export type ListedDocument = z.infer<typeof documentSchema>;
type ListedAttachment = z.infer<typeof attachmentSchema>;

/** Undefined where the listing brought no body, or a long one. */
export function documentHint(from: Content, around: Pick<ListedDocument, 'above' | 'near'>): string | undefined {
  const { id, title, spaceId, version, author, labels, body } = from;
  if (!isDocument(from) || body === undefined || Buffer.byteLength(body) > MAX_BYTES) return undefined;
  return JSON.stringify({ id, title, spaceId, version, author, labels, body, ...around } satisfies ListedDocument);
}

export function attachmentHint({ id, title, mediaType, sizeBytes, version, container, download }: Attachment): string {
  return JSON.stringify({ id, title, mediaType, sizeBytes, version, container, download } satisfies ListedAttachment);
}

/** Undefined for what is no hint of ours, or not for this id. */
export const listedDocument = (id: string, hint?: string): ListedDocument | undefined =>
  parse(documentSchema, id, hint);
export const listedAttachment = (id: string, hint?: string): ListedAttachment | undefined =>
  parse(attachmentSchema, id, hint);

function parse<T extends { id: string }>(schema: z.ZodType<T>, id: string, hint?: string): T | undefined {
  const listed = hint === undefined ? undefined : schema.safeParse(parseJson(hint)).data;
  return listed?.id === id ? listed : undefined;
}
