import type { Item } from '../../providers/provider.ts';
import type { ListedItem } from '../queue/payloads.ts';

/** Characters of a hint that are worth a place in the queue; what is longer is fetched when its turn comes. */
const MAX_HINT = 600_000;

/** What a listing told of a file, as a job carries it. `parentRef`: the followed folder that it was met in. */
export const listedItem = (item: Item, parentRef: string | undefined): ListedItem => ({
  mediaType: item.mediaType,
  version: item.version,
  webUrl: item.webUrl,
  modifiedAt: item.modifiedAt?.toISOString(),
  address: item.address,
  parentRef,
  hint: item.hint !== undefined && isStorable(item.hint) ? item.hint : undefined,
});

/** Payloads are jsonb, which holds neither NUL nor half a surrogate pair. */
const isStorable = (hint: string): boolean => hint.length <= MAX_HINT && !/[\0\p{Surrogate}]/u.test(hint);
