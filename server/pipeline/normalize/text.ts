import { createBlockList } from './block-list.ts';
import type { Normalized } from './normalize.ts';

/**
 * Plain text: a paragraph wherever an empty line stands. Lines that were broken at a fixed width are joined again; short lines
 * (addresses, verses, logs) stay lines.
 */
export function normalizeText(text: string): Normalized {
  const list = createBlockList();
  let lines: string[] = [];
  const end = () => {
    if (lines.length > 0) list.add({ kind: 'paragraph', text: joinLines(lines) });
    lines = [];
  };
  for (let from = 0; from < text.length;) {
    const at = text.indexOf('\n', from);
    const to = at < 0 ? text.length : at;
    const line = text.slice(from, to).trimEnd();
    if (line.trim() === '') end();
    else lines.push(line);
    // A log of a million lines has no empty one.
    if (lines.length >= 200) end();
    from = to + 1;
  }
  end();
  return { blocks: list.blocks };
}

/** Joins lines of about one length that end in mid-sentence; all others keep their breaks. */
export function joinLines(lines: string[]): string {
  const widest = Math.max(...lines.map((line) => line.length));
  const wrapped =
    lines.length > 1 &&
    widest >= 50 &&
    widest <= 120 &&
    lines.slice(0, -1).every((line) => line.length >= widest * 0.6);
  if (!wrapped) return lines.join('\n');
  return lines.map((line, at) => (at === 0 ? line : line.trimStart())).join(' ');
}
