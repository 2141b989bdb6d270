import type { Block } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import { joinLines, wordTestOf } from './pdf-words.ts';

/**
 * One line as PDFium reads it; the box is in points from the lower left corner, all zero where it is unknown. A line that ends in a
 * hyphenated word runs on into the next one on the page: `endBottom` and `right` are those of its last character.
 */
export type PdfLine = { text: string; left: number; right: number; bottom: number; top: number; endBottom: number };
export type PdfPage = { number: number; lines: PdfLine[]; fields: string[] };

const BULLET = /^([•●▪◦■□‣–·*-]|\uf0b7|\uf0a7)\s+(?=\S)/;
const NUMBERED = /^(\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S/;
const ENDS_SENTENCE = /[.!?:;。！？]["'”’)\]]?$/;

/**
 * Pages as blocks in PDFium's reading order: lines are joined to paragraphs by their distance, size and place; larger type makes
 * headings; lines that stand at the top or foot of most pages are kept once.
 */
export function pdfBlocks(pages: PdfPage[]): Block[] {
  const list = createBlockList();
  const body = bodyHeight(pages);
  const levels = headingLevels(pages, body);
  const isRunning = runningLines(pages);
  const isWord = wordTestOf(() => pages.flatMap(({ lines }) => lines.map(({ text }) => text)));
  for (const { number, lines, fields } of pages) {
    const kept = lines.filter((line, at) => !isRunning(line, at, lines.length));
    const breaks = forcedBreaks(kept);
    for (const group of paragraphs(kept, body, breaks)) {
      const text = joinLines(
        group.map((line) => ({ text: line.text, isBroken: breaks.has(line) })),
        isWord,
      );
      const level = levels.get(sizeOf(group[0]!));
      const place = { page: number };
      if (level !== undefined && text.length <= 200 && /\p{L}{2}/u.test(text) && !text.includes('@'))
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
    ([size, count]) => body > 0 && size >= body * 1.15 && size <= 200 && count <= Math.max(2, all * 0.2),
  );
  const levels = new Map<number, number>();
  let level = 0;
  let last = Infinity;
  for (const size of large.map(([each]) => each).sort((a, b) => b - a)) {
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
    if (!isEdge(at, count)) return false;
    const key = keyOf(line);
    if ((counts.get(key) ?? 0) < needed) return false;
    if (seen.has(key)) return true;
    seen.add(key);
    return false;
  };
}

/**
 * The lines that begin anew although there was room before them: rows of a table, lines of an address. Rows full of figures count too.
 */
function forcedBreaks(lines: PdfLine[]): Set<PdfLine> {
  // The right edge of the column each line stands in, by its left edge.
  const edges = new Map<number, number>();
  const columnOf = ({ left }: PdfLine) => Math.round(left / 12);
  for (const line of lines) edges.set(columnOf(line), Math.max(edges.get(columnOf(line)) ?? 0, line.right));
  const breaks = new Set<PdfLine>();
  for (let at = 1; at < lines.length; at++) {
    const before = lines[at - 1]!;
    const line = lines[at]!;
    if (Math.abs(before.endBottom - line.bottom) < heightOf(line) * 0.5) continue;
    const perCharacter = (line.right - line.left) / Math.max(1, line.text.length);
    const firstWord = (line.text.split(' ', 1)[0]!.length + 1) * perCharacter;
    const room = (edges.get(columnOf(before)) ?? before.right) - before.right;
    if (room > firstWord * 1.2 + heightOf(line) || (isFigures(before.text) && isFigures(line.text))) breaks.add(line);
  }
  return breaks;
}

/** Whether most words of a line hold digits. */
function isFigures(text: string): boolean {
  if (!/\d/.test(text)) return false;
  const words = text.split(/\s+/);
  return words.length >= 3 && words.filter((word) => /\d/.test(word)).length > words.length * 0.5;
}

/** Lines that belong together. */
function paragraphs(lines: PdfLine[], body: number, breaks: Set<PdfLine>): PdfLine[][] {
  const pitch = usualPitch(lines, body);
  const groups: PdfLine[][] = [];
  for (const line of lines) {
    const group = groups.at(-1);
    if (group && goesOn(group, line, pitch, breaks.has(line))) group.push(line);
    else groups.push([line]);
  }
  return groups;
}

function goesOn(group: PdfLine[], line: PdfLine, pitch: number, isForced: boolean): boolean {
  const before = group.at(-1)!;
  if (BULLET.test(line.text)) return false;
  const height = Math.max(1, heightOf(before));
  const step = before.endBottom - line.bottom;
  // A mark or a note sign in the same line may be smaller.
  if (Math.abs(step) < height * 0.5 && line.left >= before.left) return true;
  if (Math.abs(heightOf(line) - height) > height * 0.12) return false;
  const endsSentence = ENDS_SENTENCE.test(before.text);
  // Up the page: another column, where a sentence may go on.
  if (step < 0) return !endsSentence && /^\p{Ll}/u.test(line.text);
  if (step > Math.max(pitch, height) * 1.35) return false;
  if (NUMBERED.test(line.text) && (isForced || endsSentence)) return false;
  if (isForced && endsSentence) return false;
  // A first line that is indented opens a paragraph.
  return !(endsSentence && line.left > before.left + height * 0.8 && line.left < before.right);
}

/** The usual distance from line to line on a page: the median of the steps down it. */
function usualPitch(lines: PdfLine[], body: number): number {
  const steps: number[] = [];
  for (let at = 1; at < lines.length; at++) {
    const step = lines[at - 1]!.endBottom - lines[at]!.bottom;
    if (step > body * 0.5 && step < body * 3) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? body * 1.2;
}
