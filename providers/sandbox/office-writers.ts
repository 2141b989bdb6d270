import { strToU8, zipSync } from 'fflate';
import type { Zippable } from 'fflate';
import type { Block } from './blocks.ts';

/**
 * Small writers for the sample documents: the fewest parts with which Word, Excel, PowerPoint and LibreOffice open a file without
 * repairing it. Shapes after ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/
 */
export type Sheet = { name: string; rows: string[][] };
export type Slide = { title: string; lines: string[] };

// Zip keeps local time: made from local parts, the date gives the same bytes in every time zone.
const ZIP_DATE = new Date(2026, 0, 1, 12);
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006';
const RELATION = `${OFFICE}/relationships`;
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const WORD = 'application/vnd.openxmlformats-officedocument.wordprocessingml';
const EXCEL = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const POWERPOINT = 'application/vnd.openxmlformats-officedocument.presentationml';

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const relations = (targets: [type: string, target: string][]): string =>
  `<Relationships xmlns="${PACKAGE}/relationships">${targets
    .map(([type, target], at) => `<Relationship Id="rId${at + 1}" Type="${RELATION}/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`;

/** Zips the parts (XML without its declaration) behind the content types that name each of them. */
const packageOf = (main: string, parts: [path: string, type: string | undefined, xml: string][]): Buffer => {
  const types = parts
    .filter(([, type]) => type !== undefined)
    .map(([path, type]) => `<Override PartName="/${path}" ContentType="${type}"/>`);
  const all: [string, string][] = [
    [
      '[Content_Types].xml',
      `<Types xmlns="${PACKAGE}/content-types">` +
        `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
        `<Default Extension="xml" ContentType="application/xml"/>${types.join('')}</Types>`,
    ],
    ['_rels/.rels', relations([['officeDocument', main]])],
    ...parts.map(([path, , xml]): [string, string] => [path, xml]),
  ];
  const zippable: Zippable = {};
  for (const [path, xml] of all) zippable[path] = [strToU8(XML + xml), { mtime: ZIP_DATE, os: 0 }];
  return Buffer.from(zipSync(zippable, { level: 6 }));
};

const WORD_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';

const wordParagraph = (text: string, properties = ''): string =>
  `<w:p>${properties ? `<w:pPr>${properties}</w:pPr>` : ''}<w:r><w:t xml:space="preserve">${escape(text)}</w:t></w:r></w:p>`;

const wordTable = (rows: string[][]): string => {
  const columns = Math.max(...rows.map((row) => row.length));
  const width = Math.floor(9000 / columns);
  const grid = `<w:tblGrid>${`<w:gridCol w:w="${width}"/>`.repeat(columns)}</w:tblGrid>`;
  const body = rows.map((row, at) => {
    const cells = Array.from({ length: columns }, (_, column) => row[column] ?? '').map(
      (cell) => `<w:tc><w:tcPr><w:tcW w:w="${width}" w:type="dxa"/></w:tcPr>${wordParagraph(cell)}</w:tc>`,
    );
    return `<w:tr>${at === 0 ? '<w:trPr><w:tblHeader/></w:trPr>' : ''}${cells.join('')}</w:tr>`;
  });
  const style = '<w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="9000" w:type="dxa"/></w:tblPr>';
  // Word wants a paragraph between two tables, else it joins them.
  return `<w:tbl>${style}${grid}${body.join('')}</w:tbl><w:p/>`;
};

const wordStyles = (): string => {
  const heading = (level: number, halfPoints: number): string =>
    `<w:style w:type="paragraph" w:styleId="Heading${level}"><w:name w:val="heading ${level}"/><w:basedOn w:val="Normal"/>` +
    `<w:next w:val="Normal"/><w:qFormat/><w:pPr><w:keepNext/><w:spacing w:before="240" w:after="80"/>` +
    `<w:outlineLvl w:val="${level - 1}"/></w:pPr><w:rPr><w:b/><w:sz w:val="${halfPoints}"/></w:rPr></w:style>`;
  const borders = ['top', 'left', 'bottom', 'right', 'insideH', 'insideV']
    .map((side) => `<w:${side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>`)
    .join('');
  return (
    `<w:styles ${WORD_NAMESPACE}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" ` +
    `w:eastAsia="Yu Gothic"/><w:sz w:val="22"/></w:rPr></w:rPrDefault></w:docDefaults>` +
    `<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>` +
    `<w:pPr><w:spacing w:after="120"/></w:pPr></w:style>${heading(1, 36)}${heading(2, 28)}${heading(3, 24)}` +
    `<w:style w:type="paragraph" w:styleId="ListParagraph"><w:name w:val="List Paragraph"/><w:basedOn w:val="Normal"/></w:style>` +
    `<w:style w:type="table" w:styleId="TableGrid"><w:name w:val="Table Grid"/><w:tblPr><w:tblBorders>${borders}` +
    `</w:tblBorders></w:tblPr></w:style></w:styles>`
  );
};

/** Number 1 is the bullet; each numbered list has a number of its own, so that it starts at 1 again. */
const wordNumbering = (numberedLists: number): string => {
  const abstract = (id: number, format: string, text: string): string =>
    `<w:abstractNum w:abstractNumId="${id}"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="${format}"/>` +
    `<w:lvlText w:val="${text}"/><w:lvlJc w:val="left"/><w:pPr><w:ind w:left="720" w:hanging="360"/></w:pPr></w:lvl></w:abstractNum>`;
  const numbered = Array.from(
    { length: numberedLists },
    (_, at) =>
      `<w:num w:numId="${at + 2}"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>`,
  );
  return (
    `<w:numbering ${WORD_NAMESPACE}>${abstract(0, 'bullet', '•')}${abstract(1, 'decimal', '%1.')}` +
    `<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>${numbered.join('')}</w:numbering>`
  );
};

/** A Word document with real heading styles, numbering, tables and page breaks. The same blocks give the same bytes. */
export const docx = (blocks: Block[]): Buffer => {
  let numberedLists = 0;
  const body = blocks.map((block) => {
    if (block.kind === 'heading') return wordParagraph(block.text, `<w:pStyle w:val="Heading${block.level}"/>`);
    if (block.kind === 'paragraph') return wordParagraph(block.text);
    if (block.kind === 'table') return wordTable(block.rows);
    if (block.kind === 'break') return '<w:p><w:r><w:br w:type="page"/></w:r></w:p>';
    const number = block.ordered ? (numberedLists += 1) + 1 : 1;
    const properties = `<w:pStyle w:val="ListParagraph"/><w:numPr><w:ilvl w:val="0"/><w:numId w:val="${number}"/></w:numPr>`;
    return block.items.map((item) => wordParagraph(item, properties)).join('');
  });
  const section =
    '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1417" w:right="1417" w:bottom="1134" w:left="1417" w:header="708" w:footer="708" w:gutter="0"/></w:sectPr>';
  return packageOf('word/document.xml', [
    [
      'word/document.xml',
      `${WORD}.document.main+xml`,
      `<w:document ${WORD_NAMESPACE}><w:body>${body.join('')}${section}</w:body></w:document>`,
    ],
    ['word/styles.xml', `${WORD}.styles+xml`, wordStyles()],
    ['word/numbering.xml', `${WORD}.numbering+xml`, wordNumbering(numberedLists)],
    [
      'word/_rels/document.xml.rels',
      undefined,
      relations([
        ['styles', 'styles.xml'],
        ['numbering', 'numbering.xml'],
      ]),
    ],
  ]);
};

const EXCEL_NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const EXCEL_STYLES =
  `<styleSheet ${EXCEL_NAMESPACE}><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
  `<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>` +
  `<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
  `<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">` +
  `<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
  `<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
  `<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>` +
  `<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;

const columnName = (index: number): string =>
  (index >= 26 ? columnName(Math.floor(index / 26) - 1) : '') + String.fromCharCode(65 + (index % 26));

/** Days since 30 December 1899, as Excel counts them after February 1900. */
const excelDay = (isoDate: string): number => Date.parse(`${isoDate}T00:00:00Z`) / 86_400_000 + 25_569;

/** A workbook: plain numbers and ISO dates become numbers and dates, all else shared strings; the first row of a sheet is bold. */
export const xlsx = (sheets: Sheet[]): Buffer => {
  const strings = new Map<string, number>();
  const cell = (text: string, row: number, column: number): string => {
    const at = `r="${columnName(column)}${row + 1}"`;
    if (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return `<c ${at}><v>${text}</v></c>`;
    if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return `<c ${at} s="2"><v>${excelDay(text)}</v></c>`;
    if (!strings.has(text)) strings.set(text, strings.size);
    return `<c ${at} t="s"${row === 0 ? ' s="1"' : ''}><v>${strings.get(text)}</v></c>`;
  };
  const pages = sheets.map(({ rows }) => {
    const lines = rows.map(
      (row, at) =>
        `<row r="${at + 1}">${row.map((text, column) => (text === '' ? '' : cell(text, at, column))).join('')}</row>`,
    );
    return `<worksheet ${EXCEL_NAMESPACE}><sheetData>${lines.join('')}</sheetData></worksheet>`;
  });
  const shared = [...strings.keys()].map((text) => `<si><t xml:space="preserve">${escape(text)}</t></si>`).join('');
  const list = sheets.map(({ name }, at) => `<sheet name="${escape(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`);
  return packageOf('xl/workbook.xml', [
    [
      'xl/workbook.xml',
      `${EXCEL}.sheet.main+xml`,
      `<workbook ${EXCEL_NAMESPACE} xmlns:r="${RELATION}"><sheets>${list.join('')}</sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      undefined,
      relations([
        ...sheets.map((_, at): [string, string] => ['worksheet', `worksheets/sheet${at + 1}.xml`]),
        ['sharedStrings', 'sharedStrings.xml'],
        ['styles', 'styles.xml'],
      ]),
    ],
    ['xl/sharedStrings.xml', `${EXCEL}.sharedStrings+xml`, `<sst ${EXCEL_NAMESPACE}>${shared}</sst>`],
    ['xl/styles.xml', `${EXCEL}.styles+xml`, EXCEL_STYLES],
    ...pages.map((xml, at): [string, string, string] => [
      `xl/worksheets/sheet${at + 1}.xml`,
      `${EXCEL}.worksheet+xml`,
      xml,
    ]),
  ]);
};

const DRAWING = 'http://schemas.openxmlformats.org/drawingml/2006/main';
const SLIDE_NAMESPACES = `xmlns:a="${DRAWING}" xmlns:r="${RELATION}" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"`;
const GROUP =
  '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="0" y="0"/>' +
  '<a:ext cx="0" cy="0"/><a:chOff x="0" y="0"/><a:chExt cx="0" cy="0"/></a:xfrm></p:grpSpPr>';

const shape = (id: number, type: 'title' | 'body', lines: string[]): string => {
  const box = type === 'title' ? [457200, 274638, 11277600, 1143000] : [457200, 1600200, 11277600, 4525963];
  return (
    `<p:sp><p:nvSpPr><p:cNvPr id="${id}" name="${type} ${id}"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr>` +
    `<p:nvPr><p:ph type="${type}"${type === 'body' ? ' idx="1"' : ''}/></p:nvPr></p:nvSpPr><p:spPr><a:xfrm><a:off x="${box[0]}" y="${box[1]}"/>` +
    `<a:ext cx="${box[2]}" cy="${box[3]}"/></a:xfrm></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/>` +
    `${lines.map((line) => `<a:p><a:r><a:rPr lang="en-GB"/><a:t>${escape(line)}</a:t></a:r></a:p>`).join('') || '<a:p/>'}</p:txBody></p:sp>`
  );
};

const slideTree = (shapes: string): string => `<p:cSld><p:spTree>${GROUP}${shapes}</p:spTree></p:cSld>`;

const theme = (): string => {
  const colours = [
    '1B2A3A',
    'FFFFFF',
    '24506B',
    'EEF3F6',
    '2E7D9A',
    'C8553D',
    '588B6A',
    'E0A458',
    '6B5B95',
    '8A8D91',
    '24506B',
    '6B5B95',
  ];
  const names = [
    'dk1',
    'lt1',
    'dk2',
    'lt2',
    'accent1',
    'accent2',
    'accent3',
    'accent4',
    'accent5',
    'accent6',
    'hlink',
    'folHlink',
  ];
  const scheme = names.map((name, at) => `<a:${name}><a:srgbClr val="${colours[at]}"/></a:${name}>`).join('');
  const font = '<a:latin typeface="Calibri"/><a:ea typeface=""/><a:cs typeface=""/>';
  const fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>';
  return (
    `<a:theme xmlns:a="${DRAWING}" name="Plain"><a:themeElements><a:clrScheme name="Plain">${scheme}</a:clrScheme>` +
    `<a:fontScheme name="Plain"><a:majorFont>${font}</a:majorFont><a:minorFont>${font}</a:minorFont></a:fontScheme>` +
    `<a:fmtScheme name="Plain"><a:fillStyleLst>${fill.repeat(3)}</a:fillStyleLst><a:lnStyleLst>${`<a:ln w="9525">${fill}</a:ln>`.repeat(3)}</a:lnStyleLst>` +
    `<a:effectStyleLst>${'<a:effectStyle><a:effectLst/></a:effectStyle>'.repeat(3)}</a:effectStyleLst>` +
    `<a:bgFillStyleLst>${fill.repeat(3)}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>`
  );
};

/** A presentation of title-and-text slides on one master. */
export const pptx = (slides: Slide[]): Buffer => {
  const placeholders = slideTree(shape(2, 'title', []) + shape(3, 'body', []));
  const map =
    '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" ' +
    'accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>';
  const list = slides.map((_, at) => `<p:sldId id="${256 + at}" r:id="rId${at + 2}"/>`).join('');
  return packageOf('ppt/presentation.xml', [
    [
      'ppt/presentation.xml',
      `${POWERPOINT}.presentation.main+xml`,
      `<p:presentation ${SLIDE_NAMESPACES}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst>` +
        `<p:sldIdLst>${list}</p:sldIdLst><p:sldSz cx="12192000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>`,
    ],
    [
      'ppt/_rels/presentation.xml.rels',
      undefined,
      relations([
        ['slideMaster', 'slideMasters/slideMaster1.xml'],
        ...slides.map((_, at): [string, string] => ['slide', `slides/slide${at + 1}.xml`]),
        ['theme', 'theme/theme1.xml'],
      ]),
    ],
    [
      'ppt/slideMasters/slideMaster1.xml',
      `${POWERPOINT}.slideMaster+xml`,
      `<p:sldMaster ${SLIDE_NAMESPACES}>${placeholders}${map}<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>`,
    ],
    [
      'ppt/slideMasters/_rels/slideMaster1.xml.rels',
      undefined,
      relations([
        ['slideLayout', '../slideLayouts/slideLayout1.xml'],
        ['theme', '../theme/theme1.xml'],
      ]),
    ],
    [
      'ppt/slideLayouts/slideLayout1.xml',
      `${POWERPOINT}.slideLayout+xml`,
      `<p:sldLayout ${SLIDE_NAMESPACES} type="obj">${placeholders}</p:sldLayout>`,
    ],
    [
      'ppt/slideLayouts/_rels/slideLayout1.xml.rels',
      undefined,
      relations([['slideMaster', '../slideMasters/slideMaster1.xml']]),
    ],
    ['ppt/theme/theme1.xml', 'application/vnd.openxmlformats-officedocument.theme+xml', theme()],
    ...slides.flatMap(({ title, lines }, at): [string, string | undefined, string][] => [
      [
        `ppt/slides/slide${at + 1}.xml`,
        `${POWERPOINT}.slide+xml`,
        `<p:sld ${SLIDE_NAMESPACES}>${slideTree(shape(2, 'title', [title]) + shape(3, 'body', lines))}</p:sld>`,
      ],
      [
        `ppt/slides/_rels/slide${at + 1}.xml.rels`,
        undefined,
        relations([['slideLayout', '../slideLayouts/slideLayout1.xml']]),
      ],
    ]),
  ]);
};
