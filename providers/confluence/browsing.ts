import type { ItemPage } from '../provider.ts';
import { foldersFirst } from '../item-order.ts';
import type { ConfluenceApi, From, Listed, Seat } from './api.ts';
import { commentsOn } from './cql.ts';
import { formatCursor, parseCursor, type Step } from './cursors.ts';
import { toAttachmentItem, toBlogItem, toCommentsItem, toContentItem, type Content } from './items.ts';
import { formatRef, gone, isDocument, type Place } from './refs.ts';

/** Lists what is right inside a place as the browser shows it; what hangs on a page comes after its sub-pages. */
export function createBrowsing(
  api: ConfluenceApi,
): (seat: Seat, place: Place, cursor: string | undefined, size: number) => Promise<ItemPage> {
  const childrenOf = (seat: Seat, place: Place, from: From): Promise<Listed<Content>> => {
    if (place.kind === 'space') return api.top(seat, place.id, from);
    if (place.kind === 'blog') return api.blog(seat, place.id, { ...from, withBodies: false });
    return api.children(seat, place, from);
  };

  const pageOf = async (seat: Seat, place: Place, { list, path }: Step, limit: number) => {
    if (list === 'attachments') {
      if (!isDocument(place)) throw gone();
      const [{ results, next }, comments] = await Promise.all([
        api.attachments(seat, place, { path, limit }),
        path === undefined ? api.find(seat, commentsOn(place.id), { limit: 1 }) : { results: [] },
      ]);
      const commented = comments.results.flatMap((one) =>
        one.is === 'comment' ? [toCommentsItem(place, one.title, seat)] : [],
      );
      return { items: [...commented, ...results.map((one) => toAttachmentItem(one, seat))], next };
    }
    const { results, next } = await childrenOf(seat, place, { path, limit });
    const items = results.map((one) => toContentItem(one, seat));
    return {
      items: place.kind === 'space' && path === undefined ? [toBlogItem(place.id, seat), ...items] : items,
      next,
    };
  };

  return async (seat, place, cursor, size) => {
    const of = formatRef({ ...place, cloudId: seat.cloudId });
    const steps = cursor === undefined ? firstSteps(place) : parseCursor(cursor, of);
    const items: ItemPage['items'] = [];
    for (const [at, step] of steps.entries()) {
      const page = await pageOf(seat, place, step, size);
      items.push(...page.items);
      const later = steps.slice(at + 1);
      if (page.next !== undefined)
        return { items: foldersFirst(items), next: formatCursor(of, [{ ...step, path: page.next }, ...later]) };
    }
    return { items: foldersFirst(items) };
  };
}

function firstSteps({ kind }: Place): Step[] {
  const children: Step = { list: 'children' };
  const attachments: Step = { list: 'attachments' };
  if (kind === 'page') return [children, attachments];
  return kind === 'blogpost' ? [attachments] : [children];
}
