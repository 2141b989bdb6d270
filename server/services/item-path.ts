import type { Connection, Item, Provider } from '../../providers/provider.ts';

/** Deeper trees show their last levels only. */
const MAX_DEPTH = 20;

/** What an item lies in: a folder, or a file that holds items. */
export type Crumb = Pick<Item, 'ref' | 'name' | 'kind'>;

/** The places above an item, from the root down, the item itself left out. Stops where the account may not look further up. */
export async function ancestorsOf(provider: Provider, connection: Connection, item: Item): Promise<Crumb[]> {
  const trail: Crumb[] = [];
  const seen = new Set([item.ref]);
  let parentRef = item.parentRef;
  while (parentRef !== undefined && !seen.has(parentRef) && trail.length < MAX_DEPTH) {
    seen.add(parentRef);
    let parent: Item;
    try {
      parent = await provider.get(connection, parentRef);
    } catch {
      // A shared file's folder is often not shared itself: the path then starts at the file.
      break;
    }
    trail.unshift({ ref: parent.ref, name: parent.name, kind: parent.kind });
    parentRef = parent.parentRef;
  }
  return trail;
}

/** "My Drive/Policies/Safety.docx" */
export async function pathOf(provider: Provider, connection: Connection, item: Item): Promise<string> {
  const trail = await ancestorsOf(provider, connection, item);
  return [...trail.map(({ name }) => name), item.name].join('/');
}
