import { zlibSync } from 'fflate';
import type { Block } from './blocks.ts';

/** One line of text set on a page, in points from the lower left corner. */
type Line = { x: number; y: number; size: number; bold: boolean; text: string };

const PAGE = { width: 595, height: 842, left: 64, right: 531, top: 778, bottom: 80 };

// Advance widths of Helvetica from the space to the tilde, in thousandths of the size. Source: Adobe Core 14 AFM, Helvetica.afm
const WIDTHS = (
  '278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 ' +
  '1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 ' +
  '333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584'
)
  .split(' ')
  .map(Number);

const widthOf = (text: string, size: number): number =>
  ([...text].reduce((sum, character) => sum + (WIDTHS[character.charCodeAt(0) - 32] ?? 556), 0) * size) / 1000;

const wrap = (text: string, width: number, size: number): string[] => {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const current = lines.at(-1) ?? '';
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && widthOf(longer, size) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
};

// What WinAnsi has between 0x80 and 0x9F; the rest of it is Latin-1.
const WIN_ANSI = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

const winAnsi = (character: string): number => {
  const special = WIN_ANSI.indexOf(character);
  if (special >= 0) return 0x80 + special;
  const code = character.charCodeAt(0);
  if (code > 0xff)
    throw new Error(`The PDF writer has no "${character}": its fonts hold Western European letters only.`);
  return code;
};

const literal = (text: string): string => {
  const escaped = [...text].map((character) => {
    const code = winAnsi(character);
    if (character === '(' || character === ')' || character === '\\') return `\\${character}`;
    return code < 0x80 ? character : `\\${code.toString(8).padStart(3, '0')}`;
  });
  return `(${escaped.join('')})`;
};

/** Sets blocks from the top of a page down, and opens another page where one is full. */
const layOut = (blocks: Block[]): Line[][] => {
  const pages: Line[][] = [[]];
  let y = PAGE.top;
  const room = (height: number): void => {
    if (y - height >= PAGE.bottom) return;
    pages.push([]);
    y = PAGE.top;
  };
  const set = (line: Omit<Line, 'y'>, at = y): void => void pages.at(-1)?.push({ ...line, y: at });
  const flow = (text: string, size: number, bold: boolean, indent = 0): void => {
    for (const line of wrap(text, PAGE.right - PAGE.left - indent, bold ? size * 1.06 : size)) {
      room(size * 1.4);
      y -= size * 1.4;
      set({ x: PAGE.left + indent, size, bold, text: line });
    }
  };
  const table = (rows: string[][]): void => {
    const step = (PAGE.right - PAGE.left) / Math.max(...rows.map((row) => row.length));
    for (const [at, row] of rows.entries()) {
      const cells = row.map((cell) => wrap(cell, step - 8, at === 0 ? 10 : 9.5));
      const height = Math.max(...cells.map((cell) => cell.length)) * 13;
      room(height);
      for (const [column, cell] of cells.entries())
        for (const [down, text] of cell.entries())
          set({ x: PAGE.left + column * step, size: 9.5, bold: at === 0, text }, y - 13 * (down + 1));
      y -= height;
    }
  };
  for (const block of blocks) {
    if (block.kind === 'heading') {
      const size = 22 - block.level * 3;
      room(size * 4);
      y -= 8;
      flow(block.text, size, true);
    } else if (block.kind === 'paragraph') flow(block.text, 10.5, false);
    else if (block.kind === 'table') table(block.rows);
    else if (block.kind === 'list')
      for (const [at, item] of block.items.entries()) {
        room(15);
        set({ x: PAGE.left, size: 10.5, bold: false, text: block.ordered ? `${at + 1}.` : '•' }, y - 10.5 * 1.4);
        flow(item, 10.5, false, 18);
      }
    y -= 7;
  }
  return pages;
};

const content = (lines: Line[], page: number, pages: number): Buffer => {
  const footer: Line = { x: PAGE.left, y: 48, size: 8, bold: false, text: `Page ${page} of ${pages}` };
  const operators = [...lines, footer].map(
    ({ x, y, size, bold, text }) =>
      `BT /${bold ? 'F2' : 'F1'} ${size} Tf ${x.toFixed(1)} ${y.toFixed(1)} Td ${literal(text)} Tj ET`,
  );
  return Buffer.from(zlibSync(Buffer.from(operators.join('\n'), 'latin1'), { level: 6 }));
};

/** Joins numbered objects (the first is 1) behind a header, then the cross-reference table. */
const assemble = (objects: Buffer[], trailer: string): Buffer => {
  const parts: Buffer[] = [Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  const offsets: number[] = [];
  let length = parts[0]?.length ?? 0;
  const add = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
  };
  for (const [at, object] of objects.entries()) {
    offsets.push(length);
    add(Buffer.concat([Buffer.from(`${at + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')]));
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const start = length;
  add(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}` +
        `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 5 0 R ${trailer}>>\nstartxref\n${start}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
};

/**
 * A PDF in Helvetica; each entry of `pages` starts a page and runs on to as many as it needs. `locked` marks it as protected by a
 * password nobody has, for showing what an encrypted file looks like. Errors: Error for letters outside WinAnsi.
 */
export const pdf = (pages: Block[][], options: { title: string; locked?: boolean }): Buffer => {
  const laidOut = pages.flatMap(layOut);
  const kids = laidOut.map((_, at) => `${6 + at * 2} 0 R`);
  const font = (name: string): string =>
    `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${kids.length} >>`,
    font('Helvetica'),
    font('Helvetica-Bold'),
    `<< /Title ${literal(options.title)} /CreationDate (D:20260105090000Z) >>`,
  ].map((text) => Buffer.from(text));
  for (const [at, lines] of laidOut.entries()) {
    const stream = content(lines, at + 1, laidOut.length);
    objects.push(
      Buffer.from(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${PAGE.width} ${PAGE.height}] ` +
          `/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents ${7 + at * 2} 0 R >>`,
      ),
      Buffer.concat([
        Buffer.from(`<< /Length ${stream.length} /Filter /FlateDecode >>\nstream\n`),
        stream,
        Buffer.from('\nendstream'),
      ]),
    );
  }
  if (!options.locked) return assemble(objects, '');
  const key = '5a'.repeat(32);
  objects.push(Buffer.from(`<< /Filter /Standard /V 2 /R 3 /Length 128 /P -3904 /O <${key}> /U <${key}> >>`));
  const id = '<00112233445566778899aabbccddeeff>';
  return assemble(objects, `/Encrypt ${objects.length} 0 R /ID [${id} ${id}] `);
};
