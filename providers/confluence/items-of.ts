import type { Item } from '../provider.ts';
import type { Ancestors } from './ancestors.ts';
import type { Seat } from './api.ts';
import { peopleIn } from './documents.ts';
import { documentHint } from './hints.ts';
import { toContentItem, type Content } from './items.ts';
import type { Node } from './refs.ts';

/** Kept with each page: no more than is worth the place. */
const NEAR_PAGES = 250;
const NEAR_PEOPLE = 50;

/** Contents as they are imported: with the way to them, from the top of their space or from below `root`, and their texts as hints. */
export type ItemsOf = (seat: Seat, contents: Content[], root?: Node) => Promise<Item[]>;

export function createItemsOf(ancestors: Ancestors): ItemsOf {
  return async (seat, contents, root) => {
    ancestors.note(seat, contents);
    const parents = contents.flatMap(({ parent }) => parent ?? []);
    const trails = await ancestors.trails(seat, parents, root);
    const near = neighbours(contents);
    const onTop = root ? ((await ancestors.trails(seat, [root])).get(root.id) ?? []) : [];
    return contents.map((content) => {
      const between = trails.get(content.parent?.id ?? '') ?? [];
      const around = { above: [...onTop, ...between], near: near(content) };
      return { ...toContentItem(content, seat), between, hint: documentHint(content, around) };
    });
  };
}

/** Other pages and people that whoever opens a page asks for along with its own. */
function neighbours(contents: Content[]): (content: Content) => { pages: string[]; people: string[] } {
  const groups = new Map<Content, { pages: string[]; people: string[] }>();
  for (let at = 0; at < contents.length; at += NEAR_PAGES) {
    const some = contents.slice(at, at + NEAR_PAGES);
    const pages = some.filter(({ body, labels }) => body !== undefined && labels === undefined).map(({ id }) => id);
    const people = [...new Set(some.flatMap(peopleIn))].slice(0, NEAR_PEOPLE);
    for (const content of some) groups.set(content, { pages, people });
  }
  return (content) => groups.get(content) ?? { pages: [], people: [] };
}
