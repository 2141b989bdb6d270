/** What a sample document consists of, before it becomes a docx, xlsx, pptx or pdf. */
export type Block =
  | { kind: 'heading'; level: 1 | 2 | 3; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; ordered: boolean; items: string[] }
  | { kind: 'table'; rows: string[][] }
  | { kind: 'break' };

const BULLET = /^- (.*)$/;
const NUMBERED = /^\d+\. (.*)$/;
const TABLE_RULE = /^\|[\s:|-]+\|$/;

/** Reads the small part of Markdown the sample sources use: `#` to `###`, paragraphs, flat lists, pipe tables, `---` for a new page. */
export const parseBlocks = (markdown: string): Block[] =>
  markdown
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .flatMap((text) => {
      const lines = text.split('\n');
      const heading = /^(#{1,3}) (.*)$/.exec(lines[0] ?? '');
      if (!heading) return [parseLines(lines)];
      const level = (heading[1] ?? '#').length as 1 | 2 | 3;
      const first: Block = { kind: 'heading', level, text: heading[2] ?? '' };
      return lines.length > 1 ? [first, parseLines(lines.slice(1))] : [first];
    });

const parseLines = (lines: string[]): Block => {
  const first = lines[0] ?? '';
  if (first === '---') return { kind: 'break' };
  if (first.startsWith('|')) return { kind: 'table', rows: lines.filter((line) => !TABLE_RULE.test(line)).map(cells) };
  if (BULLET.test(first)) return { kind: 'list', ordered: false, items: items(lines, BULLET) };
  if (NUMBERED.test(first)) return { kind: 'list', ordered: true, items: items(lines, NUMBERED) };
  return { kind: 'paragraph', text: lines.join(' ') };
};

const cells = (line: string): string[] =>
  line
    .slice(1, line.lastIndexOf('|'))
    .split('|')
    .map((cell) => cell.trim());

/** A line without a marker goes on with the item above it. */
const items = (lines: string[], marker: RegExp): string[] =>
  lines.reduce<string[]>((found, line) => {
    const item = marker.exec(line)?.[1];
    if (item !== undefined) return [...found, item];
    return [...found.slice(0, -1), `${found.at(-1) ?? ''} ${line.trim()}`];
  }, []);

/** Cuts at each `---`; pieces that hold nothing are left out. */
export const splitAtBreaks = (blocks: Block[]): Block[][] => {
  const parts: Block[][] = [[]];
  for (const block of blocks) {
    if (block.kind === 'break') parts.push([]);
    else parts.at(-1)?.push(block);
  }
  return parts.filter((part) => part.length > 0);
};
