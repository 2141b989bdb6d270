import { unzipSync, zipSync } from 'fflate';
import { docx, pptx, xlsx } from '../../providers/sandbox/office-writers.ts';
import { pdf } from '../../providers/sandbox/pdf-writer.ts';
import type { Format } from '../../server/pipeline/normalized.ts';
import { odfPackage } from './prepare-bytes.ts';

const P = '<text:p>The ferry <text:span>leaves</text:span> at nine.</text:p>';
const ROW = `<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="2">${P}</table:table-cell></table:table-row>`;
const PLAN = [
  { kind: 'heading', level: 1, text: 'Dry dock' },
  { kind: 'paragraph', text: 'The Curlew is docked in May.' },
] as const;

/** A small file of every format. */
export const SAMPLES: Record<Format, Buffer> = {
  txt: Buffer.from('Café at the harbour.\n\nOpen from nine to five.', 'latin1'),
  md: Buffer.from('# Fares\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n[x](y) ![z](w)'),
  html: Buffer.from(
    '<!doctype html><title>T</title><h1>A</h1><table><tr><th>a<td>b</table><ul><li>x<li>y</ul>&amp; <p>end',
  ),
  confluence: Buffer.from(
    '<p>Hi</p><ac:structured-macro ac:name="info"><ac:rich-text-body><p>x</p></ac:rich-text-body></ac:structured-macro><ac:task-list><ac:task><ac:task-body>t</ac:task-body></ac:task></ac:task-list>',
  ),
  csv: Buffer.from('Ship;Seats\n"Cur;lew";120\nTern;80\n'),
  json: Buffer.from('{"ships":[{"name":"Curlew","seats":120},{"name":"Tern","open":true}],"note":"harbour"}'),
  pdf: pdf([[...PLAN]], { title: 'Plan' }),
  docx: docx([
    ...PLAN,
    {
      kind: 'table',
      rows: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
  ]),
  xlsx: xlsx([
    {
      name: 'Fares',
      rows: [
        ['Ship', 'Fare'],
        ['Curlew', '12'],
      ],
    },
  ]),
  pptx: pptx([{ title: 'Arrivals', lines: ['At nine', 'At ten'] }]),
  odt: odfPackage('text', `<text:h text:outline-level="1">A</text:h>${P}<table:table>${ROW}</table:table>`),
  ods: odfPackage('spreadsheet', `<table:table table:name="S">${ROW}</table:table>`),
  odp: odfPackage('presentation', `<draw:page><draw:frame presentation:class="title">${P}</draw:frame></draw:page>`),
  rtf: Buffer.from(
    "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fcharset128 A;}}{\\stylesheet{\\s1 heading 1;}}\\s1 T\\par\\pard\\uc1\\u233 ?\\'e9{\\footnote n}\\trowd\\intbl a\\cell b\\cell\\row\\pard{\\*\\annotation c}\\bin3 abc end\\par}",
  ),
  eml: Buffer.from(
    'From: a@example.com\r\nSubject: =?utf-8?B?44G+44G/?=\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>caf=C3=A9</p>\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nInner\r\n--b--\r\n',
  ),
};

/** Numbers from 0 to below `below`, the same in every run (mulberry32). */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** The file cut off, with some bytes changed, or with a stretch of it twice. */
export function damaged(sample: Buffer, next: (below: number) => number): Buffer {
  const bytes = Buffer.from(sample);
  const kind = next(4);
  if (kind === 0) return bytes.subarray(0, next(bytes.length));
  if (kind === 1) {
    const from = next(bytes.length);
    return Buffer.concat([bytes.subarray(0, from + next(64)), bytes.subarray(from)]);
  }
  for (let flips = 1 + next(kind === 2 ? 2 : 24); flips > 0; flips--) bytes[next(bytes.length)] = next(256);
  return bytes;
}

/** Damage within a package's largest part, which the packing would hide otherwise. */
export function damagedInside(sample: Buffer, next: (below: number) => number): Buffer {
  const parts = unzipSync(sample);
  const [name, bytes] = Object.entries(parts).sort(([, a], [, b]) => b.length - a.length)[next(2)]!;
  return Buffer.from(zipSync({ ...parts, [name]: damaged(Buffer.from(bytes), next) }));
}
