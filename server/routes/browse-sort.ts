import type { Item } from '../../providers/provider.ts';
import { paths } from '../paths.ts';
import type { Place } from './browse-place.ts';
import type { SortHeads } from './browse-views.ts';

const SORTS = ['name', 'size', 'modified'] as const;
type SortBy = (typeof SORTS)[number];
type Order = { by: SortBy; descending: boolean };

/** What `sort` in an address asks for: "name", or "-name" for the other way round. Undefined: the vendor's own order. */
export function orderOf(sort: string | undefined): Order | undefined {
  const by = SORTS.find((known) => known === sort?.replace(/^-/, ''));
  return by && { by, descending: sort?.startsWith('-') ?? false };
}

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Folders first; what the vendor does not tell of an item puts it last, whichever way the rest goes. */
export function sortItems<T extends Item>(items: T[], sort: string | undefined): T[] {
  const order = orderOf(sort);
  if (!order) return items;
  const { by, descending } = order;
  const valueOf = ({ sizeBytes, modifiedAt, kind }: Item): number | undefined => {
    if (by === 'size') return kind === 'folder' ? undefined : sizeBytes;
    return modifiedAt?.getTime();
  };
  const turn = descending ? -1 : 1;
  return items.toSorted((a, b) => {
    if (a.kind !== b.kind) return a.kind === 'folder' ? -1 : 1;
    const names = byName.compare(a.name, b.name);
    if (by === 'name') return turn * names;
    const [left, right] = [valueOf(a), valueOf(b)];
    if (left === right) return names;
    if (left === undefined) return 1;
    if (right === undefined) return -1;
    return turn * (left - right);
  });
}

/** The links in the table's head: a column sorts the way people first want it, and the other way when it is followed again. */
export function sortHeads(place: Place): SortHeads {
  const order = orderOf(place.sort);
  const head = (by: SortBy) => {
    const isSorted = order?.by === by;
    const descending = isSorted ? !order.descending : by !== 'name';
    return {
      href: paths.browse({ ...place, sort: descending ? `-${by}` : by }),
      sorted: isSorted ? (order.descending ? ('descending' as const) : ('ascending' as const)) : undefined,
    };
  };
  return { name: head('name'), size: head('size'), modified: head('modified') };
}
