import { decodeWestern } from './legacy-encodings.ts';

/** Code page of a font's character set (`\fcharset`); others are those of the document. Source: Rich Text Format 1.9.1, font table */
const BY_CHARSET: Record<number, number> = {
  0: 1252,
  2: 1252,
  77: 10_000,
  78: 932,
  79: 949,
  80: 936,
  81: 950,
  128: 932,
  129: 949,
  134: 936,
  136: 950,
  161: 1253,
  162: 1254,
  163: 1258,
  177: 1255,
  178: 1256,
  186: 1257,
  204: 1251,
  222: 874,
  238: 1250,
};

/** Names that the Encoding Standard has for code pages; what it lacks (437, 850 and their like) is read as Western. */
const LABELS: Record<number, string> = {
  866: 'ibm866',
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  10_000: 'macintosh',
  10_007: 'x-mac-cyrillic',
  20_866: 'koi8-r',
  54_936: 'gb18030',
  65_001: 'utf-8',
};

/** The code page of a font's character set; undefined where it is the document's. */
export const codepageOfCharset = (charset: number): number | undefined => BY_CHARSET[charset];

const decoders = new Map<number, InstanceType<typeof TextDecoder> | undefined>();

/** Bytes in a code page as text; what is not valid in it becomes U+FFFD. */
export function decodeCodepage(bytes: Buffer, codepage: number): string {
  if (bytes.every((byte) => byte < 128)) return bytes.toString('latin1');
  if (!decoders.has(codepage)) {
    const label = LABELS[codepage] ?? (codepage >= 1250 && codepage <= 1258 ? `windows-${codepage}` : 'windows-1252');
    decoders.set(codepage, label === 'windows-1252' ? undefined : new TextDecoder(label));
  }
  return decoders.get(codepage)?.decode(bytes) ?? decodeWestern(bytes);
}
