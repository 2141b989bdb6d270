import type { From, Listed, Seat } from './api.ts';
import { to, V2, type Calls, type Query } from './calls.ts';
import { schemas, toContent, toNode } from './cloud-wire.ts';
import type { Content } from './items.ts';
import { gone, isDocument, type Document, type Node } from './refs.ts';
import { isCurrent } from './v1-wire.ts';

/** Ids that one call takes, and results that one answer has. Source: https://developer.atlassian.com/cloud/confluence/rest/v2/ (2026). */
export const MOST = 250;

/** Pages, posts and what stands between pages, one by one or in lists. */
export type CloudPages = {
  /** A list at `first`. */
  list: (seat: Seat, kind: Document['kind'], first: string, from: From) => Promise<Listed<Content>>;
  /** Of some pages or posts those that there are; `more` goes into each call, which is for at most `limit`. */
  byIds: (seat: Seat, kind: Document['kind'], ids: string[], limit?: number, more?: Query) => Promise<Content[]>;
  content: (seat: Seat, node: Node) => Promise<Content>;
  read: (seat: Seat, document: Document) => Promise<Content>;
};

/** Pages whose bodies one call asks for, where nobody notices that they were too many. */
export const FEW = 50;
export const WITH_BODY: Query = { 'body-format': 'storage' };

export function createCloudPages({ read, page }: Calls): CloudPages {
  const scope = 'read:page:confluence';

  const list: CloudPages['list'] = async (seat, kind, first, from) => {
    const call = { what: 'a list of pages', schema: schemas.pages, scope };
    const { body, next } = await page(seat, first, from, call);
    return { results: body.results.filter(isCurrent).map((one) => toContent(kind, one, body._links)), next };
  };

  const byIds: CloudPages['byIds'] = async (seat, kind, ids, limit = MOST, more = {}) => {
    const found: Content[] = [];
    for (let at = 0; at < ids.length; at += limit) {
      const first = to(`${V2}/${kind}s`, { id: ids.slice(at, at + limit), status: 'current', ...more, limit });
      found.push(...(await list(seat, kind, first, {})).results);
    }
    return found;
  };

  return {
    list,
    byIds,

    async content(seat, node) {
      const { kind, id } = node;
      if (isDocument(node)) {
        const [found] = await byIds(seat, node.kind, [id]);
        if (!found) throw gone();
        return found;
      }
      const call = { what: 'an item', schema: schemas.page, scope: `read:${kind}:confluence` };
      const found = await read(seat, `${V2}/${kind}s/${id}`, call);
      if (!isCurrent(found)) throw gone();
      const { spaceId, parent } = toContent('page', found);
      return toNode(kind, found, { spaceId, parent });
    },

    async read(seat, { kind, id }) {
      const query = { status: 'current', ...WITH_BODY, 'include-labels': 'true' };
      const call = { what: 'a page', schema: schemas.page, scope };
      return toContent(kind, await read(seat, to(`${V2}/${kind}s/${id}`, query), call));
    },
  };
}
