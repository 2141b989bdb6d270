import { expect } from 'chai';
import type { TestPipeline } from './prepare-bytes.ts';
import { odfPackage, openTestPipeline } from './prepare-bytes.ts';

describe('OpenDocument files', function () {
  this.timeout(60_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline();
  });
  after(async () => {
    await pipeline.close();
  });
  const textOf = async (name: string, bytes: Buffer) => (await pipeline.read(name, bytes)).text;
  const p = (text: string, style = '') =>
    `<text:p${style === '' ? '' : ` text:style-name="${style}"`}>${text}</text:p>`;
  const h = (level: number, text: string) => `<text:h text:outline-level="${level}">${text}</text:h>`;
  const cell = (text: string, attributes = '') => `<table:table-cell ${attributes}>${p(text)}</table:table-cell>`;
  const row = (...cells: string[]) => `<table:table-row>${cells.join('')}</table:table-row>`;

  describe('Text', () => {
    it('keeps headings, lists, tables with their header, and captions', async () => {
      const list = `<text:list><text:list-item>${p('Hull')}<text:list><text:list-item>${p('Paint')}</text:list-item></text:list></text:list-item></text:list>`;
      const table = `<table:table><table:table-header-rows>${row(cell('Part'), cell('Price'))}</table:table-header-rows>${row(cell('Paint'), cell('900'))}</table:table>`;
      const document = await pipeline.read(
        'plan.odt',
        odfPackage('text', h(1, 'Dry dock') + p('In May.') + list + h(2, 'Costs') + table + p('Prices', 'P1'), {
          styles:
            '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Table"/>' +
            '<style:style style:name="Table" style:family="paragraph" style:parent-style-name="P1"/>',
        }),
      );
      expect(document).to.include({ format: 'odt', title: 'Dry dock' });
      expect(document.text).to.equal(
        'Dry dock\n\nIn May.\n\n- Hull\n- Paint\n\nCosts\n\nPart | Price\nPaint | 900\n\nPrices',
      );
      expect(document.chunks.map(({ headingPath }) => headingPath)).to.deep.equal([
        ['Dry dock'],
        ['Dry dock', 'Costs'],
      ]);
    });

    it('reads the document as it stands after its tracked changes, without hidden text and tables of contents', async () => {
      const body =
        `<text:tracked-changes><text:changed-region><text:deletion>${p('never')}</text:deletion></text:changed-region></text:tracked-changes>` +
        `<text:table-of-content><text:index-body>${p('Contents 1')}</text:index-body></text:table-of-content>` +
        p(
          'The ferry <text:change-start/>always<text:change-end/> leaves.<text:span text:style-name="T1">secret</text:span>',
        ) +
        `<text:section text:display="none">${p('not shown')}</text:section>`;
      const styles =
        '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>';
      expect(await textOf('a.odt', odfPackage('text', body, { styles }))).to.equal('The ferry always leaves.');
    });

    it('puts notes and text boxes after their paragraph, comments, headers and footers at the end', async () => {
      const note = `<text:note><text:note-citation>1</text:note-citation><text:note-body>${p('A note.')}</text:note-body></text:note>`;
      const comment = `<office:annotation><dc:creator>Ana</dc:creator><dc:date>2026-01-01</dc:date>${p('Why?')}</office:annotation>`;
      const box = `<draw:frame><draw:text-box>${p('Boxed')}</draw:text-box><svg:title>A picture</svg:title></draw:frame>`;
      const body = p(`Body${note}${comment} goes${box} on.`) + p('Last.');
      const master = `<office:master-styles><style:header>${p('Harbour News')}</style:header><style:footer>${p('3')}</style:footer></office:master-styles>`;
      expect(await textOf('a.odt', odfPackage('text', body, { 'styles.xml': `<x>${master}</x>` }))).to.equal(
        'Body goes on.\n\nA note.\n\nBoxed\n\nLast.\n\nComment: Why?\n\nHarbour News',
      );
    });

    it('has spaces, tabs and line breaks as words and lines, and its title from the properties', async () => {
      const document = await pipeline.read(
        'a.odt',
        odfPackage('text', p('One<text:s text:c="900000000"/>two<text:tab/>three<text:line-break/>\n four'), {
          'meta.xml': '<office:document-meta><dc:title>Timetable</dc:title></office:document-meta>',
        }),
      );
      expect(document.title).to.equal('Timetable');
      expect(document.text).to.equal('One two three\nfour');
    });

    it('reads the same from a single XML file', async () => {
      const flat = `<?xml version="1.0"?><office:document office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>${h(1, 'Fares')}${p('Two crowns.')}</office:text></office:body></office:document>`;
      expect(await pipeline.read('a.fodt', flat)).to.include({ format: 'odt', text: 'Fares\n\nTwo crowns.' });
    });
  });

  describe('Spreadsheets', () => {
    const sheet = (name: string, rows: string, style = 'ta1') =>
      `<table:table table:name="${name}" table:style-name="${style}">${rows}</table:table>`;

    it('gives rows with their header and place, values as people read them, and comments', async () => {
      const typed = (type: string, attributes: string, shown: string) =>
        cell(shown, `office:value-type="${type}" ${attributes}`);
      const rows =
        row(cell('Day'), cell('Fare'), cell('Full'), cell('Share')) +
        row(
          typed('date', 'office:date-value="2026-05-01T00:00:00"', '1. Mai'),
          typed('float', 'office:value="1234.5"', '1.234,50'),
          typed('boolean', 'office:boolean-value="true"', 'WAHR'),
          `<table:table-cell office:value-type="percentage" office:value="0.25">${p('25 %')}<office:annotation>${p('Check')}</office:annotation></table:table-cell>`,
        );
      const document = await pipeline.read('a.ods', odfPackage('spreadsheet', sheet('Fares', rows)));
      expect(document.text).to.equal(
        'Fares\n\nDay | Fare | Full | Share\n2026-05-01 | 1234.5 | TRUE | 25%\n\nComment: Check',
      );
      expect(document.chunks[0]).to.include({ anchor: 'Fares!A2:D2' });
    });

    it('leaves hidden sheets out where there are others', async () => {
      const styles =
        '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>';
      const hidden = sheet('Secret', row(cell('hidden')), 'ta2');
      const shown = sheet('Open', row(cell('shown')));
      expect(await textOf('a.ods', odfPackage('spreadsheet', hidden + shown, { styles }))).to.equal('Open\n\nshown');
      expect(await textOf('a.ods', odfPackage('spreadsheet', hidden, { styles }))).to.equal('Secret\n\nhidden');
    });

    it('bounds what is repeated, and counts it', async () => {
      const rows =
        '<table:table-row table:number-rows-repeated="1048575"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>' +
        `<table:table-row table:number-rows-repeated="99999999999">${cell('x', 'table:number-columns-repeated="16384"')}</table:table-row>`;
      const document = await pipeline.read('a.ods', odfPackage('spreadsheet', sheet('S', rows)));
      expect(document.text.length).to.be.within(1_000, 10_000);
      expect(document.chunks[0]!.anchor).to.match(/^S!A1048576:[A-Z]+1048576$/);
    });
  });

  it('gives slides as pages, with titles, tables, comments and notes', async () => {
    const frame = (kind: string, content: string) =>
      `<draw:frame presentation:class="${kind}"><draw:text-box>${content}</draw:text-box></draw:frame>`;
    const body =
      `<draw:page draw:name="p1">${frame('title', p('Arrivals'))}${frame('outline', `<text:list><text:list-item>${p('At nine')}</text:list-item></text:list>`)}` +
      `${frame('footer', p('Every page'))}<draw:frame><table:table table:use-first-row-styles="true">${row(cell('Ship'), cell('Hour'))}${row(cell('Curlew'), cell('9'))}</table:table></draw:frame>` +
      `<office:annotation>${p('Sure?')}</office:annotation><presentation:notes><draw:page-thumbnail/>${frame('notes', p('Say hello.'))}</presentation:notes></draw:page>` +
      `<draw:page>${p('Loose words')}</draw:page>`;
    const document = await pipeline.read('a.odp', odfPackage('presentation', body));
    expect(document).to.include({ format: 'odp', title: 'Arrivals' });
    expect(document.text).to.equal(
      'Arrivals\n\n- At nine\n\nShip | Hour\nCurlew | 9\n\nComment: Sure?\n\nSay hello.\n\nSlide 2\n\nLoose words',
    );
    expect(document.chunks.map(({ page, anchor }) => [page, anchor])).to.deep.equal([
      [1, 'Slide 1'],
      [2, 'Slide 2'],
    ]);
  });

  describe('made to do harm', () => {
    it('are refused for entities, for elements without end, and for what explodes', async () => {
      const entities = odfPackage('text', p('a'), {
        'styles.xml': '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
      });
      expect(await pipeline.refusal('a.odt', entities)).to.match(/^corrupt: .*entities/);
      const deep = odfPackage('text', '<text:list>'.repeat(20_000));
      expect(await pipeline.refusal('a.odt', deep)).to.match(/^corrupt: .*nest/);
      const bomb = odfPackage('text', p('a'.repeat(20_000_000)));
      expect(await pipeline.refusal('a.odt', bomb)).to.match(/^corrupt: .*unpacks/);
    });

    it('cannot make a table of text, or a list of styles, without end', async () => {
      const wide = `<table:table>${row(cell('a', 'table:number-columns-spanned="999999999" table:number-rows-spanned="999999999"'), cell('b')).repeat(50)}</table:table>`;
      expect((await textOf('a.odt', odfPackage('text', wide))).length).to.be.below(100_000);
    });

    it('are refused when names of parts lead out of the package', async () => {
      const outside = odfPackage('text', p('a'), { '../../../../etc/evil.xml': '<x/>' });
      expect(await pipeline.refusal('a.odt', outside)).to.match(/^corrupt: .*contents/);
    });

    it('are called damaged without their content', async () => {
      const empty = odfPackage('text', '', { 'content.xml': '<office:document-content>' });
      expect(await pipeline.refusal('a.odt', empty)).to.match(/^corrupt: .*well-formed/);
    });
  });
});
