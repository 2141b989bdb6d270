/** Letters that NFKC leaves apart and that people type plainly. */
const PLAIN: Record<string, string> = {
  ß: 'ss',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  ł: 'l',
  ı: 'i',
  ð: 'd',
  đ: 'd',
  ё: 'е',
};

// Endings that carry number, case or gender. Cutting them roughly is worth more than the rare pair of words it merges; the
// figures are in test/index/retrieval.test.ts, and the same rules must hold for passages and queries.
const LATIN_ENDING = /(?:ing|ern|en|er|em|ed|es|e|n|a|o|i|y)$/;
const CYRILLIC_ENDING =
  /(?<=...)(?:иями|ями|ами|ого|его|ому|ему|ыми|ими|иях|ией|ах|ях|ов|ев|ом|ем|ам|ям|ой|ей|ый|ий|ая|яя|ое|ее|ые|ие|ых|их|ым|им|ую|юю|ия|ию|ии|ь|а|я|о|е|ы|и|у|ю|й)$/;
const ARABIC_PREFIX = /^(?:وال|بال|كال|فال|ال|لل)(?=..)/;
const ARABIC_ENDING = /(?<=..)(?:ها|ان|ات|ون|ين|يه|ه|ي)$/;
/** Marks that only Vietnamese writes: there an accent makes another word. */
const VIETNAMESE = /[\u031b\u0309\u0323]|\p{M}\p{M}|đ/u;

/**
 * The forms a word is searched by: one that forgets case, accents and endings; for Vietnamese words the accented form as well.
 * `word` is NFKC-normalized.
 */
export function foldWord(word: string): string[] {
  const lower = word.toLowerCase();
  if (/^[a-z0-9]*$/.test(lower)) return [stemLatin(lower)];
  const decomposed = lower.normalize('NFD');
  const plain = decomposed
    .replace(/([\p{Script=Latin}\p{Script=Greek}])\p{M}+/gu, '$1')
    .normalize('NFC')
    .replace(/[ßøæœłıðđё]/g, (letter) => PLAIN[letter] ?? letter);
  if (/^[a-z]+$/.test(plain)) return VIETNAMESE.test(decomposed) ? [stemLatin(plain), lower] : [stemLatin(plain)];
  if (/^[а-яіїєґ]+$/.test(plain)) return [plain.length < 5 ? plain : plain.replace(CYRILLIC_ENDING, '')];
  if (/^[\p{Script=Arabic}\p{M}\u0640]+$/u.test(plain)) return [foldArabic(plain)];
  return [plain];
}

function stemLatin(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  const stem = withoutPlural(word);
  if (stem.length > 6) return stem.replace(LATIN_ENDING, '');
  return stem.length > 4 ? stem.replace(/[eaoy]$/, '') : stem;
}

function withoutPlural(word: string): string {
  if (!word.endsWith('s') || /(?:ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:[sxz]|ch|sh)es$/.test(word) && word.length > 5) return word.slice(0, -2);
  return word.slice(0, -1);
}

function foldArabic(word: string): string {
  return word
    .replace(/\u0640|\u0670|[\u064b-\u065f]/g, '')
    .replace(/[أإآ]/g, 'ا')
    .replace(/ى/g, 'ي')
    .replace(/ة/g, 'ه')
    .replace(ARABIC_PREFIX, '')
    .replace(ARABIC_ENDING, '');
}
