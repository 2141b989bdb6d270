import { BY_EXTENSION, BY_MEDIA_TYPE } from './known-formats.ts';
import type { Format } from './normalized.ts';
import { ContentError } from './normalized.ts';

/** As many first bytes as detection looks at. */
export const DETECT_HEAD_BYTES = 4096;

/** What a file is by its first bytes, its name and its media type; containers are looked into by the parser. */
export type Detected = Format | 'zip' | 'ole';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

/** First bytes of formats that hold no text we read. Source: https://en.wikipedia.org/wiki/List_of_file_signatures */
const REFUSED: [what: string, offset: number, magic: Buffer][] = [
  ['a PNG image', 0, latin('\x89PNG\r\n\x1a\n')],
  ['a JPEG image', 0, latin('\xff\xd8\xff')],
  ['a GIF image', 0, latin('GIF87a')],
  ['a GIF image', 0, latin('GIF89a')],
  ['a TIFF image', 0, latin('II*\x00')],
  ['a TIFF image', 0, latin('MM\x00*')],
  ['a WebP image', 8, latin('WEBP')],
  ['a WAVE sound file', 8, latin('WAVEfmt')],
  ['an AVI video', 8, latin('AVI LIST')],
  ['a Photoshop image', 0, latin('8BPS')],
  ['an icon', 0, latin('\x00\x00\x01\x00')],
  ['a video or image in an MP4 container', 4, latin('ftyp')],
  ['a Matroska video', 0, latin('\x1a\x45\xdf\xa3')],
  ['an Ogg sound or video file', 0, latin('OggS\x00')],
  ['a FLAC sound file', 0, latin('fLaC\x00')],
  ['an MP3 sound file', 0, latin('ID3\x03\x00')],
  ['an MP3 sound file', 0, latin('ID3\x04\x00')],
  ['an MP3 sound file', 0, latin('\xff\xfb')],
  ['a gzip archive', 0, latin('\x1f\x8b\x08')],
  ['a bzip2 archive', 0, latin('BZh91AY&SY')],
  ['an xz archive', 0, latin('\xfd7zXZ\x00')],
  ['a Zstandard archive', 0, latin('\x28\xb5\x2f\xfd')],
  ['a 7-Zip archive', 0, latin("7z\xbc\xaf'\x1c")],
  ['a RAR archive', 0, latin('Rar!\x1a\x07')],
  ['a tar archive', 257, latin('ustar')],
  ['an SQLite database', 0, latin('SQLite format 3\x00')],
  ['a program', 0, latin('\x7fELF')],
  ['a font', 0, latin('wOFF')],
  ['a font', 0, latin('wOF2')],
  ['a PostScript document', 0, latin('%!PS')],
  ['an Outlook data file', 0, latin('!BDN')],
  ['a Parquet file', 0, latin('PAR1')],
];

const OLE_MAGIC = latin('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1');

/** Text files whose markup or envelope would be noise: refused by name, since their bytes look like text. */
const REFUSED_EXTENSIONS: Record<string, string> = {
  mbox: 'a mailbox',
  mht: 'a web archive (.mht)',
  mhtml: 'a web archive (.mhtml)',
  svg: 'an SVG image',
  ps: 'a PostScript document',
  eps: 'a PostScript image',
  pem: 'a key or certificate',
};
const REFUSED_MEDIA_TYPES: Record<string, string> = {
  'multipart/related': 'a web archive',
  'image/svg+xml': 'an SVG image',
};

/** ContentError `unsupported` with the format's name and what to do. */
export const unsupported = (what: string): ContentError =>
  new ContentError('unsupported', `The file is ${what}, which cannot be read; ${advice(what)}.`);

function advice(what: string): string {
  if (/image|icon/.test(what)) return 'only documents that hold text are imported, so add the words as a document';
  if (/sound|video/.test(what)) return 'import a transcript of it instead';
  if (/archive|mailbox|data file/.test(what)) return 'unpack it and import the files inside';
  if (/spreadsheet|Excel|database|Parquet/.test(what)) return 'save it as .xlsx or .csv and import that';
  if (/presentation|PowerPoint/.test(what)) return 'save it as .pptx or .pdf and import that';
  if (/message/.test(what)) return 'save it as a PDF or as text and import that';
  if (/program|font|key|binary/.test(what)) return 'it holds no text to search';
  return 'save it as .docx or .pdf and import that';
}

const TEXTUAL = /PostScript/;

/** Whether a signature of plain letters stands in a file without zero bytes: then it is the beginning of a text. */
const isProse = (magic: Buffer, head: Buffer): boolean =>
  magic.every((byte) => byte >= 32 && byte < 127) && !head.includes(0);

/** Errors: ContentError `unsupported` where the first bytes are those of a format that is never read. */
export function refuseByMagic(head: Buffer, name: string): void {
  for (const [what, offset, magic] of REFUSED)
    if (head.subarray(offset, offset + magic.length).equals(magic) && (TEXTUAL.test(what) || !isProse(magic, head)))
      throw unsupported(what);
  if (head.subarray(0, 2).equals(latin('BM')) && head.length > 10 && head.readUInt32LE(6) === 0)
    throw unsupported('a BMP image');
  if (head.subarray(0, 2).equals(latin('MZ')) && looksBinary(head)) throw unsupported('a program');
  const extension = extensionOf(name);
  const refused = REFUSED_EXTENSIONS[extension];
  // Zip containers are looked into: a name may be wrong.
  if (refused && !head.subarray(0, 2).equals(latin('PK'))) throw unsupported(refused);
}

/**
 * The format of a file: first bytes first, then the name's extension, then the media type, then what the text looks like.
 * Errors: ContentError `unsupported`.
 */
export function detect(head: Buffer, name: string, mediaType: string): Detected {
  refuseByMagic(head, name);
  const type = (mediaType.split(';')[0] ?? '').trim().toLowerCase();
  const named = BY_EXTENSION[extensionOf(name)] ?? BY_MEDIA_TYPE[type];
  if (head.subarray(0, 4).equals(latin('PK\x03\x04')) || head.subarray(0, 4).equals(latin('PK\x05\x06'))) return 'zip';
  if (head.subarray(0, 8).equals(OLE_MAGIC)) return 'ole';
  const pdfAt = head.subarray(0, 1024 + 5).indexOf('%PDF-');
  if (pdfAt === 0 || (pdfAt > 0 && (named === 'pdf' || looksBinary(head)))) return 'pdf';
  if (startOf(head).startsWith('{\\rtf')) return 'rtf';
  const flat = flatOdf(startOf(head), named);
  if (flat) return flat;
  if (named && PACKAGES[named]) return namedOtherwise(head, named);
  if (looksBinary(head)) throw unsupported('binary data of an unknown format');
  const refused = REFUSED_MEDIA_TYPES[type];
  if (refused && !named) throw unsupported(refused);
  return named === undefined || named === 'rtf' ? byLooks(head) : named;
}

/** Formats that have first bytes of their own, by what people call the files. */
const PACKAGES: Partial<Record<Format, string>> = {
  pdf: 'a PDF',
  docx: 'a Word',
  xlsx: 'an Excel',
  pptx: 'a PowerPoint',
  odt: 'an OpenDocument',
  ods: 'an OpenDocument',
  odp: 'an OpenDocument',
};

/** OpenDocument in a single XML file; which kind, it says behind a long list of namespaces or its name does. */
function flatOdf(start: string, named: Format | undefined): Format | undefined {
  if (!/^(<\?xml[^>]*>\s*)?<office:document[\s>]/.test(start)) return undefined;
  const type = /\soffice:mimetype="([^"]+)"/.exec(start)?.[1];
  return (
    (type === undefined ? undefined : BY_MEDIA_TYPE[type]) ?? (named && /^od[tsp]$/.test(named) ? named : undefined)
  );
}

/** A file that is called .docx or .pdf but has other first bytes: a web page saved under that name, or a damaged file. */
function namedOtherwise(head: Buffer, named: Format): Format {
  if (!looksBinary(head) && looksLikeHtml(startOf(head))) return 'html';
  if (named === 'pdf') return 'pdf';
  throw new ContentError(
    'corrupt',
    `The file is named as ${PACKAGES[named]} file but does not begin like one, so it is damaged; save it again in its program and import it once more.`,
  );
}

function byLooks(head: Buffer): Format {
  const start = startOf(head);
  if (looksLikeHtml(start)) return 'html';
  return /^[[{]\s*(["[{\]}\d-]|true|false|null)/.test(start) && !/^\[[^\]]*\]\s*\n\s*\w/.test(start) ? 'json' : 'txt';
}

/** HTML, or a page in Confluence's storage format (XHTML with `ac:` and `ri:` elements). */
function looksLikeHtml(start: string): boolean {
  return (
    /^(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)*<(!doctype\s+html|html[\s>]|head[\s>]|body[\s>])/i.test(start) ||
    (/^</.test(start) && /<\/?(ac|ri):[a-z-]+[\s>/]/.test(start))
  );
}

const startOf = (head: Buffer): string => {
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] !== 0 && head[1] === 0);
  return head
    .toString(utf16 ? 'utf16le' : 'utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
};

/** Control bytes that no text encoding has, save for UTF-16 and UTF-32, whose zeros come in a pattern. */
function looksBinary(head: Buffer): boolean {
  if (hasUtf16Pattern(head)) return false;
  let controls = 0;
  for (const byte of head)
    if (byte === 0) return true;
    else if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 27 && byte !== 26)
      controls++;
  return controls > head.length * 0.02;
}

/** Whether bytes look like UTF-16: a byte order mark, or zeros (nearly) only at even or only at odd places. */
export function hasUtf16Pattern(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  let even = 0;
  let odd = 0;
  for (let at = 0; at < head.length; at++) {
    if (head[at] !== 0) continue;
    if (at % 2 === 0) even++;
    else odd++;
  }
  const enough = head.length * 0.2;
  if (odd > enough && even < odd * 0.05) return 'utf-16le';
  if (even > enough && odd < even * 0.05) return 'utf-16be';
  return undefined;
}

/** The extension in lower case without its dot; of `page.storage.xml` it is `xml`. */
export const extensionOf = (name: string): string => /\.([a-z0-9]+)$/i.exec(name.trim())?.[1]?.toLowerCase() ?? '';

const BY_KIND: Record<string, string> = {
  image: 'an image',
  audio: 'a sound file',
  video: 'a video',
  font: 'a font',
};

/** Formats that only their bytes tell for sure, by the names they mostly go by. */
const MOSTLY: Record<string, string> = {
  doc: 'a Word document of the old format (.doc)',
  ppt: 'a PowerPoint presentation of the old format (.ppt)',
  xls: 'an Excel spreadsheet of the old format (.xls)',
  xlsb: 'an Excel spreadsheet of the binary format (.xlsb)',
  msg: 'an Outlook message (.msg)',
  epub: 'an e-book (.epub)',
  zip: 'a zip archive',
  gz: 'a gzip archive',
  '7z': 'a 7-Zip archive',
  rar: 'a RAR archive',
  tar: 'a tar archive',
  exe: 'a program',
  parquet: 'a Parquet file',
};

/** The sentence with which a file will most likely be refused, before a byte of it is seen; undefined where it may well be read. */
export function refusalByName(name: string, mediaType: string): string | undefined {
  const type = (mediaType.split(';')[0] ?? '').trim().toLowerCase();
  const extension = extensionOf(name);
  const refused = REFUSED_EXTENSIONS[extension];
  if (refused) return unsupported(refused).message;
  if (BY_EXTENSION[extension] ?? BY_MEDIA_TYPE[type]) return undefined;
  const what = MOSTLY[extension] ?? REFUSED_MEDIA_TYPES[type] ?? BY_KIND[type.split('/', 1)[0] ?? ''];
  return what && unsupported(what).message;
}
