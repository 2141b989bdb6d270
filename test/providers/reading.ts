import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Fetch, Item, ItemPage, OpenedFile, Provider } from '../../providers/provider.ts';
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
export async function pagesOf(provider: Provider, connection: Connection, ref: string): Promise<ItemPage[]> {
  const pages: ItemPage[] = [];
  const refs = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const page = await provider.list(connection, ref, cursor);
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

export async function listAll(provider: Provider, connection: Connection, ref: string): Promise<Item[]> {
  return (await pagesOf(provider, connection, ref)).flatMap(({ items }) => items);
}

export type Walked = { roots: Item[]; files: Item[]; folders: Item[]; pages: ItemPage[] };

/** Every file that can be reached, once each, though shortcuts may lead to one by several ways. */
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
      if (!known.has(item.ref) && item.kind === 'folder') waiting.push(item);
      known.set(item.ref, known.get(item.ref) ?? item);
    }
  }
  return { roots, files: [...files.values()], folders: [...folders.values()], pages };
}

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
