import pLimit from 'p-limit';
import { ProviderError } from '../errors.ts';
import type { ConfluenceApi, Seat } from './api.ts';
import type { Content } from './items.ts';
import { createMemory } from './memory.ts';
import { isDocument, type Node } from './refs.ts';

/** Ids that one call takes. */
const IDS_AT_ONCE = 250;
const CALLS_AT_ONCE = 4;
/** Confluence's trees are not as deep: what seems to be has a loop in it. */
const MAX_DEPTH = 100;

type Known = { title: string; parent?: Node };

export type Ancestors = {
  /** Keeps what a listing said, so that nobody asks for it again. */
  note(seat: Seat, contents: Content[]): void;
  /** Of some nodes those that there are, and that the account may see. */
  contents(seat: Seat, nodes: Node[]): Promise<Content[]>;
  /**
   * Titles of the way down to each of the nodes, its own last, by its id: from the top of the space, or from below `root`. It begins below
   * what the account may not see, and is empty for a node that it may not see itself. Errors: ProviderError.
   */
  trails(seat: Seat, nodes: Node[], root?: Node): Promise<Map<string, string[]>>;
  /** The same ways with more than their titles. */
  ways(seat: Seat, nodes: Node[], root?: Node): Promise<Map<string, Step[]>>;
};

/** A level on the way down to something. */
export type Step = Node & { title: string };

/** Pages name what they lie in by its id: its title may have come along with them, or with an earlier page of the list, or is asked for. */
export function createAncestors(api: ConfluenceApi): Ancestors {
  const memory = createMemory<Known | 'hidden'>();

  const note: Ancestors['note'] = (seat, contents) => {
    for (const { id, title, parent, ancestors = [] } of contents) {
      memory.set(seat, id, { title: title || 'Untitled', parent });
      for (const [at, above] of ancestors.entries()) {
        const higher = ancestors[at - 1];
        memory.set(seat, above.id, { title: above.title, parent: higher && { kind: 'page', id: higher.id } });
      }
    }
  };

  const contents: Ancestors['contents'] = async (seat, nodes) => {
    const limit = pLimit(CALLS_AT_ONCE);
    const calls: Promise<Content[]>[] = [];
    for (const kind of ['page', 'blogpost'] as const) {
      const ids = nodes.filter((node) => node.kind === kind).map(({ id }) => id);
      for (let at = 0; at < ids.length; at += IDS_AT_ONCE)
        calls.push(limit(() => api.byIds(seat, kind, ids.slice(at, at + IDS_AT_ONCE))));
    }
    for (const node of nodes) if (!isDocument(node)) calls.push(limit(() => ifSeen(seat, node)));
    return (await Promise.all(calls)).flat();
  };

  const ifSeen = async (seat: Seat, node: Node): Promise<Content[]> => {
    try {
      return [await api.content(seat, node)];
    } catch (error) {
      if (error instanceof ProviderError && ['gone', 'denied'].includes(error.kind)) return [];
      throw error;
    }
  };

  const learn = async (seat: Seat, nodes: Node[]): Promise<void> => {
    const unknown = new Map(nodes.filter(({ id }) => !memory.get(seat, id)).map((node) => [node.id, node]));
    if (unknown.size === 0) return;
    note(seat, await contents(seat, [...unknown.values()]));
    for (const id of unknown.keys()) if (!memory.get(seat, id)) memory.set(seat, id, 'hidden');
  };

  const ways: Ancestors['ways'] = async (seat, nodes, root) => {
    const found = nodes.map((node) => ({ id: node.id, steps: [] as Step[], at: node as Node | undefined }));
    // All of them a level up at a time, so that one call serves many.
    for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
      const open = found.flatMap((way) => (way.at && way.at.id !== root?.id ? [{ way, at: way.at }] : []));
      if (open.length === 0) break;
      await learn(
        seat,
        open.map(({ at }) => at),
      );
      for (const { way, at } of open) {
        const known = memory.get(seat, at.id) ?? 'hidden';
        way.at = known === 'hidden' ? undefined : known.parent;
        if (known !== 'hidden') way.steps.unshift({ kind: at.kind, id: at.id, title: known.title });
      }
    }
    return new Map(found.map(({ id, steps }) => [id, steps]));
  };

  return {
    note,
    contents,
    ways,

    async trails(seat, nodes, root) {
      const titles = (steps: Step[]): string[] => steps.map(({ title }) => title);
      return new Map([...(await ways(seat, nodes, root))].map(([id, steps]) => [id, titles(steps)]));
    },
  };
}
