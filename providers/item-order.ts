import type { Item } from './provider.ts';

const names = new Intl.Collator('en', { numeric: true });

/** As people read names: "Paper 9" before "Paper 10". */
export const byName = (items: Item[]): Item[] => [...items].sort((a, b) => names.compare(a.name, b.name));

/** Folders before files, each in the order they came. */
export const foldersFirst = (items: Item[]): Item[] => [
  ...items.filter(({ kind }) => kind === 'folder'),
  ...items.filter(({ kind }) => kind === 'file'),
];
