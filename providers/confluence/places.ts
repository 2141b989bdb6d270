import type { Sites } from '../atlassian/sites.ts';
import { byName } from '../item-order.ts';
import type { Connection, Item, ItemPage } from '../provider.ts';
import type { ConfluenceApi, Seat } from './api.ts';
import { formatCursor, parseCursor, type Step } from './cursors.ts';
import { toPersonalItem, toSiteItem, toSpaceItem, type Space } from './items.ts';
import { createMemory } from './memory.ts';
import { formatRef, gone } from './refs.ts';

/** Spaces that become roots, and calls for them; where there are more, one root leads to all. */
const MOST_ROOTS = 1000;
const MOST_CALLS = 12;

/** Sites and spaces. */
export type Places = {
  roots(connection: Connection): Promise<Item[]>;
  /** The spaces of a site, or its personal ones. */
  list(seat: Seat, which: 'site' | 'personal', cursor?: string): Promise<ItemPage>;
  site(seat: Seat): Promise<Item>;
  personal(seat: Seat): Promise<Item>;
  space(seat: Seat, id: string): Promise<Item>;
  /** Asked for once in a while. */
  nameOf(seat: Seat, spaceId: string): Promise<string>;
};

export function createPlaces(api: ConfluenceApi, sites: Sites): Places {
  const names = createMemory<string>();

  const next = async (seat: Seat, [step, ...later]: Step[]): Promise<{ spaces: Space[]; steps: Step[] }> => {
    const { results, next: path } = await api.spaces(seat, { kind: step?.kind, path: step?.path });
    for (const { id, name } of results) names.set(seat, id, name);
    return { spaces: results, steps: [...(step && path !== undefined ? [{ ...step, path }] : []), ...later] };
  };

  /** Spaces that are not personal, all at once where the site is small. In a large one the personal ones would hide them: kind by kind. */
  const shared = async (seat: Seat, steps?: Step[]): Promise<{ spaces: Space[]; steps: Step[] }> => {
    if (steps) return next(seat, steps);
    const all = await next(seat, [{ list: 'spaces' }]);
    if (all.steps.length > 0) return next(seat, ofKinds(api.sharedKinds));
    return { spaces: all.spaces.filter(({ isPersonal }) => !isPersonal), steps: [] };
  };

  /** Ref of the site that spaces lie in: the browser shows sites only where there are several. */
  const siteRefOf = async ({ connection, cloudId }: Seat): Promise<string | undefined> =>
    connection.site || (await sites.list(connection)).length === 1 ? undefined : formatRef({ kind: 'site', cloudId });

  const all = (seat: Seat): Item => toSiteItem({ cloudId: seat.cloudId, name: 'All spaces' });

  const one = async (seat: Seat, id: string): Promise<Space> => {
    const space = await api.space(seat, id);
    names.set(seat, id, space.name);
    return space;
  };

  return {
    async roots(connection) {
      const found = connection.site ? [] : await sites.list(connection);
      if (found.length > 1) return found.map(toSiteItem);
      const seat = { connection, cloudId: found[0]?.cloudId };
      let { spaces, steps } = await shared(seat);
      for (let calls = 1; steps.length > 0 && spaces.length < MOST_ROOTS && calls < MOST_CALLS; calls += 1) {
        const more = await shared(seat, steps);
        [spaces, steps] = [[...spaces, ...more.spaces], more.steps];
      }
      const items = byName(spaces.map((space) => toSpaceItem(space, seat)));
      return [...items, toPersonalItem(seat), ...(steps.length === 0 ? [] : [all(seat)])];
    },

    async list(seat, which, cursor) {
      const ref = formatRef({ kind: which, cloudId: seat.cloudId });
      const known = cursor === undefined ? undefined : parseCursor(cursor, ref);
      const siteRef = await siteRefOf(seat);
      const { spaces, steps } =
        which === 'site' ? await shared(seat, known) : await next(seat, known ?? ofKinds(['personal']));
      const items = byName(spaces.map((space) => toSpaceItem(space, seat, siteRef)));
      return {
        items: which === 'site' && !known ? [toPersonalItem(seat, siteRef), ...items] : items,
        next: formatCursor(ref, steps),
      };
    },

    async site(seat) {
      const { connection, cloudId } = seat;
      if (connection.site) return all(seat);
      const found = await sites.list(connection);
      const site = found.find((candidate) => candidate.cloudId === cloudId);
      if (!site) throw gone();
      return found.length === 1 ? all(seat) : toSiteItem(site);
    },

    personal: async (seat) => toPersonalItem(seat, await siteRefOf(seat)),

    async space(seat, id) {
      const siteRef = await siteRefOf(seat);
      return toSpaceItem(await one(seat, id), seat, siteRef);
    },

    nameOf: async (seat, spaceId) => names.get(seat, spaceId) ?? (await one(seat, spaceId)).name,
  };
}

const ofKinds = (kinds: readonly string[]): Step[] => kinds.map((kind) => ({ list: 'spaces', kind }));
