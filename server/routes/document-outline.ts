/** A heading of a document and what stands below it; `ordinal` is that of the first chunk under it. */
export type OutlineEntry = { text: string; ordinal: number; below: OutlineEntry[] };

/** What the chunks' heading paths say of how a document is built, in its order: at most so many headings, and whether there are more. */
export function outlineOf(
  chunks: { ordinal: number; headingPath: string[] }[],
  limit: number,
): { entries: OutlineEntry[]; cut: boolean } {
  const entries: OutlineEntry[] = [];
  let before: string[] = [];
  let count = 0;
  for (const { ordinal, headingPath } of chunks) {
    let level = entries;
    let same = true;
    for (const [depth, text] of headingPath.entries()) {
      same &&= before[depth] === text;
      if (!same) {
        if (count === limit) return { entries, cut: true };
        level.push({ text, ordinal, below: [] });
        count += 1;
      }
      level = level.at(-1)?.below ?? [];
    }
    before = headingPath;
  }
  return { entries, cut: false };
}
