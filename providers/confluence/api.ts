import type { Connection } from '../provider.ts';
import type { Attachment, Content, Space } from './items.ts';
import type { Document, Node } from './refs.ts';

/** One account, and the site of it that is asked. */
export type Seat = { connection: Connection; cloudId?: string; signal?: AbortSignal };

/** One page of a list. `next`: where it goes on, as a path below the site's base; absent after the last. */
export type Listed<T> = { results: T[]; next?: string };

/** Where a list begins or goes on, and with how many results a page; the vendor's most where that is not said. */
export type From = { path?: string; limit?: number };

/** `author` is a name. */
export type Comment = { author?: string; createdAt?: Date; body: string };

/** What a query in CQL finds. */
export type Found = Edition &
  (
    | { is: 'content'; node: Node }
    | { is: 'attachment'; on: Document; attachment: Attachment }
    | { is: 'comment'; on: Document; title: string }
  );

/** `mark`: the id of a thing, and what changes whenever it does. */
export type Edition = { mark: string; changedAt?: Date };

/**
 * What the hub asks of a Confluence, the same for Cloud and for a Data Center, whose calls have little in common. Current contents only:
 * what is archived, deleted or a draft is never in an answer. Errors: ProviderError.
 */
export type ConfluenceApi = {
  /** Of one kind, or of all. */
  spaces(seat: Seat, from: Pick<From, 'path'> & { kind?: string }): Promise<Listed<Space>>;
  /** Kinds of spaces beside `personal`. */
  sharedKinds: readonly string[];
  space(seat: Seat, id: string): Promise<Space>;
  /** What stands at the top of a space's tree. */
  top(seat: Seat, spaceId: string, from: From): Promise<Listed<Content>>;
  children(seat: Seat, node: Node, from: From): Promise<Listed<Content>>;
  blog(seat: Seat, spaceId: string, from: From & { withBodies: boolean }): Promise<Listed<Content>>;
  /** All pages of a space with their bodies. */
  pages(seat: Seat, spaceId: string, from: From): Promise<Listed<Content>>;
  /**
   * What stands below something at any depth, pages with their bodies. `cut`: ids of those that there may be more below than the list goes
   * down to.
   */
  below(seat: Seat, node: Node, from: From): Promise<Listed<Content> & { cut: Set<string> }>;
  /** Of some pages or posts those that there are; with their bodies, few at once. */
  byIds(seat: Seat, kind: Document['kind'], ids: string[], withBodies?: boolean): Promise<Content[]>;
  /** Pages that lie in the trash, those first that were changed last: as many as one answer brings. */
  trashed(seat: Seat): Promise<Document[]>;
  /** As lists show it. */
  content(seat: Seat, node: Node): Promise<Content>;
  /** With body and labels. */
  read(seat: Seat, document: Document): Promise<Content>;
  attachments(seat: Seat, document: Document, from: From): Promise<Listed<Attachment>>;
  attachment(seat: Seat, id: string): Promise<Attachment>;
  /** Oldest first. */
  comments(seat: Seat, document: Document): Promise<Comment[]>;
  /** What a query in CQL finds; what was changed within the last minutes may be missing. */
  find(seat: Seat, cql: string, from: From): Promise<Listed<Found>>;
  /** Labels of pages and posts, for answers that did not bring them. */
  labels(seat: Seat, ids: string[]): Promise<Map<string, string[]>>;
  /** Names of people by their ids, as far as the account may know them. */
  names(seat: Seat, ids: string[]): Promise<Map<string, string>>;
  /** The answer with the bytes. */
  download(seat: Seat & { signal: AbortSignal }, attachment: Attachment): Promise<Response>;
};
