import type { Item } from '../../providers/provider.ts';
import { paths } from '../paths.ts';
import { isPlace } from '../services/browse-service.ts';
import type { Crumb } from '../services/item-path.ts';
import { iconOf } from './browse-rows.ts';
import type { BrowseFailure, TreeBranch, TreeNode } from './browse-views.ts';

type Listing = { items: Item[]; next?: string };

/** The places among what an account's folder holds (its roots where `ref` is undefined), and where there are more of them. */
export function toBranch(integrationId: string, ref: string | undefined, { items, next }: Listing): TreeBranch {
  const nodes = items.filter(isPlace).map((item) => toNode(integrationId, item));
  return {
    nodes,
    more:
      next === undefined
        ? undefined
        : { href: paths.browse({ integration: integrationId, ref, cursor: next }), label: 'More of this folder' },
    isEmpty: nodes.length === 0 && next === undefined,
  };
}

/** A branch that could not be listed. */
export const failedBranch = (failure: BrowseFailure): TreeBranch => ({ nodes: [], failure, isEmpty: false });

const toNode = (integrationId: string, item: Pick<Item, 'ref' | 'name' | 'kind' | 'hasChildren'>): TreeNode => ({
  name: item.name,
  href: paths.browse({ integration: integrationId, ref: item.ref }),
  icon: iconOf(item),
});

/**
 * The way from an account down to the place that is shown, with what that place holds. The levels on the way show the way alone: all that is
 * beside it is a link away.
 */
export function trailBranch(
  integrationId: string,
  trail: Crumb[],
  below: TreeBranch | undefined,
  above?: Crumb,
): TreeBranch | undefined {
  const [first, ...rest] = trail;
  if (!first) return below;
  const node = toNode(integrationId, { ...first, hasChildren: true });
  return {
    nodes: [
      {
        ...node,
        current: rest.length === 0,
        isLeaf: rest.length === 0 && below?.isEmpty,
        below: rest.length === 0 && below?.isEmpty ? undefined : trailBranch(integrationId, rest, below, first),
      },
    ],
    whole: {
      href: paths.browse({ integration: integrationId, ref: above?.ref }),
      label: above ? `All of ${above.name}` : 'All of this account',
    },
    isEmpty: false,
  };
}
