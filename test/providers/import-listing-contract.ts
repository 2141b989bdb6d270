import { expect } from 'chai';
import type { Connection, Item, Provider } from '../../providers/provider.ts';
import { bytesOf, listAll, pagesOf, walkForImport, type ImportWalk, type Walked } from './reading.ts';

/** Opened twice each: with their hint and without. */
const SOME = 12;

type Subject = { provider: Provider; connection: Connection; everything: () => Promise<Walked> };

/** What a listing for an import promises, whether a service lists one place at a time or all at once. */
export function describeImportListing(subject: () => Subject): void {
  describe('listing for an import', () => {
    const walks = new Map<boolean, Promise<ImportWalk>>();
    const walkWith = (attachments: boolean): Promise<ImportWalk> => {
      const { provider, connection } = subject();
      const known = walks.get(attachments) ?? walkForImport(provider, connection, attachments);
      walks.set(attachments, known);
      return known;
    };
    const holders = async (): Promise<Item[]> =>
      (await subject().everything()).files.filter(({ hasChildren }) => hasChildren).slice(0, SOME);
    const refsOf = (items: Iterable<Item>): string[] => [...items].map(({ ref }) => ref).sort();

    it('meets every file that the browser shows, and no other', async () => {
      const { files } = await subject().everything();
      expect(refsOf((await walkWith(true)).files.values())).to.deep.equal(refsOf(files));
    });

    it('describes a file as the browser does, but for the hint and the way to it', async () => {
      const { files } = await subject().everything();
      const met = (await walkWith(true)).files;
      const plain = (item: Item | undefined) => ({ ...item, hint: undefined, between: undefined });
      for (const file of files) expect(plain(met.get(file.ref)), file.name).to.deep.equal(plain(file));
    });

    it('names the levels that a listing skips, outermost first', async () => {
      const { roots, folders, files } = await subject().everything();
      const known = new Map([...roots, ...folders, ...files].map((item) => [item.ref, item]));
      for (const { place, pages } of (await walkWith(true)).listings)
        for (const { items, deep } of pages)
          for (const item of items) {
            const names: string[] = [];
            for (
              let ref = item.parentRef;
              deep && ref !== undefined && ref !== place.ref;
              ref = known.get(ref)?.parentRef
            )
              names.unshift(known.get(ref)?.name ?? `unknown ${ref}`);
            expect(item.between ?? [], item.name).to.deep.equal(names);
          }
    });

    it('brings what hangs on files when it is asked for, and only then', async () => {
      const { provider, connection } = subject();
      const all = new Set((await walkWith(true)).files.keys());
      const plain = new Set((await walkWith(false)).files.keys());
      expect([...plain].filter((ref) => !all.has(ref))).to.deep.equal([]);
      const offered = provider.definition.importChoices?.includes('attachments') ?? false;
      expect(plain.size < all.size, 'attachments are met').to.equal(offered);
      for (const { ref, name } of await holders()) {
        const listed = (deep: boolean, attachments: boolean) =>
          listAll(provider, connection, ref, { forImport: { deep, attachments } });
        expect(await listed(false, false), name).to.deep.equal([]);
        expect(
          (await listed(false, true)).filter((item) => plain.has(item.ref)),
          name,
        ).to.deep.equal([]);
        expect(
          (await listed(true, false)).filter((item) => !plain.has(item.ref) && item.kind === 'file' && item.importable),
          name,
        ).to.deep.equal([]);
      }
    });

    it('never lists a file that holds items among them', async () => {
      const { provider, connection } = subject();
      for (const { ref, name } of await holders()) {
        const listed = [await listAll(provider, connection, ref)];
        for (const deep of [false, true])
          for (const attachments of [false, true])
            listed.push(await listAll(provider, connection, ref, { forImport: { deep, attachments } }));
        expect(refsOf(listed.flat()), name).not.to.include(ref);
      }
    });

    it('lists only what is right inside a folder when no more is wanted', async () => {
      const { provider, connection, everything } = subject();
      const { roots, folders } = await everything();
      for (const folder of [...roots, ...folders].slice(0, SOME)) {
        const pages = await pagesOf(provider, connection, folder.ref, {
          forImport: { deep: false, attachments: false },
        });
        expect(
          pages.some(({ deep }) => deep),
          folder.name,
        ).to.equal(false);
        const shown = await listAll(provider, connection, folder.ref);
        expect(refsOf(pages.flatMap(({ items }) => items)), folder.name).to.deep.equal(refsOf(shown));
      }
    });

    it('opens a file the same way with the hint of a listing for an import and without', async () => {
      const { provider, connection } = subject();
      const hinted = [...(await walkWith(true)).files.values()].filter(
        ({ importable, hint, name }) => importable && hint !== undefined && !/dangling/i.test(name),
      );
      for (const { ref, name, hint } of hinted.slice(0, SOME)) {
        const read = async (given?: string) => {
          const opened = await provider.open(connection, ref, { signal: new AbortController().signal, hint: given });
          const { stream: _, ...told } = opened;
          return { ...told, text: (await bytesOf(opened)).toString('latin1') };
        };
        expect(await read(hint), name).to.deep.equal(await read());
      }
    });
  });
}
