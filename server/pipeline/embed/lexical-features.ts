import { createHashCounts } from './hash-counts.ts';

/** Words that say little of what a text is about, in the languages most texts are in. They count, but little. */
const FUNCTION_WORDS = new Set(
  (
    'a an and are as at be been but by can did do does for from had has have he her his how i if in into is it its may more most my no nor not of on ' +
    'or our she should so some such than that the their them then there these they this those to under up was we were what when where which who why will ' +
    'with would you your about after all also any because before between both each over through only other same very ' +
    'der die das den dem des ein eine einer eines einem einen und oder aber ist sind war waren wird werden wurde von vom zu zum zur mit auf aus bei für ' +
    'im in ins an am als auch nach nicht noch nur sich sie er es wir ihr wie was wer wo wenn dass daß durch über unter vor um bis hat haben kann ' +
    'le la les un une des du de et ou mais est sont dans par pour sur avec sans que qui quoi ce cette ces il elle ils elles nous vous leur au aux ne pas plus ' +
    'el los las una unos unas y o pero es son en por para con sin sobre que como su sus se lo al del no más fue ser ' +
    'il lo gli uno e ed ma sono nel nella per con su che come si non di da del della dei delle ' +
    'o os as um uma e em no na nos nas por para com sem que como se não de do da dos das ' +
    'het een en of maar is zijn in op van voor met door dat die dit niet ook aan bij te ' +
    'и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет о из ему это этот или для при'
  )
    .split(' ')
    .map(fold),
);

const CJK =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** The blocks that those scripts lie in: a whole text is looked through in a tenth of the time. */
const CJK_BLOCKS = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u2e80-\uffff]/;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const RUN = new RegExp(`${CJK.source}+|(?:(?!${CJK.source})[\\p{L}\\p{M}\\p{N}])+`, 'gu');
/** Longer runs of letters and digits are hashes, keys, base64: their grams would drown the words. */
const MAX_WORD = 40;
const GRAM_WEIGHT = 0.6;

/** Lower case, compatibility forms and accents folded: "Größe", "GRÖSSE" and "grosse" meet. */
export function fold(text: string): string {
  const plain = text.normalize('NFKC').toLowerCase();
  // eslint-disable-next-line no-control-regex
  return /^[\u0000-\u007f]*$/.test(plain)
    ? plain
    : plain
        .normalize('NFD')
        .replace(/(?<=\p{Script=Latin})\p{Mn}+/gu, '')
        .replaceAll('ß', 'ss')
        .normalize('NFC');
}

/**
 * Gathers the features of a text, piece by piece; `vector` gives them hashed to `dimensions` places (a power of two), of unit length,
 * pausing now and then, and makes ready for the next text.
 */
export function createFeatureSum(dimensions: number): {
  add(text: string): void;
  vector(): Generator<void, Float32Array>;
} {
  const words = new Map<string, number>();
  const grams = createHashCounts();
  return {
    add(text) {
      const folded = fold(text);
      const isSpaced = !CJK_BLOCKS.test(folded);
      for (const word of folded.match(WORD) ?? [])
        if (isSpaced || !CJK.test(word)) increment(words, word.length > MAX_WORD ? word.slice(0, MAX_WORD) : word);
        else
          for (const [run] of word.matchAll(RUN))
            if (CJK.test(run)) addPairs(run, words);
            else increment(words, run);
    },
    *vector() {
      const vector = new Float32Array(dimensions);
      // The sign is a bit of its own, so that collisions cancel out instead of adding up.
      const put = (hash: number, weight: number, times: number): void => {
        vector[hash & (dimensions - 1)]! += (hash < 0 ? -weight : weight) * (times === 1 ? 1 : 1 + Math.log(times));
      };
      let done = 0;
      for (const [word, times] of words) {
        const features = featuresOf(word);
        put(features.hash, features.weight, times);
        grams.add(features.grams, times);
        if (++done % 1_000 === 0) yield;
      }
      for (let at = 0; at < grams.size(); at++) {
        put(grams.hashAt(at), GRAM_WEIGHT, grams.timesAt(at));
        if (++done % 10_000 === 0) yield;
      }
      words.clear();
      grams.clear();
      let sum = 0;
      for (let at = 0; at < dimensions; at++) sum += vector[at]! * vector[at]!;
      const length = Math.sqrt(sum);
      // A text without a single word still needs a vector of unit length.
      if (length === 0) vector[0] = 1;
      else for (let at = 0; at < dimensions; at++) vector[at]! /= length;
      return vector;
    },
  };
}

type WordFeatures = { hash: number; weight: number; grams: Int32Array };

/** The same words come again and again: what was found out of the last ones is kept, about 10 MB at most. */
const KNOWN_WORDS = 20_000;
const known = new Map<string, WordFeatures>();

function featuresOf(word: string): WordFeatures {
  let features = known.get(word);
  if (!features) {
    if (known.size >= KNOWN_WORDS) known.clear();
    features = {
      hash: mix(hashOf(word, 0, word.length, SEED)),
      weight: weightOf(word),
      grams: Int32Array.from(gramsOf(word)),
    };
    known.set(word, features);
  }
  return features;
}

/** Hashes of a word's 3- and 4-grams; of words in scripts without spaces, none. */
function gramsOf(word: string): number[] {
  if (word.length < 3 || FUNCTION_WORDS.has(word) || CJK.test(word)) return [];
  const grams: number[] = [];
  // Marks of beginning and end, so that "^pre" and "ing$" differ from the same letters inside a word.
  const edged = `^${word}$`;
  for (let at = 0; at + 3 <= edged.length; at++) {
    const three = hashOf(edged, at, at + 3, GRAM_SEED);
    grams.push(mix(three));
    if (at + 4 <= edged.length) grams.push(mix(hashOf(edged, at + 3, at + 4, three)));
  }
  return grams;
}

/** Pairs of characters, and the characters alone: what stands for words where no spaces are written. */
function addPairs(run: string, words: Map<string, number>): void {
  let previous = '';
  for (const letter of run) {
    increment(words, letter);
    if (previous !== '') increment(words, previous + letter);
    previous = letter;
  }
}

const increment = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

function weightOf(word: string): number {
  if (FUNCTION_WORDS.has(word)) return 0.1;
  if (CJK.test(word)) return word.length === 1 ? 0.4 : 1;
  // Without a corpus, length stands in for rarity.
  return word.length <= 2 ? 0.6 : Math.min(1.6, 0.8 + 0.08 * word.length);
}

const SEED = 0x811c9dc5;
const GRAM_SEED = 0x050c5d1f;

/** FNV-1a of a part of a text. Source: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hashOf(text: string, from: number, to: number, seed: number): number {
  let hash = seed;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** Spreads a hash over all its bits. Source: the finalizer of MurmurHash3 */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
