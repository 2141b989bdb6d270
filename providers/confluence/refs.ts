import { CLOUD_ID } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';

/** What stands in the tree of a space; blog posts stand beside it. */
export const CONTENT_KINDS = ['page', 'blogpost', 'folder', 'whiteboard', 'database', 'embed'] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

/** Something in a space by its number. */
export type Node = { kind: ContentKind; id: string };
/** What has a text, and can have attachments and comments. */
export type Document = { kind: 'page' | 'blogpost'; id: string };
/** What can be listed beside sites. `blog`: the blog posts of a space. */
export type Place = Node | { kind: 'space'; id: string } | { kind: 'blog'; id: string };

/**
 * What an item ref says. `cloudId` names the site and is absent in connections by token, which have one site only. Things go by their
 * number, which stays when they are renamed or moved; spaces of a Data Center go by their key, which stays too.
 * - `personal`: the personal spaces of a site
 * - `comments`: all comments of one page or post
 */
export type Ref = { cloudId?: string } & (
  | { kind: 'site' }
  | { kind: 'personal' }
  | Place
  | { kind: 'attachment'; id: string }
  | { kind: 'comments'; on: Document }
);

/** Stands where a ref names no site. */
const NO_CLOUD = '-';
const PLACES = [...CONTENT_KINDS, 'space', 'blog'] as const;
const NUMBER = /^\d{1,20}$/;
const ATTACHMENT = /^(att)?\d{1,20}$/;
/** Of a Data Center; those of personal spaces hold a user's name, whatever that is. */
const SPACE_KEY = /^(?!\.+$)[^\p{Cc}/\\]{1,255}$/u;

/** The same item always gets the same ref, however it was found. */
export function formatRef(ref: Ref): string {
  const parts: string[] = [ref.kind, ref.cloudId ?? NO_CLOUD];
  if (ref.kind === 'comments') parts.push(ref.on.kind, ref.on.id);
  else if ('id' in ref) parts.push(encodeURIComponent(ref.id));
  return parts.join('/');
}

/** Errors: ProviderError `gone` for anything this provider has not made. */
export function parseRef(text: string): Ref {
  const [kind, cloud = '', ...parts] = text.split('/');
  const cloudId = cloud === NO_CLOUD ? undefined : cloud;
  const [first = '', second = ''] = parts;
  if (!CLOUD_ID.test(cloud)) throw gone();
  if ((kind === 'site' || kind === 'personal') && parts.length === 0) return { kind, cloudId };
  if (kind === 'attachment' && parts.length === 1 && ATTACHMENT.test(first)) return { kind, cloudId, id: first };
  if (kind === 'comments' && parts.length === 2 && (first === 'page' || first === 'blogpost') && NUMBER.test(second))
    return { kind, cloudId, on: { kind: first, id: second } };
  const place = PLACES.find((name) => name === kind);
  const id = parts.length === 1 ? decode(first) : undefined;
  const isKey = (place === 'space' || place === 'blog') && cloudId === undefined;
  if (place && id !== undefined && (isKey ? SPACE_KEY : NUMBER).test(id)) return { kind: place, cloudId, id };
  throw gone();
}

export const gone = (): ProviderError =>
  new ProviderError('gone', 'confluence', 'There is no such item in Confluence.');

/** What does not encode back is none of ours. */
function decode(part: string): string | undefined {
  try {
    const id = decodeURIComponent(part);
    return encodeURIComponent(id) === part ? id : undefined;
  } catch {
    return undefined;
  }
}

export const isNode = (place: Place): place is Node => place.kind !== 'space' && place.kind !== 'blog';
export const isDocument = (place: Place): place is Document => place.kind === 'page' || place.kind === 'blogpost';
