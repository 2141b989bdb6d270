import type { Block } from '../normalized.ts';
import type { Table } from './tables.ts';
import { tableBlocks } from './tables.ts';
import type { XmlEvents } from './xml.ts';

/** Placeholders whose text every slide has: date, footer, slide number, picture of the slide. */
const FURNITURE = new Set(['dt', 'ftr', 'sldNum', 'hdr', 'sldImg']);

/**
 * Walks the shapes of a slide or a notes page. `onGraphic` is called with the relation of a diagram or chart.
 * Source: ECMA-376 part 1, chapters 19 and 21
 */
export function createShapeReader(options: {
  add(block: Block): void;
  onTitle(text: string): void;
  onGraphic?(relationId: string | undefined): void;
}): XmlEvents {
  let placeholder: string | undefined;
  let table: Table | undefined;
  let text: string | undefined;
  let inText = false;
  let skipDepth = 0;

  const endParagraph = (): void => {
    const words = (text ?? '').replace(/[ \t]+/g, ' ').trim();
    text = undefined;
    if (words === '' || FURNITURE.has(placeholder ?? '')) return;
    const cell = table?.rows.at(-1)?.at(-1);
    if (cell) cell.blocks.push({ kind: 'paragraph', text: words });
    else if (placeholder === 'title' || placeholder === 'ctrTitle') options.onTitle(words);
    else
      options.add({ kind: placeholder === 'body' || placeholder === 'obj' ? 'list-item' : 'paragraph', text: words });
  };

  return {
    open(tag) {
      const { name } = tag;
      if (skipDepth > 0 || name === 'Fallback') return void skipDepth++;
      switch (name) {
        case 'sp':
        case 'graphicFrame':
          placeholder = undefined;
          return;
        case 'ph':
          // Without a type a placeholder holds the slide's content.
          placeholder = tag.attribute('type') ?? 'obj';
          return;
        case 'p':
          text = '';
          return;
        case 't':
          inText = true;
          return;
        case 'br':
          if (text !== undefined) text += '\n';
          return;
        case 'tbl':
          table = { rows: [], headed: false };
          return;
        case 'tblPr':
          if (table && tag.attribute('firstRow') === '1') table.headed = true;
          return;
        case 'tr':
          table?.rows.push([]);
          return;
        case 'tc':
          table?.rows.at(-1)?.push({ blocks: [] });
          return;
        case 'relIds':
          return options.onGraphic?.(tag.attribute('dm'));
        case 'chart':
          return options.onGraphic?.(tag.prefixed('id'));
      }
    },
    close(name) {
      if (skipDepth > 0) return void skipDepth--;
      if (name === 't') inText = false;
      else if (name === 'p') endParagraph();
      else if (name === 'tbl' && table) {
        for (const block of tableBlocks(table)) options.add(block);
        table = undefined;
      }
    },
    text(part) {
      if (inText && skipDepth === 0 && text !== undefined) text += part;
    },
  };
}
