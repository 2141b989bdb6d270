import type { Entry } from './azure-odata.ts';

export type Ranked = { entry: Entry; score: number };

/** Best first; entries without any of the words are left out. BM25 in its usual values. */
export function rankByWords(entries: Entry[], words: string[], field: string): Ranked[] {
  const texts = entries.map((entry) => ((entry[field] ?? '') as string).split(' '));
  const average = texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, texts.length);
  const weights = new Map(
    words.map((word) => {
      const count = texts.filter((text) => text.includes(word)).length;
      return [word, Math.log(1 + (texts.length - count + 0.5) / (count + 0.5))];
    }),
  );
  const scoreOf = (text: string[]) => {
    let score = 0;
    for (const [word, weight] of weights) {
      const count = text.filter((term) => term === word).length;
      score += (weight * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * text.length) / average));
    }
    return score;
  };
  return best(
    entries.map((entry, at) => ({ entry, score: scoreOf(texts[at] as string[]) })).filter(({ score }) => score > 0),
  );
}

/** The nearest by angle. The score is Azure's: https://learn.microsoft.com/azure/search/vector-search-ranking */
export function rankByVector(entries: Entry[], vector: number[], field: string, k: number): Ranked[] {
  const measured = entries.flatMap((entry) => {
    const other = entry[field] as number[] | null | undefined;
    if (!other) return [];
    let [dot, left, right] = [0, 0, 0];
    for (const [at, value] of vector.entries()) {
      const its = other[at] as number;
      dot += value * its;
      left += value * value;
      right += its * its;
    }
    return [{ entry, score: 1 / (2 - dot / Math.sqrt(left * right)) }];
  });
  return best(measured).slice(0, k);
}

/** Reciprocal rank fusion. Source: https://learn.microsoft.com/azure/search/hybrid-search-ranking */
export function fuse(lists: { ranked: Ranked[]; weight: number }[]): Ranked[] {
  const scores = new Map<Entry, number>();
  for (const { ranked, weight } of lists)
    for (const [at, { entry }] of ranked.entries())
      scores.set(entry, (scores.get(entry) ?? 0) + weight / (60 + at + 1));
  return best([...scores].map(([entry, score]) => ({ entry, score })));
}

const best = (ranked: Ranked[]): Ranked[] => ranked.sort((a, b) => b.score - a.score);
