import pLimit from 'p-limit';
import type { AtlassianClient } from '../atlassian/client.ts';
import { pathBelow } from '../atlassian/paging.ts';
import { ProviderError } from '../errors.ts';
import type { ConfluenceApi, From, Listed, Seat } from './api.ts';
import { createCalls, to, V1 } from './calls.ts';
import { withIds } from './cql.ts';
import type { Content } from './items.ts';
import { gone, isDocument, type Document } from './refs.ts';
import {
  CONTENT_PARTS,
  contentSchema,
  FOUND_PARTS,
  foundSchema,
  isCurrent,
  personSchema,
  spaceSchema,
  spacesSchema,
  toAttachment,
  toContent,
  toSpace,
} from './v1-wire.ts';
import type { Links } from './web-urls.ts';

/** A server gives fewer where it is set up so. */
const MOST = 200;
const AT_ONCE = 4;
const WITH_BODY = `${CONTENT_PARTS},body.storage`;

/**
 * A Confluence Data Center by its REST API, which has one version. It knows pages and posts only, and names what they lie in with them.
 * Source: https://developer.atlassian.com/server/confluence/rest/ (2026).
 */
export function createDataCenter(client: AtlassianClient): ConfluenceApi {
  const baseOf = ({ connection: { site }, cloudId }: Seat): string => {
    if (!site || cloudId !== undefined) throw gone();
    return site.url;
  };
  const { read, page, searchAll, find, comments } = createCalls(client, baseOf, `${V1}/content/search`);

  /** Single things do not say the address that they are below. */
  const around = (seat: Seat): Links => ({ base: baseOf(seat) });

  const contentsAt = async (
    seat: Seat,
    kind: Document['kind'],
    first: string,
    from: From,
  ): Promise<Listed<Content>> => {
    const { body, next } = await page(seat, first, from, { what: 'a list of pages', schema: foundSchema });
    return { results: body.results.filter(isCurrent).map((one) => toContent(one, kind, around(seat))), next };
  };

  const inSpace = (
    seat: Seat,
    kind: Document['kind'],
    key: string,
    more: { depth?: string; expand: string; from: From },
  ) => {
    const { depth, expand, from } = more;
    const first = to(`${V1}/space/${encodeURIComponent(key)}/content/${kind}`, { depth, expand, limit: from.limit });
    return contentsAt(seat, kind, first, from);
  };

  const one = async (seat: Seat, { kind, id }: Document, expand: string): Promise<Content> => {
    const call = { what: 'a page', schema: contentSchema };
    const found = await read(seat, to(`${V1}/content/${id}`, { expand }), call);
    if (found.type !== kind || !isCurrent(found)) throw gone();
    return toContent(found, kind, around(seat));
  };

  const nameOf = async (seat: Seat, key: string): Promise<[string, string][]> => {
    try {
      const { displayName } = await read(seat, to(`${V1}/user`, { key }), { what: 'a person', schema: personSchema });
      return displayName ? [[key, displayName]] : [];
    } catch (error) {
      if (error instanceof ProviderError && ['gone', 'denied', 'bad_response'].includes(error.kind)) return [];
      throw error;
    }
  };

  return {
    sharedKinds: ['global'],

    async spaces(seat, { kind, path }) {
      const first = to(`${V1}/space`, { type: kind, status: 'current', limit: MOST });
      const { body, next } = await page(seat, first, { path }, { what: 'a list of spaces', schema: spacesSchema });
      return { results: body.results.map((space) => toSpace(space, around(seat))), next };
    },

    async space(seat, key) {
      const call = { what: 'a space', schema: spaceSchema };
      return toSpace(await read(seat, `${V1}/space/${encodeURIComponent(key)}`, call), around(seat));
    },

    top: (seat, key, from) => inSpace(seat, 'page', key, { depth: 'root', expand: CONTENT_PARTS, from }),
    pages: (seat, key, from) => inSpace(seat, 'page', key, { depth: 'all', expand: WITH_BODY, from }),
    blog: (seat, key, { withBodies, ...from }) =>
      inSpace(seat, 'blogpost', key, { expand: withBodies ? WITH_BODY : CONTENT_PARTS, from }),

    async children(seat, { kind, id }, from) {
      if (kind !== 'page') throw gone();
      const first = to(`${V1}/content/${id}/child/page`, { expand: CONTENT_PARTS, limit: from.limit });
      return contentsAt(seat, 'page', first, from);
    },

    async below(seat, { kind, id }, from) {
      if (kind !== 'page') throw gone();
      const cql = `type = page and ancestor = ${id}`;
      const first = to(`${V1}/content/search`, { cql, expand: WITH_BODY, limit: from.limit });
      return { ...(await contentsAt(seat, 'page', first, from)), cut: new Set() };
    },

    async byIds(seat, kind, ids, withBodies = false) {
      if (ids.length === 0) return [];
      const cql = `type = ${kind} and ${withIds(ids)}`;
      const found = await searchAll(seat, { cql, expand: withBodies ? WITH_BODY : CONTENT_PARTS, limit: MOST });
      return found.map((one) => toContent(one, kind, around(seat)));
    },

    async content(seat, node) {
      if (!isDocument(node)) throw gone();
      return one(seat, node, CONTENT_PARTS);
    },

    // The trash can be listed by space only.
    trashed: async () => [],

    read: (seat, document) => one(seat, document, WITH_BODY),

    async attachments(seat, on, from) {
      const first = to(`${V1}/content/${on.id}/child/attachment`, { expand: FOUND_PARTS, limit: from.limit });
      const { body, next } = await page(seat, first, from, { what: 'a list of attachments', schema: foundSchema });
      const attachments = body.results.filter(isCurrent).map((one) => toAttachment(one, around(seat), on));
      return { results: attachments.filter((one) => one !== undefined), next };
    },

    async attachment(seat, id) {
      const call = { what: 'an attachment', schema: contentSchema };
      const found = await read(seat, to(`${V1}/content/${id}`, { expand: FOUND_PARTS }), call);
      const attachment = isCurrent(found) ? toAttachment(found, around(seat)) : undefined;
      if (found.type !== 'attachment' || !attachment) throw gone();
      return attachment;
    },

    find,
    comments,

    // They come with pages and posts.
    labels: async () => new Map(),

    async names(seat, keys) {
      const limit = pLimit(AT_ONCE);
      return new Map((await Promise.all(keys.map((key) => limit(() => nameOf(seat, key))))).flat());
    },

    async download(seat, { download = '' }) {
      const base = baseOf(seat);
      const path = pathBelow(base, download);
      if (path === undefined) throw client.failures.badResponse('an attachment', '_links.download');
      return client.download(seat.connection, base + path, { signal: seat.signal });
    },
  };
}
