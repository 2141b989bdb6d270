import { expect } from 'chai';
import { docx, pptx, xlsx } from '../../providers/sandbox/office-writers.ts';
import type { TestPipeline } from './prepare-bytes.ts';
import { openTestPipeline, relationsPart, wordPackage, zipOf } from './prepare-bytes.ts';

describe('Office files', function () {
  this.timeout(120_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline();
  });
  after(async () => {
    await pipeline.close();
  });
  const textOf = async (name: string, bytes: Buffer) => (await pipeline.read(name, bytes)).text;

  describe('Word', () => {
    const p = (text: string, properties = '') => `<w:p><w:pPr>${properties}</w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;

    it('keeps headings, lists and tables', async () => {
      const document = await pipeline.read(
        'plan.docx',
        docx([
          { kind: 'heading', level: 1, text: 'Dry dock' },
          { kind: 'paragraph', text: 'The Curlew is docked in May.' },
          { kind: 'list', ordered: false, items: ['Hull', 'Screw'] },
          { kind: 'heading', level: 2, text: 'Costs' },
          {
            kind: 'table',
            rows: [
              ['Part', 'Price'],
              ['Paint', '900'],
            ],
          },
        ]),
      );
      expect(document).to.include({ format: 'docx', title: 'Dry dock' });
      expect(document.text).to.equal(
        'Dry dock\n\nThe Curlew is docked in May.\n\n- Hull\n- Screw\n\nCosts\n\nPart | Price\nPaint | 900',
      );
      expect(document.chunks.map(({ headingPath }) => headingPath)).to.deep.equal([
        ['Dry dock'],
        ['Dry dock', 'Costs'],
      ]);
    });

    it('reads the document as it stands after its tracked changes', async () => {
      const body =
        '<w:p><w:r><w:t xml:space="preserve">The ferry </w:t></w:r><w:del><w:r><w:delText>never</w:delText></w:r></w:del>' +
        '<w:ins><w:r><w:t>always</w:t></w:r></w:ins><w:r><w:t xml:space="preserve"> leaves.</w:t></w:r></w:p>' +
        '<w:tbl><w:tr><w:tc><w:p><w:r><w:t>kept</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>row</w:t></w:r></w:p></w:tc></w:tr>' +
        '<w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>gone</w:t></w:r></w:p></w:tc></w:tr></w:tbl>';
      expect(await textOf('a.docx', wordPackage(body))).to.equal('The ferry always leaves.\n\nkept | row');
    });

    it('finds headings by inherited style, outline level and name in any language', async () => {
      const styles =
        '<w:styles><w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>' +
        '<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Chapter"/><w:basedOn w:val="berschrift1"/></w:style></w:styles>';
      const body =
        p('First', '<w:pStyle w:val="Own"/>') +
        p('a') +
        p('Second', '<w:outlineLvl w:val="1"/>') +
        p('b') +
        p('c', '<w:pStyle w:val="Own"/><w:outlineLvl w:val="9"/>');
      const document = await pipeline.read('a.docx', wordPackage(body, { styles }));
      expect(document.chunks.map(({ text, headingPath }) => [text, ...headingPath])).to.deep.equal([
        ['a', 'First'],
        ['b\n\nc', 'First', 'Second'],
      ]);
    });

    it('puts notes after their paragraph, text boxes once, and leaves field codes out', async () => {
      const box = (text: string) => `<w:txbxContent>${p(text)}</w:txbxContent>`;
      const body =
        '<w:p><w:r><w:t>Body</w:t><w:footnoteReference w:id="2"/></w:r></w:p>' +
        `<w:p><w:r><w:t>Before</w:t><mc:AlternateContent><mc:Choice>${box('Boxed')}</mc:Choice><mc:Fallback>${box('Boxed')}</mc:Fallback></mc:AlternateContent></w:r></w:p>` +
        '<w:p><w:r><w:instrText>HYPERLINK "http://example.com"</w:instrText></w:r><w:hyperlink><w:r><w:t>a link</w:t></w:r></w:hyperlink></w:p>';
      const footnotes = `<w:footnotes><w:footnote w:type="separator" w:id="0">${p('-')}</w:footnote><w:footnote w:id="2">${p('A note.')}</w:footnote></w:footnotes>`;
      expect(await textOf('a.docx', wordPackage(body, { footnotes }))).to.equal(
        'Body\n\nA note.\n\nBefore\n\nBoxed\n\na link',
      );
    });
  });

  describe('PowerPoint', () => {
    it('reads slides in order, with the slide as page', async () => {
      const document = await pipeline.read(
        'talk.pptx',
        pptx([
          { title: 'Winter', lines: ['Fewer sailings', 'More storms'] },
          { title: '', lines: ['No title here'] },
        ]),
      );
      expect(document.format).to.equal('pptx');
      expect(document.text).to.equal('Winter\n\n- Fewer sailings\n- More storms\n\nSlide 2\n\n- No title here');
      expect(document.chunks.map(({ page, anchor }) => [page, anchor])).to.deep.equal([
        [1, 'Slide 1'],
        [2, 'Slide 2'],
      ]);
    });

    it('follows the order of the presentation and adds tables, diagrams and notes', async () => {
      const shape = (type: string, text: string) =>
        `<p:sp><p:nvPr><p:ph type="${type}"/></p:nvPr><p:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sp>`;
      const cell = (text: string) => `<a:tc><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`;
      const bytes = zipOf({
        '_rels/.rels': relationsPart([['r1', 'officeDocument', 'ppt/presentation.xml']]),
        'ppt/presentation.xml':
          '<p:presentation><p:sldIdLst><p:sldId id="256" r:id="b"/><p:sldId id="257" r:id="a"/></p:sldIdLst></p:presentation>',
        'ppt/_rels/presentation.xml.rels': relationsPart([
          ['a', 'slide', 'slides/slide1.xml'],
          ['b', 'slide', 'slides/slide2.xml'],
        ]),
        'ppt/slides/slide1.xml': `<p:sld>${shape('title', 'Last')}${shape('sldNum', '2')}</p:sld>`,
        'ppt/slides/slide2.xml': `<p:sld>${shape('ctrTitle', 'First')}<p:graphicFrame><a:tbl><a:tr>${cell('Ship')}${cell('Seats')}</a:tr><a:tr>${cell('Curlew')}${cell('40')}</a:tr></a:tbl></p:graphicFrame><p:graphicFrame><dgm:relIds r:dm="d"/></p:graphicFrame></p:sld>`,
        'ppt/slides/_rels/slide2.xml.rels': relationsPart([
          ['d', 'diagramData', '../diagrams/data1.xml'],
          ['n', 'notesSlide', '../notes/n1.xml'],
        ]),
        'ppt/diagrams/data1.xml': '<d><dgm:pt><dgm:t><a:p><a:r><a:t>A step</a:t></a:r></a:p></dgm:t></dgm:pt></d>',
        'ppt/notes/n1.xml': `<p:notes>${shape('body', 'Say hello.')}</p:notes>`,
      });
      expect(await textOf('a.pptx', bytes)).to.equal(
        'First\n\nShip | Seats\nCurlew | 40\n\n- A step\n\nSay hello.\n\nLast',
      );
    });
  });

  describe('Excel', () => {
    it('gives sheets as headings and rows with header and range', async () => {
      const document = await pipeline.read(
        'book.xlsx',
        xlsx([
          {
            name: 'Fleet',
            rows: [
              ['Ship', 'Built', 'Seats'],
              ['Curlew', '2019-03-01', '40.5'],
              ['Snipe', '2021-12-31', '12'],
            ],
          },
          { name: 'Empty', rows: [] },
        ]),
      );
      expect(document.text).to.equal(
        'Fleet\n\nShip | Built | Seats\nCurlew | 2019-03-01 | 40.5\nSnipe | 2021-12-31 | 12',
      );
      expect(document.chunks).to.have.length(1);
      expect(document.chunks[0]).to.deep.include({ anchor: 'Fleet!A2:C3', headingPath: ['Fleet'] });
    });

    it('formats values, reads inline and rich strings, and leaves hidden sheets and phonetic guides out', async () => {
      const bytes = zipOf({
        '_rels/.rels': relationsPart([['r1', 'officeDocument', 'xl/workbook.xml']]),
        'xl/workbook.xml':
          '<workbook><sheets><sheet name="Seen" r:id="a"/><sheet name="Unseen" state="veryHidden" r:id="b"/></sheets></workbook>',
        'xl/_rels/workbook.xml.rels': relationsPart([
          ['a', 'worksheet', 'worksheets/a.xml'],
          ['b', 'worksheet', 'worksheets/b.xml'],
          ['s', 'sharedStrings', 'sharedStrings.xml'],
          ['t', 'styles', 'styles.xml'],
        ]),
        'xl/sharedStrings.xml': '<sst><si><r><t>豊田</t></r><rPh><t>トヨタ</t></rPh><r><t>車</t></r></si></sst>',
        'xl/styles.xml':
          '<styleSheet><numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm\\-dd hh:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="9"/><xf numFmtId="170"/><xf numFmtId="20"/></cellXfs></styleSheet>',
        'xl/worksheets/a.xml':
          '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>inline</t></is></c><c r="D1" t="b"><v>1</v></c></row><row r="2"><c r="A2" s="1"><v>0.125</v></c><c r="B2" s="2"><v>45292.75</v></c><c r="C2" s="3"><v>0.25</v></c><c r="D2"><v>0.30000000000000004</v></c><c r="E2" t="str"><f>A1</f><v>made</v></c></row></sheetData></worksheet>',
        'xl/worksheets/b.xml': '<worksheet><sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData></worksheet>',
      });
      expect(await textOf('a.xlsx', bytes)).to.equal(
        'Seen\n\n豊田車 | inline |  | TRUE\n12.5% | 2024-01-01 18:00 | 06:00 | 0.3 | made',
      );
    });

    it('reads a sheet of three hundred thousand cells in seconds', async function () {
      this.timeout(120_000);
      const rows = Array.from(
        { length: 30_000 },
        (_, at) =>
          `<row r="${at + 2}">${Array.from({ length: 10 }, (_, column) => `<c r="${'ABCDEFGHIJ'[column]}${at + 2}"><v>${at * column}</v></c>`).join('')}</row>`,
      );
      const bytes = zipOf({
        '_rels/.rels': relationsPart([['r1', 'officeDocument', 'xl/workbook.xml']]),
        'xl/workbook.xml': '<workbook><sheets><sheet name="Big" r:id="a"/></sheets></workbook>',
        'xl/_rels/workbook.xml.rels': relationsPart([['a', 'worksheet', 'worksheets/a.xml']]),
        'xl/worksheets/a.xml': `<worksheet><sheetData>${rows.join('')}</sheetData></worksheet>`,
      });
      const document = await pipeline.read('big.xlsx', bytes);
      expect(document.text.split('\n')).to.have.length(30_002);
      expect(document.text).to.include('29999 | 59998');
    });
  });

  describe('Packages', () => {
    it('are corrupt when cut short, without their main part, or not well-formed', async () => {
      const whole = docx([{ kind: 'paragraph', text: 'Whole' }]);
      expect(await pipeline.refusal('a.docx', whole.subarray(0, whole.length - 60))).to.match(/^corrupt: .*damaged/);
      expect(await pipeline.refusal('a.docx', zipOf({ '[Content_Types].xml': '<Types/>' }))).to.match(
        /^corrupt: .*main part/,
      );
      expect(await pipeline.refusal('a.docx', wordPackage('<w:p>'))).to.match(/^corrupt: .*well-formed/);
      const flipped = Buffer.from(whole);
      flipped.fill(0xaa, 700, 760);
      expect(await pipeline.refusal('a.docx', flipped)).to.match(/^corrupt: /);
    });

    it('are refused when they declare entities or unpack without measure', async () => {
      const entities = zipOf({
        '_rels/.rels': relationsPart([['r1', 'officeDocument', 'word/document.xml']]),
        'word/document.xml':
          '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><w:document><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:document>',
      });
      expect(await pipeline.refusal('a.docx', entities)).to.match(/^corrupt: .*entities/);
      const huge = wordPackage(`<w:p><w:r><w:t>${'A'.repeat(40_000_000)}</w:t></w:r></w:p>`);
      expect(huge.length).to.be.below(200_000);
      expect(await pipeline.refusal('a.docx', huge)).to.match(/^corrupt: .*250 times/);
    });

    it('that hold only empty pages have no text', async () => {
      expect(await pipeline.refusal('a.docx', wordPackage('<w:p/>'))).to.match(/^no_text: /);
    });
  });
});
