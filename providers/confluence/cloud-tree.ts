import pLimit from 'p-limit';
import { ProviderError } from '../errors.ts';
import type { ConfluenceApi, Seat } from './api.ts';
import { to, V2, type Calls } from './calls.ts';
import { MOST, WITH_BODY, type CloudPages } from './cloud-pages.ts';
import { schemas, toNode, type Descendant } from './cloud-wire.ts';
import { besidePages } from './cql.ts';
import type { Content } from './items.ts';
import type { ContentKind, Node } from './refs.ts';
import { isCurrent, kindOf } from './v1-wire.ts';

/** Levels that one call goes down. Source: https://developer.atlassian.com/cloud/confluence/rest/v2/ (2026). */
const DEEPEST = 10;
const AT_ONCE = 6;
const SCOPE = 'read:hierarchical-content:confluence';

/** The tree of a space, in which pages lie below pages, in folders, and below whiteboards and their like. */
export function createCloudTree(
  { page, searchAll }: Calls,
  pages: CloudPages,
  space: ConfluenceApi['space'],
): Pick<ConfluenceApi, 'top' | 'children' | 'below'> {
  const nodeIfThere = async (seat: Seat, node: Node): Promise<Content[]> => {
    try {
      return [await pages.content(seat, node)];
    } catch (error) {
      // Searches and long lists lag behind.
      if (error instanceof ProviderError && error.kind === 'gone') return [];
      throw error;
    }
  };

  /** Lists of pages leave out folders and their like at the top of a space. */
  const besidesAtTop = async (seat: Seat, spaceId: string): Promise<Content[]> => {
    const { key } = await space(seat, spaceId);
    const found = await searchAll(seat, { cql: besidePages(key), expand: 'ancestors', limit: MOST });
    const nodes = found.flatMap(({ id, type, ancestors }) => {
      const kind = kindOf(type);
      return kind && !ancestors?.length ? [{ kind, id }] : [];
    });
    const limit = pLimit(AT_ONCE);
    const contents = await Promise.all(nodes.map((node) => limit(() => nodeIfThere(seat, node))));
    // The search may not name all that something lies in.
    return contents.flat().filter(({ parent }) => !parent);
  };

  /** Lists of the tree say little of pages: they are read again, many at once; those that are gone meanwhile are left out. */
  const completed = async (
    seat: Seat,
    nodes: Content[],
    ...more: [limit?: number, query?: typeof WITH_BODY]
  ): Promise<Content[]> => {
    const ids = nodes.filter(({ kind }) => kind === 'page').map(({ id }) => id);
    const known = new Map((await pages.byIds(seat, 'page', ids, ...more)).map((content) => [content.id, content]));
    return nodes.flatMap((node) => (node.kind === 'page' ? (known.get(node.id) ?? []) : node));
  };

  /** What is below names its parent by its id alone. Pages are read again, and so is what lies in something unknown. */
  const nodesBelow = async (seat: Seat, root: Node, found: Descendant[]): Promise<Content[]> => {
    const kinds = new Map<string, ContentKind | undefined>(found.map(({ id, type }) => [id, kindOf(type)]));
    kinds.set(root.id, root.kind);
    const nodes = found.map(async ({ id, type, title, parentId }) => {
      const kind = kindOf(type);
      const parentKind = kinds.get(parentId ?? '');
      if (!kind) return [];
      if (parentId && parentKind) return [toNode(kind, { id, title }, { parent: { kind: parentKind, id: parentId } })];
      return kind === 'page' ? [toNode(kind, { id, title }, {})] : nodeIfThere(seat, { kind, id });
    });
    return (await Promise.all(nodes)).flat();
  };

  return {
    async top(seat, spaceId, from) {
      const query = { depth: 'root', status: 'current', limit: from.limit };
      const first = to(`${V2}/spaces/${encodeURIComponent(spaceId)}/pages`, query);
      const { results, next } = await pages.list(seat, 'page', first, from);
      const besides = from.path === undefined ? await besidesAtTop(seat, spaceId) : [];
      return { results: [...besides, ...results], next };
    },

    async children(seat, parent, from) {
      const call = { what: 'a list of items', schema: schemas.children, scope: SCOPE };
      const first = to(`${V2}/${parent.kind}s/${parent.id}/direct-children`, { limit: from.limit });
      const { body, next } = await page(seat, first, from, call);
      const nodes = body.results.filter(isCurrent).flatMap((one) => {
        const kind = kindOf(one.type);
        return kind ? [toNode(kind, one, { spaceId: one.spaceId ?? undefined, parent })] : [];
      });
      return { results: await completed(seat, nodes), next };
    },

    async below(seat, root, { path, limit }) {
      const call = { what: 'a list of items', schema: schemas.descendants, scope: SCOPE };
      const first = to(`${V2}/${root.kind}s/${root.id}/descendants`, { depth: DEEPEST, limit: MOST });
      const { body, next } = await page(seat, first, { path }, call);
      const found = body.results.filter(isCurrent);
      const results = await completed(seat, await nodesBelow(seat, root, found), limit, WITH_BODY);
      const lowest = found.filter(({ depth }) => (depth ?? 0) >= DEEPEST);
      return { results, next, cut: new Set(lowest.map(({ id }) => id)) };
    },
  };
}
