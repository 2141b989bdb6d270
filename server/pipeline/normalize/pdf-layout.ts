import type { Block } from '../normalized.ts';
import { createBlockList } from './block-list.ts';

/** One line as PDFium reads it; the box is in points from the lower left corner, all zero where it is unknown. */
export type PdfLine = { text: string; left: number; right: number; bottom: number; top: number };
export type PdfPage = { number: number; lines: PdfLine[]; fields: string[] };

const BULLET = /^([•●▪◦■□‣–·*-]|\uf0b7|\uf0a7)\s+(?=\S)/;
const NUMBERED = /^(\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S/;
/** PDFium's signs for a hyphen that only a line end made, and the soft hyphen itself. */
// eslint-disable-next-line no-control-regex
const BROKEN_WORD = /[\u0002\u00ad\ufffe]$/;

/**
 * Pages as blocks in PDFium's reading order: lines are joined to paragraphs by their distance, size and place; larger type makes headings;
 * lines that stand at the top or foot of most pages are kept once.
 */
export function pdfBlocks(pages: PdfPage[]): Block[] {
  const list = createBlockList();
  const body = bodyHeight(pages);
  const levels = headingLevels(pages, body);
  const isRunning = runningLines(pages);
  for (const { number, lines, fields } of pages) {
    const kept = lines.filter((line, at) => !isRunning(line, at, lines.length));
    for (const group of paragraphs(kept, body)) {
      const text = joinWords(group.map((line) => line.text));
      const level = levels.get(sizeOf(group[0]!));
      const place = { page: number };
      if (level !== undefined && text.length <= 200 && /\p{L}{2}/u.test(text))
        list.add({ kind: 'heading', level, text: text.replace(/\s+/g, ' '), ...place });
      else if (BULLET.test(text)) list.add({ kind: 'list-item', text: text.replace(BULLET, ''), ...place });
      else list.add({ kind: NUMBERED.test(text) && text.length < 500 ? 'list-item' : 'paragraph', text, ...place });
    }
    if (fields.length > 0) list.add({ kind: 'paragraph', text: fields.join('\n'), page: number });
  }
  return list.blocks;
}

const heightOf = ({ top, bottom }: PdfLine): number => Math.abs(top - bottom);
/** Half points are noise of the file's scaling. */
const sizeOf = (line: PdfLine): number => Math.round(heightOf(line) * 2) / 2;

/** The height of most characters. */
function bodyHeight(pages: PdfPage[]): number {
  const counts = new Map<number, number>();
  for (const { lines } of pages)
    for (const line of lines) counts.set(sizeOf(line), (counts.get(sizeOf(line)) ?? 0) + line.text.length);
  return [...counts].filter(([size]) => size > 0).sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/** Up to three sizes clearly over the body's and rare in the document, the largest first. */
function headingLevels(pages: PdfPage[], body: number): Map<number, number> {
  const lines = new Map<number, number>();
  let all = 0;
  for (const page of pages)
    for (const line of page.lines) {
      all++;
      lines.set(sizeOf(line), (lines.get(sizeOf(line)) ?? 0) + 1);
    }
  const large = [...lines].filter(
    ([size, count]) => body > 0 && size >= body * 1.15 && size <= 200 && count <= all * 0.2,
  );
  const sizes = large.map(([size]) => size).sort((a, b) => b - a);
  const levels = new Map<number, number>();
  let level = 0;
  let last = Infinity;
  for (const size of sizes) {
    // Sizes nearly alike are one level.
    if (size < last * 0.93) level = Math.min(3, level + 1);
    levels.set(size, level);
    last = size;
  }
  return levels;
}

/** Whether a line is one that most pages repeat at their top or foot; its first occurrence does not count as one. */
function runningLines(pages: PdfPage[]): (line: PdfLine, at: number, count: number) => boolean {
  const isEdge = (at: number, count: number) => at < 2 || at >= count - 2;
  const keyOf = (line: PdfLine) => line.text.replace(/\d+/g, '#').replace(/\s+/g, ' ');
  const counts = new Map<string, number>();
  for (const { lines } of pages) {
    const edges = lines.filter((_, at) => isEdge(at, lines.length));
    for (const key of new Set(edges.map(keyOf))) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const needed = Math.max(4, pages.length * 0.4);
  const seen = new Set<string>();
  return (line, at, count) => {
    const key = keyOf(line);
    if (!isEdge(at, count) || (counts.get(key) ?? 0) < needed) return false;
    if (seen.has(key)) return true;
    seen.add(key);
    return false;
  };
}

/** Lines that belong together. */
function paragraphs(lines: PdfLine[], body: number): PdfLine[][] {
  const pitch = usualPitch(lines, body);
  const groups: PdfLine[][] = [];
  for (const line of lines) {
    const group = groups.at(-1);
    if (group && goesOn(group, line, pitch)) group.push(line);
    else groups.push([line]);
  }
  return groups;
}

function goesOn(group: PdfLine[], line: PdfLine, pitch: number): boolean {
  const before = group.at(-1)!;
  if (BULLET.test(line.text)) return false;
  if (BROKEN_WORD.test(before.text)) return true;
  const height = Math.max(1, heightOf(before));
  if (Math.abs(heightOf(line) - height) > height * 0.12) return false;
  const step = before.bottom - line.bottom;
  // Up the page: another column, where a sentence may go on. Equal height: a cell of the same row.
  if (step < -height * 0.5) return !/[.!?:。！？]["')\]]?$/.test(before.text) && /^\p{Ll}/u.test(line.text);
  if (step > Math.max(pitch, height) * 1.35) return false;
  if (Math.abs(step) < height * 0.5) return true;
  const width = Math.max(...group.map(({ right, left }) => right - left));
  const isShort = before.right < group[0]!.left + width * 0.75;
  const endsSentence = /[.!?:;。！？]["')\]]?$/.test(before.text);
  if (isShort && group.length > 1 && endsSentence) return false;
  // A first line that is indented opens a paragraph.
  if (line.left > before.left + height * 0.8 && endsSentence && line.left < before.right) return false;
  return !(NUMBERED.test(line.text) && (endsSentence || isShort || NUMBERED.test(group[0]!.text)));
}

/** The usual distance from line to line on a page: the median of the steps down it. */
function usualPitch(lines: PdfLine[], body: number): number {
  const steps: number[] = [];
  for (let at = 1; at < lines.length; at++) {
    const step = lines[at - 1]!.bottom - lines[at]!.bottom;
    if (step > body * 0.5 && step < body * 3) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? body * 1.2;
}

/** Lines to one text: a word broken at a line end is joined, everything else by a space (none within Chinese and Japanese). */
export function joinWords(lines: string[]): string {
  let text = '';
  for (const line of lines) {
    if (text === '') text = line;
    else if (BROKEN_WORD.test(text)) text = text.slice(0, -1) + line;
    else if (/\p{L}-$/u.test(text) && /^\p{Ll}/u.test(line)) text = text.slice(0, -1) + line;
    else if (CJK_END.test(text) && CJK_START.test(line)) text += line;
    else text += ` ${line}`;
  }
  return text.replace(/[\u0002\u00ad\ufffe]/g, ''); // eslint-disable-line no-control-regex
}

const CJK_END = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。]$/u;
const CJK_START = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。]/u;
