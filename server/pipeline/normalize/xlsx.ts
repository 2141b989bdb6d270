import type { Block } from '../normalized.ts';
import { createBlockList, MAX_TEXT_CHARACTERS } from './block-list.ts';
import { ContentError } from '../normalized.ts';
import { readLoose } from './loose-text.ts';
import type { Normalized } from './normalize.ts';
import { coreTitle, relationsOf } from './ooxml.ts';
import { createRowWriter } from './xlsx-rows.ts';
import type { CellFormat } from './xlsx-values.ts';
import { formatOf, showValue } from './xlsx-values.ts';
import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

type Sheet = { name: string; part: string; hidden: boolean };
type Workbook = { strings: string[]; formats: CellFormat[]; date1904: boolean };

/**
 * A workbook, visible sheet by visible sheet: the sheet's name as heading, one row block a row with its table's header, anchors like
 * "Sheet1!A1:C1", then the words of text boxes. Values are shown as people read them: dates in ISO form, percentages, TRUE and FALSE.
 * Errors: ContentError `corrupt`, `too_large`.
 */
export async function normalizeXlsx(zip: Zip): Promise<Normalized> {
  const main =
    (await relationsOf(zip, '')).find(({ type }) => type.endsWith('/officeDocument'))?.target ?? 'xl/workbook.xml';
  const relations = await relationsOf(zip, main);
  const partOf = (type: string) =>
    relations.find((each) => each.type.endsWith(`/${type}`) && zip.has(each.target))?.target;
  const targets = new Map(relations.map(({ id, target }) => [id, target]));
  const sheets: Sheet[] = [];
  let date1904 = false;
  await walkXml(zip, main, {
    open(tag) {
      if (tag.name === 'workbookPr') date1904 = /^(1|true)$/.test(tag.attribute('date1904') ?? '');
      if (tag.name !== 'sheet') return;
      const part = targets.get(tag.prefixed('id') ?? '');
      const hidden = /hidden/i.test(tag.attribute('state') ?? '');
      if (part && zip.has(part)) sheets.push({ name: tag.attribute('name') ?? '', part, hidden });
    },
  });
  const workbook: Workbook = {
    strings: await readStrings(zip, partOf('sharedStrings')),
    formats: await readFormats(zip, partOf('styles')),
    date1904,
  };
  const list = createBlockList();
  const visible = sheets.filter(({ hidden }) => !hidden);
  for (const sheet of visible.length > 0 ? visible : sheets) await readSheet(zip, sheet, workbook, list.add);
  return { title: await coreTitle(zip), blocks: list.blocks };
}

async function readSheet(zip: Zip, sheet: Sheet, workbook: Workbook, addBlock: (block: Block) => void): Promise<void> {
  let named = false;
  const add = (block: Block): void => {
    if (!named) addBlock({ kind: 'heading', level: 1, text: sheet.name });
    named = true;
    addBlock(block);
  };
  const rows = createRowWriter(sheet.name, add);
  let cells: string[] = [];
  let rowNumber = 0;
  let column = -1;
  let type = 'n';
  let format: CellFormat = 'general';
  let value = '';
  let collecting = false;
  let phonetic = 0;
  await walkXml(zip, sheet.part, {
    open(tag) {
      switch (tag.name) {
        case 'row':
          rowNumber = Number(tag.attribute('r') ?? rowNumber + 1);
          cells = [];
          column = -1;
          return;
        case 'c': {
          const at = tag.attribute('r');
          column = at === undefined ? column + 1 : columnOf(at);
          type = tag.attribute('t') ?? 'n';
          format = workbook.formats[Number(tag.attribute('s') ?? 0)] ?? 'general';
          value = '';
          return;
        }
        case 'rPh':
          phonetic++;
          return;
        case 'v':
          collecting = true;
          return;
        case 't':
          collecting = phonetic === 0;
      }
    },
    close(name) {
      if (name === 'v' || name === 't') collecting = false;
      else if (name === 'rPh') phonetic--;
      else if (name === 'row') rows.add(rowNumber, cells);
      else if (name === 'c' && value !== '') {
        // The last column Excel has is XFD; anything beyond is no cell.
        if (column < 0 || column > 16_383) return;
        while (cells.length < column) cells.push('');
        cells[column] = show();
      }
    },
    text(text) {
      if (collecting) value += text;
    },
  });
  function show(): string {
    if (type === 's') return workbook.strings[Number(value)] ?? '';
    if (type === 'n') return showValue(value, format, workbook.date1904);
    if (type === 'b') return value === '1' || value === 'true' ? 'TRUE' : 'FALSE';
    return value
      .replace(/_x000D_/g, '')
      .replace(/\s+/g, ' ')
      .trim();
  }
  for (const { type, target } of await relationsOf(zip, sheet.part))
    if (type.endsWith('/drawing') && zip.has(target))
      for (const { text } of await readLoose(zip, target)) add({ kind: 'paragraph', text });
}

/** Shared strings in one line each; phonetic guides are left out. */
async function readStrings(zip: Zip, part: string | undefined): Promise<string[]> {
  const strings: string[] = [];
  if (!part) return strings;
  let text = '';
  let inText = false;
  let phonetic = 0;
  let characters = 0;
  await walkXml(zip, part, {
    open({ name }) {
      if (name === 'si') text = '';
      else if (name === 'rPh') phonetic++;
      else if (name === 't') inText = phonetic === 0;
    },
    close(name) {
      if (name === 't') inText = false;
      else if (name === 'rPh') phonetic--;
      else if (name === 'si') {
        characters += text.length;
        if (characters > 2 * MAX_TEXT_CHARACTERS)
          throw new ContentError(
            'too_large',
            'The workbook holds too much text; split it into several files and import those.',
          );
        strings.push(
          text
            .replace(/_x000D_/g, '')
            .replace(/\s+/g, ' ')
            .trim(),
        );
      }
    },
    text(part) {
      if (inText) text += part;
    },
  });
  return strings;
}

/** The format of each cell style, by its index. */
async function readFormats(zip: Zip, part: string | undefined): Promise<CellFormat[]> {
  const codes = new Map<number, string>();
  const formats: CellFormat[] = [];
  if (!part) return formats;
  let inCellStyles = false;
  await walkXml(zip, part, {
    open(tag) {
      if (tag.name === 'numFmt') codes.set(Number(tag.attribute('numFmtId')), tag.attribute('formatCode') ?? '');
      else if (tag.name === 'cellXfs') inCellStyles = true;
      else if (tag.name === 'xf' && inCellStyles) {
        const id = Number(tag.attribute('numFmtId') ?? 0);
        formats.push(formatOf(id, codes.get(id)));
      }
    },
    close(name) {
      if (name === 'cellXfs') inCellStyles = false;
    },
  });
  return formats;
}

/** Zero-based column of a cell's address: of "AB12" it is 27. */
function columnOf(address: string): number {
  let column = 0;
  for (let at = 0; at < address.length; at++) {
    const letter = address.charCodeAt(at) & ~32;
    if (letter < 65 || letter > 90) break;
    column = column * 26 + letter - 64;
  }
  return column - 1;
}
