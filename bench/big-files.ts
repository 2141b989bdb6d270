import { randomFillSync } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';

/** How a file of these must end: with its text in the index, or with this reason. */
export type BigFile = { name: string; ends: 'indexed' | 'too_large' | 'unsupported' | 'no_text' };

type Sink = { write(bytes: Uint8Array | string): Promise<void>; written(): number };
type Recipe = BigFile & { make: (sink: Sink, size: number) => Promise<void> };
type Part = { name: string; pieces: Iterable<string | Uint8Array>; packed?: boolean };

const MB = 1024 ** 2;
/** Bytes that no method packs, as those of pictures, sound and archives are. */
const noise = (() => {
  const bytes = Buffer.alloc(MB);
  return () => randomFillSync(bytes);
})();

const WORDS =
  'harbour ferry mooring tide timetable berth winter lantern captain ledger freight customs pilot crane anchor weather signal cargo inspection report'.split(
    ' ',
  );
let seed = 1;
const chance = (below: number): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return (seed >>> 8) % below;
};
const sentence = (): string =>
  `The ${WORDS[chance(20)]} of ${WORDS[chance(20)]} ${chance(9_999)} went to the ${WORDS[chance(20)]}, and the ${WORDS[chance(20)]} came back.`;
const paragraph = (): string => Array.from({ length: 6 }, sentence).join(' ');
const row = (): string[] => Array.from({ length: 8 }, () => `${chance(1_000_000) / 100}`);

/** So many pieces. */
function* times<T>(count: number, make: (at: number) => T): Generator<T> {
  for (let at = 0; at < count; at += 1) yield make(at);
}

/** Text files: the same kind of line until the size is reached. */
const lines =
  (line: (at: number) => string, head = '') =>
  async (sink: Sink, size: number): Promise<void> => {
    await sink.write(head);
    for (let at = 0; sink.written() < size;) {
      let part = '';
      while (part.length < MB) part += line(at++);
      await sink.write(part);
    }
  };

/** Bytes that begin as a format does. */
const raw =
  (head: Buffer) =>
  async (sink: Sink, size: number): Promise<void> => {
    await sink.write(head);
    while (sink.written() < size) await sink.write(noise());
  };

/** A package of parts, filled with pictures up to the size. */
const zipped =
  (parts: (size: number) => Iterable<Part>, picture = 'media/picture') =>
  async (sink: Sink, size: number): Promise<void> => {
    const ready: Uint8Array[] = [];
    const zip = new Zip((error, bytes) => {
      if (error) throw error;
      ready.push(bytes);
    });
    const add = async ({ name, pieces, packed = true }: Part): Promise<void> => {
      const entry = packed ? new ZipDeflate(name, { level: 1 }) : new ZipPassThrough(name);
      zip.add(entry);
      for (const piece of pieces) {
        entry.push(typeof piece === 'string' ? Buffer.from(piece) : Uint8Array.from(piece));
        for (const bytes of ready.splice(0)) await sink.write(bytes);
      }
      entry.push(new Uint8Array(0), true);
    };
    for (const part of parts(size)) await add(part);
    for (let at = 1; sink.written() < size; at += 1)
      await add({ name: `${picture}${at}.png`, pieces: times(8, noise), packed: false });
    zip.end();
    for (const bytes of ready.splice(0)) await sink.write(bytes);
  };

const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const relations = (...all: [type: string, target: string][]): string =>
  `<Relationships>${all.map(([type, target], at) => `<Relationship Id="r${at}" Type="${OFFICE}/${type}" Target="${target}"/>`).join('')}</Relationships>`;
const part = (name: string, text: string): Part => ({ name, pieces: [text] });
const ooxml = (main: string): Part[] => [
  part('[Content_Types].xml', '<Types/>'),
  part('_rels/.rels', relations(['officeDocument', main])),
];
function* wrapped(head: string, pieces: Iterable<string>, tail: string): Generator<string> {
  yield head;
  yield* pieces;
  yield tail;
}

const word = (paragraphs: number): Part[] => [
  ...ooxml('word/document.xml'),
  {
    name: 'word/document.xml',
    pieces: wrapped(
      '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>',
      times(paragraphs, () => `<w:p><w:r><w:t>${paragraph()}</w:t></w:r></w:p>`),
      '</w:body></w:document>',
    ),
  },
];

const sheetRow = (at: number): string =>
  `<row r="${at + 1}">${row()
    .map((value) => `<c><v>${value}</v></c>`)
    .join('')}</row>`;
const excel = (rows: Iterable<string>): Part[] => [
  ...ooxml('xl/workbook.xml'),
  part(
    'xl/workbook.xml',
    `<workbook xmlns:r="${OFFICE}"><sheets><sheet name="Freight" sheetId="1" r:id="r0"/></sheets></workbook>`,
  ),
  part('xl/_rels/workbook.xml.rels', relations(['worksheet', 'worksheets/sheet1.xml'])),
  { name: 'xl/worksheets/sheet1.xml', pieces: wrapped('<worksheet><sheetData>', rows, '</sheetData></worksheet>') },
];

const powerpoint = (slides: number): Part[] => [
  ...ooxml('ppt/presentation.xml'),
  part(
    'ppt/presentation.xml',
    `<p:presentation xmlns:p="p" xmlns:r="${OFFICE}"><p:sldIdLst>${[...times(slides, (at) => `<p:sldId id="${256 + at}" r:id="r${at}"/>`)].join('')}</p:sldIdLst></p:presentation>`,
  ),
  part(
    'ppt/_rels/presentation.xml.rels',
    relations(...times(slides, (at): [string, string] => ['slide', `slides/slide${at + 1}.xml`])),
  ),
  ...times(slides, (at) =>
    part(
      `ppt/slides/slide${at + 1}.xml`,
      `<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>${paragraph()}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>`,
    ),
  ),
];

const openText = (paragraphs: number): Part[] => [
  { ...part('mimetype', 'application/vnd.oasis.opendocument.text'), packed: false },
  {
    name: 'content.xml',
    pieces: wrapped(
      '<office:document-content><office:body><office:text>',
      times(paragraphs, () => `<text:p>${paragraph()}</text:p>`),
      '</office:text></office:body></office:document-content>',
    ),
  },
];

/** A PDF of pages with a picture each, over `paragraphs` of text or none: what a scanner with text recognition writes. */
const pdf =
  (paragraphs: number) =>
  async (sink: Sink, size: number): Promise<void> => {
    const pages = Math.floor(size / (MB + 4_096));
    const offsets: number[] = [];
    const object = async (number: number, ...body: (string | Uint8Array)[]): Promise<void> => {
      offsets[number] = sink.written();
      await sink.write(`${number} 0 obj\n`);
      for (const piece of body) await sink.write(piece);
      await sink.write('\nendobj\n');
    };
    await sink.write('%PDF-1.7\n');
    await object(1, '<</Type/Catalog/Pages 2 0 R>>');
    await object(3, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>');
    for (let at = 0; at < pages; at += 1) {
      const page = 4 + at * 3;
      const text = [...times(paragraphs, (line) => `BT /F 10 Tf 40 ${780 - line * 14} Td (${sentence()}) Tj ET`)];
      const content = `q 595 0 0 842 0 0 cm /I Do Q ${text.join('\n')}`;
      await object(
        page,
        `<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents ${page + 1} 0 R/Resources<</Font<</F 3 0 R>>/XObject<</I ${page + 2} 0 R>>>>>>`,
      );
      await object(page + 1, `<</Length ${content.length}>>stream\n${content}\nendstream`);
      const picture = '/Type/XObject/Subtype/Image/Width 1024/Height 1024/ColorSpace/DeviceGray/BitsPerComponent 8';
      await object(page + 2, `<<${picture}/Length ${MB}>>stream\n`, noise(), '\nendstream');
    }
    const kids = [...times(pages, (at) => `${4 + at * 3} 0 R`)].join(' ');
    await object(2, `<</Type/Pages/Count ${pages}/Kids[${kids}]>>`);
    const xref = sink.written();
    const entries = [...times(pages * 3 + 3, (at) => `${String(offsets[at + 1]).padStart(10, '0')} 00000 n \n`)];
    await sink.write(`xref\n0 ${entries.length + 1}\n0000000000 65535 f \n${entries.join('')}`);
    await sink.write(`trailer<</Size ${entries.length + 1}/Root 1 0 R>>\nstartxref\n${xref}\n%%EOF\n`);
  };

const pictures = (encoding: 'base64' | 'hex', before: string, after: string) => (at: number) =>
  `${paragraph()} ${before}${noise().toString(encoding, 0, 400_000)}${after}\n${at % 10}`;

/** Twenty files as people have them at this size: mostly pictures, sound and archives; tables, logs and exports; little prose. */
const RECIPES: Recipe[] = [
  { name: 'novels.txt', ends: 'too_large', make: lines(() => `${paragraph()}\n\n`) },
  { name: 'server.log', ends: 'too_large', make: lines((at) => `2026-05-01T08:00:00Z INFO ${at} ${sentence()}\n`) },
  { name: 'notes.md', ends: 'too_large', make: lines((at) => `## Entry ${at}\n\n${paragraph()}\n\n`) },
  { name: 'freight.csv', ends: 'too_large', make: lines(() => `${row().join(',')}\n`, 'a,b,c,d,e,f,g,h\n') },
  { name: 'export.jsonl', ends: 'too_large', make: lines((at) => `{"id":${at},"text":"${sentence()}"}\n`) },
  {
    name: 'album.html',
    ends: 'too_large',
    make: lines(pictures('base64', '<img src="data:image/png;base64,', '">'), '<!doctype html><html><body>'),
  },
  { name: 'album.rtf', ends: 'indexed', make: lines(pictures('hex', '{\\pict\\pngblip ', '}\\par'), '{\\rtf1 ') },
  {
    name: 'mail.eml',
    ends: 'too_large',
    make: lines(
      () => noise().toString('base64').replace(/.{76}/g, '$&\n'),
      'From: a@example.com\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n',
    ),
  },
  { name: 'scanned with text.pdf', ends: 'indexed', make: pdf(40) },
  { name: 'brochure.pdf', ends: 'indexed', make: pdf(8) },
  { name: 'scanned.pdf', ends: 'no_text', make: pdf(0) },
  { name: 'report.docx', ends: 'indexed', make: zipped(() => word(500), 'word/media/picture') },
  { name: 'handbook.docx', ends: 'indexed', make: zipped(() => word(20_000), 'word/media/picture') },
  { name: 'deck.pptx', ends: 'indexed', make: zipped(() => powerpoint(200), 'ppt/media/picture') },
  { name: 'book.odt', ends: 'indexed', make: zipped(() => openText(5_000), 'Pictures/picture') },
  { name: 'catalogue.xlsx', ends: 'indexed', make: zipped(() => excel(times(20_000, sheetRow)), 'xl/media/picture') },
  { name: 'freight.xlsx', ends: 'too_large', make: zipped((size) => excel(times(size / 48, sheetRow))) },
  { name: 'holiday.zip', ends: 'unsupported', make: zipped(() => [], 'DCIM/') },
  { name: 'talk.mp4', ends: 'unsupported', make: raw(Buffer.from('\0\0\0\x20ftypisom', 'latin1')) },
  { name: 'backup.tar.gz', ends: 'unsupported', make: raw(Buffer.from([0x1f, 0x8b, 8, 0])) },
];

/** Writes the twenty files, or those named, each of `size` bytes or a little more or less. Gives what each is and must end as. */
export async function writeBigFiles(folder: string, size: number, names?: string[]): Promise<BigFile[]> {
  const wanted = RECIPES.filter(({ name }) => names?.includes(name) ?? true);
  for (const { name, make } of wanted) {
    const file = createWriteStream(path.join(folder, name));
    await make(sinkTo(file), size);
    file.end();
    await once(file, 'close');
  }
  return wanted;
}

function sinkTo(file: WriteStream): Sink {
  let written = 0;
  return {
    written: () => written,
    async write(bytes) {
      const copy = Buffer.from(bytes as Uint8Array);
      written += copy.length;
      if (!file.write(copy)) await once(file, 'drain');
    },
  };
}
