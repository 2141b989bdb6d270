import type { Block } from './normalized.ts';

/** The text for people: blocks in order, rows and list items on lines of their own, all else set off by empty lines. */
export function documentText(blocks: Block[]): string {
  const parts: string[] = [];
  let previous: Block['kind'] | undefined;
  for (const { kind, text } of blocks) {
    if (previous !== undefined) parts.push(previous === kind && isLine(kind) ? '\n' : '\n\n');
    parts.push(kind === 'list-item' ? `- ${text}` : text);
    previous = kind;
  }
  return parts.join('');
}

const isLine = (kind: Block['kind']): boolean => kind === 'table-row' || kind === 'list-item';
