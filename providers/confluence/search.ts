import { z } from 'zod';
import { CLOUD_ID, type Sites } from '../atlassian/sites.ts';
import { parseJson } from '../json.ts';
import type { Connection, Item, ItemPage } from '../provider.ts';
import type { Ancestors } from './ancestors.ts';
import type { ConfluenceApi } from './api.ts';
import { saying } from './cql.ts';
import { staleCursor } from './cursors.ts';
import { toAttachmentItem, toContentItem } from './items.ts';

const HITS = 25;
/** Stands for the one site of a connection by token, which has no id. */
const ONLY = '-';

/** Which site is searched, and where the search goes on. */
const place = z.object({ site: z.string().regex(CLOUD_ID), path: z.string().startsWith('/').optional() });

/** Search through titles and texts, one site after the other. */
export function createSearch(deps: {
  api: ConfluenceApi;
  ancestors: Ancestors;
  sites: Sites;
}): (connection: Connection, query: string, cursor?: string) => Promise<ItemPage> {
  const { api, ancestors, sites } = deps;

  return async (connection, query, cursor) => {
    const cql = saying(query);
    if (cql === undefined) return { items: [], next: undefined };
    const keys = connection.site ? [ONLY] : (await sites.list(connection)).map(({ cloudId }) => cloudId);
    const at = cursor === undefined ? { site: keys[0] ?? ONLY } : parsePlace(cursor);
    if (!keys.includes(at.site)) throw staleCursor();
    const seat = { connection, cloudId: at.site === ONLY ? undefined : at.site };

    const { results, next } = await api.find(seat, cql, { path: at.path, limit: HITS });
    const nodes = results.flatMap((one) => (one.is === 'content' ? [one.node] : []));
    // What is found says too little of itself.
    const contents = new Map((await ancestors.contents(seat, nodes)).map((content) => [content.id, content]));
    const items = results.flatMap((one): Item[] => {
      if (one.is === 'attachment') return [toAttachmentItem(one.attachment, seat)];
      const content = one.is === 'content' ? contents.get(one.node.id) : undefined;
      return content ? [toContentItem(content, seat)] : [];
    });
    const site = next === undefined ? keys[keys.indexOf(at.site) + 1] : at.site;
    return { items, next: site === undefined ? undefined : formatPlace({ site, path: next }) };
  };
}

const formatPlace = (at: z.infer<typeof place>): string => Buffer.from(JSON.stringify(at)).toString('base64url');

/** Errors: ProviderError `cursor_expired` for anything but a place in a search. */
function parsePlace(cursor: string): z.infer<typeof place> {
  const at = place.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString())).data;
  if (!at) throw staleCursor();
  return at;
}
