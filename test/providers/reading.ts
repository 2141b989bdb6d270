import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Fetch, Item, ItemPage, ListOptions, OpenedFile, Provider } from '../../providers/provider.ts';
import type { Secret } from '../../server/secret.ts';

/** A connection whose fetch sends exactly this token and never refreshes it. */
export function connectionWith(fetch: Fetch, accessToken: Secret, accountId = ''): Connection {
  return {
    integrationId: 'integration-under-test',
    accountId,
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${accessToken.reveal()}`);
      return fetch(input, { ...init, headers });
    },
  };
}

/** All pages of a listing. Fails on an item or a cursor that comes twice. */
export async function pagesOf(
  provider: Provider,
  connection: Connection,
  ref: string,
  options?: ListOptions,
): Promise<ItemPage[]> {
  const pages: ItemPage[] = [];
  const refs = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const page = await provider.list(connection, ref, cursor, options);
    for (const item of page.items) {
      expect(refs.has(item.ref), `${item.name} came twice`).to.equal(false);
      refs.add(item.ref);
    }
    const cursorAgain = pages.some(({ next }) => next !== undefined && next === page.next);
    expect(cursorAgain, 'a cursor came twice').to.equal(false);
    pages.push(page);
    if (page.next === undefined) return pages;
    cursor = page.next;
  }
}

export async function listAll(
  provider: Provider,
  connection: Connection,
  ref: string,
  options?: ListOptions,
): Promise<Item[]> {
  return (await pagesOf(provider, connection, ref, options)).flatMap(({ items }) => items);
}

export type Walked = { roots: Item[]; files: Item[]; folders: Item[]; pages: ItemPage[] };

/** Every file that can be reached, once each, though shortcuts may lead to one by several ways. Files that hold items are places too. */
export async function walk(provider: Provider, connection: Connection): Promise<Walked> {
  const roots = await provider.roots(connection);
  const files = new Map<string, Item>();
  const folders = new Map<string, Item>();
  const pages: ItemPage[] = [];
  const waiting = [...roots];
  for (let folder = waiting.shift(); folder; folder = waiting.shift()) {
    const listed = await pagesOf(provider, connection, folder.ref);
    pages.push(...listed);
    for (const item of listed.flatMap(({ items }) => items)) {
      const known = item.kind === 'folder' ? folders : files;
      if (!known.has(item.ref) && (item.kind === 'folder' || item.hasChildren)) waiting.push(item);
      known.set(item.ref, known.get(item.ref) ?? item);
    }
  }
  return { roots, files: [...files.values()], folders: [...folders.values()], pages };
}

/** What an import of all roots meets: files by ref, and every listing it took. */
export type ImportWalk = { files: Map<string, Item>; listings: { place: Item; pages: ItemPage[] }[] };

/** Lists as an import of everything does: what is below the items of a deep page is not asked for again. */
export async function walkForImport(
  provider: Provider,
  connection: Connection,
  attachments: boolean,
): Promise<ImportWalk> {
  const files = new Map<string, Item>();
  const listings: ImportWalk['listings'] = [];
  const waiting = await provider.roots(connection);
  const places = new Set(waiting.map(({ ref }) => ref));
  for (let place = waiting.shift(); place; place = waiting.shift()) {
    const pages = await pagesOf(provider, connection, place.ref, { forImport: { deep: true, attachments } });
    listings.push({ place, pages });
    for (const { items, deep } of pages)
      for (const item of items) {
        if (item.kind === 'file' && !files.has(item.ref)) files.set(item.ref, item);
        if (deep || places.has(item.ref) || !(item.hasChildren || (item.kind === 'folder' && item.importable)))
          continue;
        places.add(item.ref);
        waiting.push(item);
      }
  }
  return { files, listings };
}

/** The item of that name; fails where there is none. */
export const named = (items: Item[], name: string): Item =>
  items.find((item) => item.name === name) ?? expect.fail(`no ${name}`);

/** Options of an opening that nobody gives up. */
export const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

/** Reads an opened file to its end. */
export async function bytesOf(opened: OpenedFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of opened.stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

/** The ProviderError of a call that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<ProviderError> {
  const outcome: unknown = await promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
  expect(outcome).to.be.instanceOf(ProviderError);
  return outcome as ProviderError;
}
