import type { Block } from '../normalized.ts';
import type { OdfStyles } from './odf-styles.ts';
import { createOpenTables } from './open-tables.ts';
import type { XmlEvents, XmlTag } from './xml.ts';

type Paragraph = {
  text: string;
  kind: Block['kind'];
  level?: number;
  isTitle: boolean;
  /** How many tables stand open around it. */
  tables: number;
  /** Notes and text boxes that are anchored in it. */
  after: Block[];
};

/**
 * Content that is no part of the document as it reads: what was deleted, marks of notes, what indexes are made from and tables of contents,
 * hidden text, reading aids, forms and scripts. Sound and pictures may stand in the file as base64.
 */
const SKIPPED = new Set([
  ...['tracked-changes', 'note-citation', 'table-of-content', 'table-of-content-source', 'illustration-index'],
  ...['table-index', 'object-index', 'user-index', 'alphabetical-index', 'bibliography-source', 'hidden-text'],
  ...['hidden-paragraph', 'ruby-text', 'forms', 'scripts', 'script', 'event-listeners', 'binary-data', 'desc'],
  ...['page-thumbnail', 'math'],
]);
/** What a picture's or table's own title may stand in; elsewhere a `title` is a field with the document's. */
const DRAWN = /^(frame|table|g|page|custom-shape|rect|line|polyline|polygon|path|circle|ellipse|connector|caption)$/;

/**
 * Walks the body of an OpenDocument text, a slide, a header: headings, paragraphs, list items, tables; notes and text boxes after the
 * paragraph they are anchored in. Source: OpenDocument 1.3 part 3, chapters 5 to 10
 */
export function createOdfBody(options: {
  add(block: Block): void;
  styles: OdfStyles;
  onTitle?(text: string): void;
  onComment?(text: string): void;
}): XmlEvents {
  const paragraphs: Paragraph[] = [];
  const parents: string[] = [];
  const lists: number[] = [0];
  let comment: { paragraphs: number; texts: string[] } | undefined;
  let openTables = 0;
  let inHeaderRows = false;
  let skipDepth = 0;

  const page = (block: Block): void => {
    const around = paragraphs.at(-1);
    if (around) around.after.push(block);
    else options.add(block);
  };
  const tables = createOpenTables(page);
  const emit = (block: Block): void => {
    const around = paragraphs.at(-1);
    // What is anchored in a paragraph of a cell belongs into the same cell, after the paragraph.
    if (around?.tables === openTables) around.after.push(block);
    else tables.add(block);
  };
  const write = (text: string): void => {
    const paragraph = paragraphs.at(-1);
    // Beside its paragraphs, a comment holds its author and date.
    if (paragraph && !(comment && comment.paragraphs === paragraphs.length)) paragraph.text += text;
  };

  const isSkipped = (tag: XmlTag): boolean => {
    const { name } = tag;
    if (SKIPPED.has(name)) return true;
    if (name === 'title') return DRAWN.test(parents.at(-1) ?? '');
    if (name === 'section') return tag.attribute('display') === 'none';
    if (name === 'span') return options.styles.textStyle('text', tag.attribute('style-name')).isHidden;
    if (name === 'p' || name === 'h')
      return options.styles.textStyle('paragraph', tag.attribute('style-name')).isHidden;
    return false;
  };
  const beginParagraph = (tag: XmlTag): void => {
    const style = options.styles.textStyle('paragraph', tag.attribute('style-name'));
    const level = tag.name === 'h' ? Math.max(1, Math.min(6, Number(tag.attribute('outline-level')) || 1)) : undefined;
    const kind =
      level !== undefined || style.isTitle
        ? 'heading'
        : lists.at(-1)! > 0
          ? 'list-item'
          : style.isCaption
            ? 'caption'
            : 'paragraph';
    paragraphs.push({ text: '', kind, level: level ?? 1, isTitle: style.isTitle, tables: openTables, after: [] });
  };
  const endParagraph = (): void => {
    const { text, kind, level, isTitle, after } = paragraphs.pop()!;
    const words = text
      .replace(/[ \t]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .trim();
    if (words !== '') {
      if (comment) comment.texts.push(words);
      // A paragraph this long is running text, whatever its style says.
      else if (kind === 'heading' && words.length <= 300) {
        if (isTitle) options.onTitle?.(words);
        emit({ kind, level, text: words });
      } else emit({ kind: kind === 'heading' ? 'paragraph' : kind, text: words });
    }
    for (const block of after) emit(block);
  };

  return {
    open(tag) {
      if (skipDepth > 0 || isSkipped(tag)) return void skipDepth++;
      const { name } = tag;
      parents.push(name);
      switch (name) {
        case 'p':
        case 'h':
          return beginParagraph(tag);
        case 's':
          // Runs of spaces say no more than one.
          return write(' ');
        case 'tab':
          return write('\t');
        case 'line-break':
          return write('\n');
        case 'list-item':
          lists[lists.length - 1]!++;
          return;
        case 'note-body':
          return void lists.push(0);
        case 'annotation':
          comment ??= { paragraphs: paragraphs.length, texts: [] };
          return;
        case 'table':
          openTables++;
          tables.begin();
          if (tag.attribute('use-first-row-styles') === 'true') tables.setHead(true);
          return;
        case 'table-header-rows':
          inHeaderRows = true;
          return tables.setHead(true);
        case 'table-row':
          return tables.addRow();
        case 'table-cell':
          return tables.addCell({
            isHeader: false,
            colspan: Number(tag.attribute('number-columns-spanned') ?? tag.attribute('number-columns-repeated')) || 1,
            rowspan: Number(tag.attribute('number-rows-spanned')) || 1,
          });
      }
    },
    close(name) {
      if (skipDepth > 0) return void skipDepth--;
      parents.pop();
      switch (name) {
        case 'p':
        case 'h':
          return endParagraph();
        case 'list-item':
          lists[lists.length - 1]!--;
          return;
        case 'note-body':
          return void lists.pop();
        case 'annotation':
          if (comment?.paragraphs !== paragraphs.length) return;
          if (comment.texts.length > 0) options.onComment?.(comment.texts.join('\n'));
          comment = undefined;
          return;
        case 'table':
          tables.end();
          openTables--;
          return;
        case 'table-header-rows':
          inHeaderRows = false;
          return tables.setHead(false);
        case 'table-row':
          return tables.setHead(inHeaderRows);
      }
    },
    text(text) {
      if (skipDepth === 0 && paragraphs.length > 0) write(text.replace(/\s+/g, ' '));
    },
  };
}
