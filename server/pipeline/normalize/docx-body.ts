import type { Block } from '../normalized.ts';
import type { ParagraphStyle } from './docx-styles.ts';
import { isOn } from './docx-styles.ts';
import type { Table } from './tables.ts';
import { tableBlocks } from './tables.ts';
import type { XmlEvents, XmlTag } from './xml.ts';

type Paragraph = { text: string; styleId?: string; outline?: number; inList: boolean; notes: string[]; after: Block[] };
type OpenTable = Table & { deletedRow: boolean };
/** Where blocks go: the body, a table cell or a text box. */
type Sink = { add(block: Block): void };

/** Content that is not part of the document as it reads: deleted, moved away, replaced by a newer drawing, codes of fields. */
const SKIPPED = new Set(['del', 'moveFrom', 'Fallback', 'instrText', 'delText', 'delInstrText', 'rt']);

/**
 * Walks the body of a Word part (document, footnotes, headers). `onNote` gives the text of a footnote or endnote by its reference;
 * it follows the paragraph that refers to it. Source: ECMA-376 part 1, chapter 17
 */
export function createBodyReader(options: {
  add(block: Block): void;
  styleOf(id: string | undefined): ParagraphStyle;
  onTitle?(text: string): void;
  noteText?(kind: 'footnote' | 'endnote', id: string): string | undefined;
}): XmlEvents {
  const paragraphs: Paragraph[] = [];
  const tables: OpenTable[] = [];
  // Text boxes stand inside a paragraph of the text; what they hold comes after it.
  const boxes: { depth: number; after: Block[]; tables: number }[] = [];
  let skipDepth = 0;
  let propertiesDepth = 0;
  let rowPropertiesDepth = 0;
  let inText = 0;

  const sink = (): Sink => {
    const box = boxes.at(-1);
    const cell = tables.length > (box?.tables ?? 0) ? tables.at(-1)!.rows.at(-1)?.at(-1) : undefined;
    if (cell) return { add: (block) => void cell.blocks.push(block) };
    if (box) return { add: (block) => void box.after.push(block) };
    return options;
  };
  const write = (text: string): void => {
    const paragraph = paragraphs.at(-1);
    if (paragraph) paragraph.text += text;
  };
  const endParagraph = (): void => {
    const paragraph = paragraphs.pop();
    if (!paragraph) return;
    const style = options.styleOf(paragraph.styleId);
    const text = paragraph.text.replace(/[ \t]+/g, ' ').trim();
    const level =
      paragraph.outline === undefined
        ? style.level
        : paragraph.outline < 9
          ? Math.min(6, paragraph.outline + 1)
          : undefined;
    const to = sink();
    if (text !== '') {
      if (style.isTitle) options.onTitle?.(text);
      // A paragraph this long is running text, whatever its style says.
      if ((level !== undefined || style.isTitle) && text.length <= 300)
        to.add({ kind: 'heading', level: level ?? 1, text });
      else
        to.add({ kind: paragraph.inList || (style.isList && level === undefined) ? 'list-item' : 'paragraph', text });
    }
    for (const note of paragraph.notes) to.add({ kind: 'paragraph', text: note });
    for (const block of paragraph.after) to.add(block);
  };
  const endTable = (): void => {
    const table = tables.pop();
    if (!table) return;
    const to = sink();
    for (const block of tableBlocks(table)) to.add(block);
  };

  return {
    open(tag) {
      const { name } = tag;
      const inProperties = propertiesDepth > 0 || rowPropertiesDepth > 0;
      // `pPrChange` and its like hold what the properties were before a tracked change.
      if (skipDepth > 0 || name.endsWith('Change') || (SKIPPED.has(name) && !inProperties)) {
        skipDepth++;
        return;
      }
      if (inProperties) {
        if (propertiesDepth > 0) propertiesDepth++;
        else rowPropertiesDepth++;
        readProperty(tag);
        return;
      }
      switch (name) {
        case 'p':
          return void paragraphs.push({ text: '', inList: false, notes: [], after: [] });
        case 'pPr':
          propertiesDepth = 1;
          return;
        case 'trPr':
          rowPropertiesDepth = 1;
          return;
        case 't':
          inText++;
          return;
        case 'tab':
        case 'ptab':
          return write('\t');
        case 'br':
        case 'cr':
          return write('\n');
        case 'noBreakHyphen':
          return write('-');
        case 'footnoteReference':
        case 'endnoteReference': {
          const note = options.noteText?.(
            name === 'footnoteReference' ? 'footnote' : 'endnote',
            tag.attribute('id') ?? '',
          );
          if (note) paragraphs.at(-1)?.notes.push(note);
          return;
        }
        case 'textpath':
          return write(` ${tag.attribute('string') ?? ''} `);
        case 'tbl':
          return void tables.push({ rows: [], headed: false, deletedRow: false });
        case 'tr':
          if (tables.length > 0) tables.at(-1)!.rows.push([]);
          return;
        case 'tc':
          return void tables.at(-1)?.rows.at(-1)?.push({ blocks: [] });
        case 'txbxContent':
          boxes.push({ depth: paragraphs.length, after: [], tables: tables.length });
          return;
      }
    },
    close(name) {
      if (skipDepth > 0) return void skipDepth--;
      if (propertiesDepth > 0) return void propertiesDepth--;
      if (rowPropertiesDepth > 0) return void rowPropertiesDepth--;
      switch (name) {
        case 'p':
          return endParagraph();
        case 't':
          inText--;
          return;
        case 'tbl':
          return endTable();
        case 'tr': {
          const table = tables.at(-1);
          if (table?.deletedRow) table.rows.pop();
          if (table) table.deletedRow = false;
          return;
        }
        case 'txbxContent': {
          const box = boxes.pop();
          if (box) (paragraphs.at(-1)?.after ?? []).push(...box.after);
          return;
        }
      }
    },
    text(text) {
      if (inText > 0 && skipDepth === 0) write(text);
    },
  };

  function readProperty(tag: XmlTag): void {
    const { name } = tag;
    const paragraph = paragraphs.at(-1);
    const table = tables.at(-1);
    if (rowPropertiesDepth > 0) {
      if (!table) return;
      if (name === 'tblHeader' && isOn(tag.attribute('val')) && table.rows.length === 1) table.headed = true;
      if (name === 'del') table.deletedRow = true;
    } else if (!paragraph) return;
    else if (name === 'pStyle') paragraph.styleId = tag.attribute('val');
    else if (name === 'outlineLvl') paragraph.outline = Number(tag.attribute('val'));
    else if (name === 'numId') paragraph.inList = tag.attribute('val') !== '0';
  }
}
