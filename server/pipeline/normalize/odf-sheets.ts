import type { Block } from '../normalized.ts';
import { createRowWriter } from './xlsx-rows.ts';
import { showValue } from './xlsx-values.ts';
import type { OdfStyles } from './odf-styles.ts';
import type { XmlEvents, XmlTag } from './xml.ts';

/** How often a row or cell that says something is written where the file only says how often it is repeated, and in all. */
const MAX_ROW_REPEATS = 100;
const MAX_CELL_REPEATS = 256;
const MAX_REPEATED_CHARACTERS = 1_000_000;
/** As large as sheets get in LibreOffice and Excel. */
const MAX_COLUMNS = 16_384;
const MAX_ROWS = 1_048_576;

type OpenSheet = { rows: ReturnType<typeof createRowWriter>; add(block: Block): void; row: number };
type OpenCell = { type?: string; value?: string; repeats: number; lines: string[]; isCovered: boolean };

const SKIPPED = new Set(['tracked-changes', 'forms', 'scripts', 'event-listeners', 'title', 'desc', 'binary-data']);

/**
 * Walks the sheets of an OpenDocument spreadsheet: the sheet's name as heading, one row block a row with its table's header, then comments
 * and the words of shapes. Rows and cells that the file repeats are repeated within bounds; empty ones cost nothing.
 * Source: OpenDocument 1.3 part 3, chapter 9
 */
export function createOdfSheets(options: {
  add(block: Block): void;
  styles: OdfStyles;
  /** Reads hidden sheets, which are left out otherwise. */
  withHidden: boolean;
}): XmlEvents & { hasHidden(): boolean } {
  let sheet: OpenSheet | undefined;
  let depth = 0;
  let skipDepth = 0;
  let hasHidden = false;
  let cells: string[] = [];
  let emptyCells = 0;
  let rowRepeats = 1;
  let cell: OpenCell | undefined;
  let comment: string[] | undefined;
  /** Where the words of a shape beside or above the cells are gathered. */
  let shape: string[] | undefined;
  let asides: Block[] = [];
  let text: string | undefined;
  let spare = MAX_REPEATED_CHARACTERS;

  const openSheet = (tag: XmlTag): OpenSheet => {
    const name = tag.attribute('name') ?? '';
    let named = false;
    const add = (block: Block): void => {
      if (!named) options.add({ kind: 'heading', level: 1, text: name });
      named = true;
      options.add(block);
    };
    return { rows: createRowWriter(name, add), add, row: 0 };
  };
  const endCell = (): void => {
    if (!cell) return;
    const { repeats, isCovered } = cell;
    const shown = isCovered ? '' : show(cell);
    cell = undefined;
    if (shown === '') {
      // Beyond the last cell that says something there is nothing to keep.
      emptyCells += repeats;
      return;
    }
    for (; emptyCells > 0 && cells.length < MAX_COLUMNS; emptyCells--) cells.push('');
    emptyCells = 0;
    for (let at = 0; at < Math.min(repeats, MAX_CELL_REPEATS) && cells.length < MAX_COLUMNS; at++) {
      if (at > 0 && (spare -= shown.length + 1) < 0) break;
      cells.push(shown);
    }
  };
  const endRow = (): void => {
    if (!sheet) return;
    const length = cells.reduce((sum, each) => sum + each.length + 1, 0);
    const written = length === 0 ? 0 : Math.min(rowRepeats, MAX_ROW_REPEATS, MAX_ROWS - sheet.row);
    for (let at = 0; at < written; at++) {
      if (at > 0 && (spare -= length) < 0) break;
      sheet.rows.add(sheet.row + 1 + at, cells);
    }
    sheet.row += rowRepeats;
  };
  const endParagraph = (): void => {
    const words = (text ?? '').replace(/\s+/g, ' ').trim();
    text = undefined;
    if (words !== '') (comment ?? shape ?? cell?.lines)?.push(words);
  };
  const aside = (words: string[], mark: string): void => {
    if (words.length > 0) asides.push({ kind: 'paragraph', text: mark + words.join(' ') });
  };

  return {
    hasHidden: () => hasHidden,
    open(tag) {
      const { name } = tag;
      if (skipDepth > 0 || SKIPPED.has(name)) return void skipDepth++;
      switch (name) {
        case 'table':
          if (depth++ > 0) return;
          if (options.styles.isHiddenSheet(tag.attribute('style-name'))) {
            hasHidden = true;
            if (!options.withHidden) {
              depth--;
              skipDepth++;
              return;
            }
          }
          sheet = openSheet(tag);
          return;
        case 'table-row':
          cells = [];
          emptyCells = 0;
          rowRepeats = countOf(tag.attribute('number-rows-repeated'));
          return;
        case 'table-cell':
        case 'covered-table-cell':
          cell = {
            type: tag.attribute('value-type'),
            value: valueOf(tag),
            repeats: countOf(tag.attribute('number-columns-repeated')),
            lines: [],
            isCovered: name !== 'table-cell',
          };
          return;
        case 'annotation':
          comment = [];
          return;
        case 'text-box':
        case 'custom-shape':
          shape ??= [];
          return;
        case 'p':
          text = '';
          return;
        case 's':
        case 'tab':
        case 'line-break':
          if (text !== undefined) text += ' ';
      }
    },
    close(name) {
      if (skipDepth > 0) return void skipDepth--;
      switch (name) {
        case 'p':
          return endParagraph();
        case 'annotation':
          aside(comment ?? [], 'Comment: ');
          comment = undefined;
          return;
        case 'text-box':
        case 'custom-shape':
          aside(shape ?? [], '');
          shape = undefined;
          return;
        case 'table-cell':
        case 'covered-table-cell':
          return endCell();
        case 'table-row':
          return endRow();
        case 'table':
          if (--depth > 0 || !sheet) return;
          for (const block of asides) sheet.add(block);
          asides = [];
          sheet = undefined;
      }
    },
    text(part) {
      if (skipDepth === 0 && text !== undefined) text += part;
    },
  };
}

const valueOf = (tag: XmlTag): string | undefined => {
  for (const name of ['date-value', 'boolean-value', 'value', 'string-value']) {
    const value = tag.attribute(name);
    if (value !== undefined) return value;
  }
  return undefined;
};

/** A cell as in other spreadsheets: dates in ISO form, percentages, TRUE and FALSE, numbers without their ornament; all else as it is shown. */
function show({ type, value, lines }: OpenCell): string {
  const shown = lines.join(' ');
  if (value === undefined) return shown;
  switch (type) {
    case 'date':
      return value.replace(/T00:00(:00(\.0+)?)?$/, '').replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:00(\.0+)?)?/, '$1 $2');
    case 'boolean':
      return value.toUpperCase();
    case 'float':
      return showValue(value, 'general', false);
    case 'percentage':
      return showValue(value, 'percent', false);
  }
  return shown || (type === 'string' ? value.replace(/\s+/g, ' ').trim() : '');
}

const countOf = (repeats: string | undefined): number => {
  const count = Math.floor(Number(repeats ?? 1));
  return count >= 1 && count <= MAX_ROWS ? count : count > 1 ? MAX_ROWS : 1;
};
