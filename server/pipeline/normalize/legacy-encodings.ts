/**
 * How well bytes fit an East Asian encoding, by the rows its common characters stand in: a mean of log-likelihoods, about 0 to 4 for a
 * good fit and below 0 for a bad one; undefined for other encodings. Rows after the standards: JIS X 0208 (kana 4 and 5, level 1 from 16),
 * GB 2312 (level 1: 16 to 55), KS X 1001 (hangul: 16 to 40), Big5 (level 1: A4 to C6).
 */
export function eastAsianFit(bytes: Buffer, encoding: string): number | undefined {
  const zones = ZONES[encoding.toLowerCase()];
  if (!zones) return undefined;
  let sum = 0;
  let characters = 0;
  for (let at = 0; at < bytes.length; at++) {
    const lead = bytes[at]!;
    if (lead < 0x80) continue;
    characters++;
    const isHalfWidthKana = encoding.toLowerCase() === 'shift_jis' && lead >= 0xa1 && lead <= 0xdf;
    if (isHalfWidthKana) {
      sum -= 1;
      continue;
    }
    at++;
    sum += zones.find(({ from, to }) => lead >= from && lead <= to)?.score ?? -3;
  }
  return characters === 0 ? undefined : sum / characters;
}

const zone = (from: number, to: number, rows: number) => ({ from, to, score: Math.log(88 / rows) });
const PUNCTUATION = 20;
const ZONES: Record<string, { from: number; to: number; score: number }[]> = {
  shift_jis: [zone(0x82, 0x83, 3), zone(0x88, 0x97, 32), zone(0x81, 0x81, PUNCTUATION)],
  'euc-jp': [zone(0xa4, 0xa5, 2), zone(0xb0, 0xcf, 32), zone(0xa1, 0xa1, PUNCTUATION)],
  gb18030: [zone(0xb0, 0xd7, 40), zone(0xa1, 0xa3, PUNCTUATION)],
  'euc-kr': [zone(0xb0, 0xc8, 25), zone(0xa1, 0xa3, PUNCTUATION)],
  big5: [zone(0xa4, 0xc6, 58), zone(0xa1, 0xa3, PUNCTUATION)],
};

/** What windows-1252 has at 0x80 to 0x9f. Source: https://encoding.spec.whatwg.org/index-windows-1252.txt */
const C1 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Windows-1252 by hand: Node 20's TextDecoder gives control characters for 0x80 to 0x9f. */
export const decodeWestern = (bytes: Buffer): string => withoutC1(bytes.toString('latin1'));

/** A text with the letters that windows-1252 has in place of control characters: what was decoded as Latin 1 and is windows-1252. */
export const withoutC1 = (text: string): string =>
  text.replace(/[\u0080-\u009f]/g, (letter) => C1[letter.charCodeAt(0) - 0x80]!);

/** Names that mean windows-1252 on the web. */
export const isWestern = (encoding: string): boolean =>
  /^(windows-1252|iso-?8859-1|latin-?1|us-ascii|ascii|cp1252)$/i.test(encoding);
