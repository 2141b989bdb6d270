import type { Item } from '../../providers/provider.ts';
import { refusalByName } from '../pipeline/detect.ts';
import { tooLarge } from '../pipeline/spool.ts';
import type { LeftOut } from './import-filters.ts';
import { whyNotFetched } from './import-listings.ts';

/** What of the files found would become of an import. `files` is the sum of `importable`, `unchanged`, `filtered` and the counts of `unsupported`. */
export type Tally = {
  files: number;
  /** Sizes of all files, as far as the vendors tell them. */
  bytes: number;
  importable: number;
  /** Likewise, of what would be fetched. */
  importableBytes: number;
  /** How many of what would be fetched have a size that is not known before. */
  sizeUnknown: number;
  /** Imported before, and the same since. */
  unchanged: number;
  filtered: number;
  /** What cannot be imported, most frequent reasons first. */
  unsupported: { reason: string; count: number }[];
};

/** Counts items, each once, however often it is met. */
export type TallyBook = {
  add(item: Item, known: { leftOut: LeftOut; storedVersion?: string }): void;
  sum(): Tally;
};

export function createTallyBook(limits: { maxFileBytes: number }): TallyBook {
  const seen = new Set<string>();
  const reasons = new Map<string, number>();
  const figures = { files: 0, bytes: 0, importable: 0, importableBytes: 0, sizeUnknown: 0, unchanged: 0, filtered: 0 };
  const refuse = (reason: string): void => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1);

  return {
    add(item, { leftOut, storedVersion }) {
      if (seen.has(item.ref)) return;
      seen.add(item.ref);
      const { sizeBytes, version } = item;
      figures.files++;
      figures.bytes += sizeBytes ?? 0;
      const without = whyNotFetched(item, leftOut);
      if (without?.code === 'filtered') figures.filtered++;
      else if (without) refuse(without.reason);
      else if (version !== undefined && version === storedVersion) figures.unchanged++;
      else {
        const refusal = foreseenRefusal(item, limits.maxFileBytes);
        if (refusal !== undefined) return refuse(refusal);
        figures.importable++;
        figures.importableBytes += sizeBytes ?? 0;
        if (sizeBytes === undefined) figures.sizeUnknown++;
      }
    },
    sum: () => ({ ...figures, unsupported: toList(reasons) }),
  };
}

/** Why a file will not be imported, as far as a listing tells. Where the vendor makes the file, its name is not that of the item. */
function foreseenRefusal({ name, mediaType, sizeBytes }: Item, maxFileBytes: number): string | undefined {
  if (sizeBytes !== undefined && sizeBytes > maxFileBytes) return tooLarge(maxFileBytes).message;
  if (sizeBytes === 0) return 'The file is empty.';
  return refusalByName(sizeBytes === undefined ? '' : name, mediaType);
}

/** The tallies of several accounts as one. */
export function addTallies(tallies: Tally[]): Tally {
  const sum = (figure: Exclude<keyof Tally, 'unsupported'>): number =>
    tallies.reduce((total, tally) => total + tally[figure], 0);
  const reasons = new Map<string, number>();
  for (const { reason, count } of tallies.flatMap(({ unsupported }) => unsupported))
    reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return {
    files: sum('files'),
    bytes: sum('bytes'),
    importable: sum('importable'),
    importableBytes: sum('importableBytes'),
    sizeUnknown: sum('sizeUnknown'),
    unchanged: sum('unchanged'),
    filtered: sum('filtered'),
    unsupported: toList(reasons),
  };
}

const toList = (reasons: Map<string, number>): Tally['unsupported'] =>
  [...reasons].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
