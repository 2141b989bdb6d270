import { wasTooMuch } from '../atlassian/failures.ts';
import { ProviderError } from '../errors.ts';
import type { Item, ItemPage, ListOptions } from '../provider.ts';
import type { Ancestors } from './ancestors.ts';
import type { ConfluenceApi, Found, From, Listed, Seat } from './api.ts';
import { hangingIn, hangingOn, withoutContent } from './cql.ts';
import { formatCursor, parseCursor, type Step } from './cursors.ts';
import { attachmentHint } from './hints.ts';
import { toAttachmentItem, toBlogItem, toCommentsItem, type Content } from './items.ts';
import { createItemsOf } from './items-of.ts';
import { formatRef, isDocument, isNode, type Node, type Place } from './refs.ts';

/** Results with bodies that are asked for at first, and the fewest, however large they are. */
const MOST = 250;
const FEWEST = 5;
/** Results and characters of bodies in one page of a listing; the caller may wish for fewer results. */
const PAGE_SIZE = 1000;
const PAGE_CHARACTERS = 16_000_000;
/** Pages and posts in one question for what hangs on them: more would fit into no address. */
const CONTAINERS = 250;

type Wishes = NonNullable<ListOptions['forImport']>;
type Task = { seat: Seat; place: Place; size?: number; wishes: Wishes };
/** One page of a listing, and what is to be listed after it. */
type Part = { items: Item[]; steps: Step[]; deep?: boolean };

/**
 * Lists all that is below a place for an import, in few requests: pages come with their bodies, attachments and comments of many pages at
 * once. What the pages lie in is named by `between`.
 */
export function createImportListing(deps: {
  api: ConfluenceApi;
  ancestors: Ancestors;
}): (task: Task, cursor: string | undefined) => Promise<ItemPage> {
  const { api, ancestors } = deps;
  const itemsOf = createItemsOf(ancestors);

  /** Pages of a space or posts of its blog, several answers together: so most of what pages lie in is known without asking for it. */
  const documents = async (
    { size = PAGE_SIZE }: Task,
    step: Step,
    ask: (from: From) => Promise<Listed<Content>>,
  ): Promise<{ contents: Content[]; steps: Step[] }> => {
    const contents: Content[] = [];
    let { path, limit = Math.min(MOST, size) } = step;
    let characters = 0;
    do {
      const from = path;
      const answer = await withFewer(limit, (fewer) => ask({ path: from, limit: fewer }));
      contents.push(...answer.results);
      [path, limit] = [answer.next, answer.limit];
      for (const { body = '' } of answer.results) characters += body.length;
    } while (path !== undefined && contents.length + limit <= size && characters < PAGE_CHARACTERS);
    return { contents, steps: path === undefined ? [] : [{ ...step, path, limit }] };
  };

  const below = async ({ seat, wishes }: Task, root: Node, step: Step): Promise<Part> => {
    const { path, limit: from = MOST } = step;
    const ask = (fewer: number) => api.below(seat, root, { path, limit: fewer });
    const { results, next, cut, limit } = await withFewer(from, ask);
    const items = await itemsOf(seat, results, root);
    const whole = results.filter(({ id }) => !cut.has(id)).filter(isDocument);
    const steps: Step[] = next === undefined ? [] : [{ ...step, path: next, limit }];
    if (wishes.attachments) steps.unshift(...hanging(whole));
    // Folders are named by what is in them.
    if (cut.size === 0) return { items: items.filter(({ kind }) => kind === 'file'), steps, deep: true };
    // Confluence goes down to a certain level only: from there the caller goes on.
    const marked = items.map((item, at) => ({ ...item, hasChildren: cut.has(results[at]?.id ?? '') }));
    return { items: marked.filter(({ kind, hasChildren }) => kind === 'file' || hasChildren), steps };
  };

  /** Attachments, and one item for the comments of each page that has some. */
  const hangingItems = async ({ seat, place }: Task, found: Found[]): Promise<Item[]> => {
    const hangs = found.filter((one) => one.is !== 'content');
    // Posts of a space's blog are listed with the blog.
    const wanted = hangs.filter(({ on }) => place.kind !== 'space' || on.kind === 'page');
    const nodes = wanted.map(({ on }) => on);
    const trails = await ancestors.trails(seat, nodes, isNode(place) ? place : undefined);
    const items = wanted.flatMap((one): Item[] => {
      const { on } = one;
      const between = trails.get(on.id) ?? [];
      // Of a page that is archived, or that the account may not see.
      if (between.length === 0 && on.id !== place.id) return [];
      if (one.is === 'comment') return [{ ...toCommentsItem(on, one.title, seat), between }];
      const hint = attachmentHint(one.attachment);
      return [{ ...toAttachmentItem(one.attachment, seat), between, hint }];
    });
    return [...new Map(items.map((item) => [item.ref, item])).values()];
  };

  /** Whiteboards and the like, to be named beside what is imported. */
  const others = async ({ seat }: Task, step: Step): Promise<Part> => {
    try {
      const { results, next } = await api.find(seat, step.cql ?? '', { path: step.path, limit: MOST });
      const nodes = results.flatMap((one) => (one.is === 'content' ? [one.node] : []));
      const items = await itemsOf(seat, await ancestors.contents(seat, nodes));
      return { items, steps: goingOn(step, next), deep: true };
    } catch (error) {
      // Not every Confluence knows these kinds of content.
      if (error instanceof ProviderError && error.status === 400) return { items: [], steps: [], deep: true };
      throw error;
    }
  };

  const partOf = async (task: Task, step: Step): Promise<Part> => {
    const { seat, place, wishes } = task;
    switch (step.list) {
      case 'pages': {
        const ask = (from: From) => api.pages(seat, place.id, from);
        const { contents, steps } = await documents(task, step, ask);
        return { items: await itemsOf(seat, contents), steps, deep: true };
      }
      case 'blog': {
        const ask = (from: From) => api.blog(seat, place.id, { ...from, withBodies: true });
        const { contents, steps } = await documents(task, step, ask);
        if (wishes.attachments) steps.unshift(...hanging(contents.filter(isDocument)));
        return { items: await itemsOf(seat, contents), steps, deep: true };
      }
      case 'hanging': {
        const { results, next } = await api.find(seat, step.cql ?? '', { path: step.path, limit: MOST });
        return { items: await hangingItems(task, results), steps: goingOn(step, next), deep: true };
      }
      case 'below':
        return isNode(place) ? below(task, place, step) : { items: [], steps: [] };
      default:
        return others(task, step);
    }
  };

  const firstPart = async (task: Task): Promise<Part> => {
    const { seat, place, wishes } = task;
    if (place.kind !== 'space') {
      const [first, ...later] = firstSteps(task);
      if (!first) return { items: [], steps: [] };
      const { steps, ...part } = await partOf(task, first);
      return { ...part, steps: [...steps, ...later] };
    }
    // The blog is listed as a place of its own.
    const items = [toBlogItem(place.id, seat)];
    const steps: Step[] = [{ list: 'pages' }];
    if (!wishes.attachments) return { items, steps };
    const { key } = await api.space(seat, place.id);
    steps.push({ list: 'hanging', cql: hangingIn(key) }, { list: 'others', cql: withoutContent(key) });
    return { items, steps };
  };

  return async (task, cursor) => {
    const of = formatRef({ ...task.place, cloudId: task.seat.cloudId });
    const [first, ...later] = cursor === undefined ? [] : parseCursor(cursor, of);
    const { items, steps, deep } = first ? await partOf(task, first) : await firstPart(task);
    return { items, next: formatCursor(of, [...steps, ...later]), deep };
  };
}

function firstSteps({ place, wishes }: Task): Step[] {
  if (!isNode(place)) return [{ list: 'blog' }];
  const own = wishes.attachments && isDocument(place) ? hanging([place]) : [];
  return wishes.deep && place.kind !== 'blogpost' ? [...own, { list: 'below' }] : own;
}

const goingOn = (step: Step, path: string | undefined): Step[] => (path === undefined ? [] : [{ ...step, path }]);

/** What hangs on each of these. */
function hanging(on: Node[]): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < on.length; at += CONTAINERS)
    steps.push({ list: 'hanging', cql: hangingOn(on.slice(at, at + CONTAINERS).map(({ id }) => id)) });
  return steps;
}

/** Asks for fewer results as long as the answer was too much at once, and says how many it was at last. */
async function withFewer<T>(most: number, ask: (limit: number) => Promise<T>): Promise<T & { limit: number }> {
  for (let limit = most; ; limit = Math.max(FEWEST, Math.floor(limit / 2)))
    try {
      return { ...(await ask(limit)), limit };
    } catch (error) {
      if (!wasTooMuch(error) || limit <= FEWEST) throw error;
    }
}
