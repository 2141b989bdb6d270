import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { chunkDocument } from '../../server/pipeline/chunk.ts';
import { documentText } from '../../server/pipeline/document-text.ts';
import { storageBlocks } from '../../server/pipeline/normalize/confluence-storage.ts';
import { normalizeHtml } from '../../server/pipeline/normalize/html.ts';
import { mismatches, realDocuments } from '../helpers/real-documents.ts';
import { notRun } from '../helpers/requirements.ts';
import type { TestPipeline } from './prepare-bytes.ts';
import { openTestPipeline } from './prepare-bytes.ts';

/** Blocks in one line each: kind (with level), then text. */
const told = (source: string): string[] =>
  storageBlocks(source).blocks.map(({ kind, level, text }) => `${kind}${level ?? ''}: ${text}`);
const macro = (name: string, parameters: Record<string, string>, body = ''): string =>
  `<ac:structured-macro ac:name="${name}" ac:schema-version="1" ac:macro-id="6b3f">${Object.entries(parameters)
    .map(([key, value]) => `<ac:parameter ac:name="${key}">${value}</ac:parameter>`)
    .join('')}${body}</ac:structured-macro>`;
const rich = (html: string): string => `<ac:rich-text-body>${html}</ac:rich-text-body>`;
const plain = (text: string): string =>
  `<ac:plain-text-body><![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]></ac:plain-text-body>`;

describe("Confluence's storage format", () => {
  it('gives headings, paragraphs, lists and entities of all names', () => {
    expect(
      told(
        '<h2>Ebb&nbsp;&amp; flow</h2><p>Gr&ouml;&szlig;e &mdash; 5&nbsp;m<br />&ldquo;ok&rdquo;</p><p /><ol><li><p>One</p><ul><li>In</li></ul></li></ol><hr />',
      ),
    ).to.deep.equal([
      'heading2: Ebb\u00a0& flow',
      'paragraph: Größe — 5\u00a0m\n“ok”',
      'list-item: One',
      'list-item: In',
    ]);
  });

  it('marks tasks as open or done, and nested ones below their task', () => {
    const task = (status: string, body: string): string =>
      `<ac:task><ac:task-id>1</ac:task-id><ac:task-uuid>u</ac:task-uuid><ac:task-status>${status}</ac:task-status><ac:task-body>${body}</ac:task-body></ac:task>`;
    const list = (...tasks: string[]): string => `<ac:task-list>\n${tasks.join('\n')}\n</ac:task-list>`;
    expect(
      told(
        list(
          task('complete', '<span>Check the ramp</span>'),
          task('incomplete', `<p>Paint</p>${list(task('complete', 'Bow'))}`),
          task('incomplete', ''),
        ),
      ),
    ).to.deep.equal(['list-item: ☑ Check the ramp', 'list-item: ☐ Paint', 'list-item: ☑ Bow']);
  });

  it('keeps code and preformatted text as they are, CDATA marks and end marks within included', () => {
    expect(
      told(macro('code', { language: 'sql', title: 'Query', linenumbers: 'true' }, plain('select <1>\n  from t;'))),
    ).to.deep.equal(['paragraph: Query', 'code: select <1>\n  from t;']);
    expect(told(macro('noformat', {}, plain('a[b[0]]>c &amp; d')))).to.deep.equal(['code: a[b[0]]>c &amp; d']);
    expect(told(macro('code', {}, '<ac:plain-text-body>a &lt; b</ac:plain-text-body>'))).to.deep.equal(['code: a < b']);
  });

  it('gives panels, notes and expandable parts with their titles, nested ones too', () => {
    for (const name of [
      'info',
      'note',
      'tip',
      'warning',
      'panel',
      'expand',
      'details',
      'excerpt',
      'some-macro-of-an-app',
    ])
      expect(
        told(
          `<p>Before</p>${macro(name, { icon: 'false', title: 'Mind &amp; tide', bgColor: '#eee' }, rich('<p>Low at noon</p>'))}`,
        ),
      ).to.deep.equal(['paragraph: Before', 'paragraph: Mind & tide', 'paragraph: Low at noon']);
    const nested = macro(
      'panel',
      { title: 'Outer' },
      rich(`<p>One</p>${macro('expand', { title: 'Inner' }, rich(macro('code', {}, plain('x'))))}<p>Two</p>`),
    );
    expect(told(nested)).to.deep.equal([
      'paragraph: Outer',
      'paragraph: One',
      'paragraph: Inner',
      'code: x',
      'paragraph: Two',
    ]);
  });

  it('keeps what stands in a line of text in that line', () => {
    const line = [
      `State:${macro('status', { colour: 'Green', title: 'DONE' })}${macro('status', { title: 'OPEN' })}`,
      macro('jira', { server: 'System Jira', serverId: '7f-1', key: 'EX-7' }),
      macro('anchor', { '': 'top' }),
      '<ac:inline-comment-marker ac:ref="1f">remarked</ac:inline-comment-marker>',
      macro('mathinline', { body: '--uriencoded--E%3Dmc%5E2' }),
      macro('excerpt', { 'atlassian-macro-output-type': 'INLINE' }, rich('in short')),
      '<time datetime="2026-01-05" />.',
    ];
    expect(told(`<p>${line.join(' ')}</p>`)).to.deep.equal([
      'paragraph: State: DONE OPEN EX-7 remarked E=mc^2 in short 2026-01-05.',
    ]);
  });

  it('names people, pages and files that links lead to, or gives the words of the link', () => {
    const link = (resource: string, body = ''): string => `<p>See <ac:link>${resource}${body}</ac:link>.</p>`;
    const page = '<ri:page ri:space-key="DOC" ri:content-title="Dry &amp; dock" ri:version-at-save="3" />';
    for (const [source, words] of [
      [link(page), 'See Dry & dock.'],
      [link(page, '<ac:link-body><strong>the</strong> dock</ac:link-body>'), 'See the dock.'],
      [link(page, '<ac:plain-text-link-body><![CDATA[a <b>]]></ac:plain-text-link-body>'), 'See a <b>.'],
      [
        link(page, '<ac:link-body><ac:image><ri:attachment ri:filename="go.png" /></ac:image></ac:link-body>'),
        'See Dry & dock.',
      ],
      [link('<ri:blog-post ri:posting-day="2026/01/05" ri:content-title="News" />'), 'See News.'],
      [
        link('<ri:attachment ri:filename="plan.pdf"><ri:page ri:content-title="Other" /></ri:attachment>'),
        'See plan.pdf.',
      ],
      [link('<ri:space ri:space-key="OPS" />'), 'See OPS.'],
      [link('<ri:user ri:account-id="5b10" ri:display-name="Ann Lee" />'), 'See Ann Lee.'],
      [link('<ri:user ri:account-id="5b10" />'), 'See .'],
      [link('<ri:shortcut ri:key="jira" ri:parameter="EX-7" />'), 'See EX-7.'],
      ['<p>See <ac:link ac:anchor="Tides" />.</p>', 'See Tides.'],
      [
        '<p>See <a href="https://example.com/" data-card-appearance="inline">https://example.com/</a>.</p>',
        'See https://example.com/.',
      ],
    ] as const)
      expect(told(source)).to.deep.equal([`paragraph: ${words}`]);
  });

  it('names pictures by their text or file, with the caption below', () => {
    const attachment = '<ri:attachment ri:filename="ramp.png" />';
    expect(told(`<ac:image ac:width="30" ac:alt="The ramp">${attachment}</ac:image>`)).to.deep.equal([
      'paragraph: The ramp',
    ]);
    expect(told(`<ac:image>${attachment}<ac:caption><p>At low tide</p></ac:caption></ac:image>`)).to.deep.equal([
      'paragraph: ramp.png',
      'caption: At low tide',
    ]);
    expect(told('<ac:image><ri:url ri:value="https://x.test/a/quay.jpg?v=1" /></ac:image>')).to.deep.equal([
      'paragraph: quay.jpg',
    ]);
  });

  it('gives emoji as characters, or by their short name', () => {
    for (const [attributes, words] of [
      ['ac:name="blue-star" ac:emoji-shortname=":smile:" ac:emoji-id="1f604" ac:emoji-fallback="😄"', '😄'],
      ['ac:emoji-shortname=":tug:" ac:emoji-id="atlassian-tug" ac:emoji-fallback=":tug:"', ':tug:'],
      ['ac:emoji-shortname=":tug:"', ':tug:'],
      ['ac:emoji-id="1f1f3-1f1f4" ac:name="flag"', '🇳🇴'],
      ['ac:name="tick"', '✅'],
      ['ac:emoji-id="fffff" ac:name="x"', '\u{fffff}'],
    ])
      expect(told(`<p>Fine <ac:emoticon ${attributes} /></p>`)).to.deep.equal([`paragraph: Fine ${words}`]);
    expect(told('<p>Fine <ac:emoticon ac:emoji-id="110000" ac:name="x" /></p>')).to.deep.equal(['paragraph: Fine']);
  });

  it('reads layouts in their order', () => {
    const cell = (html: string): string => `<ac:layout-cell>${html}</ac:layout-cell>`;
    expect(
      told(
        `<ac:layout><ac:layout-section ac:type="two_equal">${cell('<p>Left</p>')}${cell('Right')}</ac:layout-section><ac:layout-section ac:type="single">${cell('Below')}</ac:layout-section></ac:layout>`,
      ),
    ).to.deep.equal(['paragraph: Left', 'paragraph: Right', 'paragraph: Below']);
  });

  it('names pages that are included, and files that are shown', () => {
    const page = '<ac:link><ri:page ri:content-title="Tides" /></ac:link>';
    expect(told(macro('include', { '': page }))).to.deep.equal(['paragraph: Included page: Tides']);
    expect(told(macro('excerpt-include', { '': page, name: 'short', nopanel: 'true' }))).to.deep.equal([
      'paragraph: Included page: Tides',
    ]);
    expect(
      told('<ac:macro ac:name="include"><ac:default-parameter>Tides</ac:default-parameter></ac:macro>'),
    ).to.deep.equal(['paragraph: Included page: Tides']);
    expect(told(macro('viewpdf', { name: '<ri:attachment ri:filename="plan.pdf" />', page }))).to.deep.equal([
      'paragraph: plan.pdf',
    ]);
  });

  it('leaves out what Confluence makes up, and what only authors see', () => {
    for (const name of [
      'toc',
      'children',
      'recently-updated',
      'pagetree',
      'contentbylabel',
      'livesearch',
      'attachments',
    ])
      expect(told(macro(name, { title: 'Heading', maxLevel: '2', '': 'x' }))).to.deep.equal([]);
    expect(told(macro('style', {}, plain('p { color: red }')))).to.deep.equal([]);
    expect(
      told(
        '<at:declarations><at:string at:name="who">Name</at:string></at:declarations><p>Dear <at:var at:name="who" /><ac:placeholder ac:type="mention">Type a name</ac:placeholder></p>',
      ),
    ).to.deep.equal(['paragraph: Dear']);
  });

  it('keeps the words of macros it does not know, and none of their settings', () => {
    expect(
      told(`<p>a ${macro('widget', { url: '<ri:url ri:value="https://x.test/v.mp4" />', width: '300' })} b</p>`),
    ).to.deep.equal(['paragraph: a b']);
    expect(told(macro('plantuml', { atlassian: 'x' }, plain('A -> B')))).to.deep.equal(['code: A -> B']);
    expect(told(macro('html', {}, plain('<p>Kept</p><script>var x = "<p>no</p>";</script>')))).to.deep.equal([
      'paragraph: Kept',
    ]);
  });

  it('reads the nodes of the new editor once, from the copy where the node itself is empty', () => {
    const extension = (node: string, fallback: string): string =>
      `<ac:adf-extension>${node}<ac:adf-fallback>${fallback}</ac:adf-fallback></ac:adf-extension>`;
    const parameters = (list: string): string => `<ac:adf-attribute key="parameters">${list}</ac:adf-attribute>`;
    const latex = parameters(
      '<ac:adf-parameter key="guest-params"><ac:adf-parameter key="latex">x^2</ac:adf-parameter><ac:adf-parameter key="data">9</ac:adf-parameter></ac:adf-parameter>',
    );
    expect(
      told(
        extension(
          '<ac:adf-node type="panel"><ac:adf-attribute key="panel-type">note</ac:adf-attribute><ac:adf-content><p>Noted</p></ac:adf-content></ac:adf-node>',
          '<div class="panel"><p>Noted</p></div>',
        ) +
          extension(
            '<ac:adf-node type="decision-list"><ac:adf-node type="decision-item"><ac:adf-attribute key="state">DECIDED</ac:adf-attribute><ac:adf-content>Close berth 4</ac:adf-content></ac:adf-node></ac:adf-node>',
            '<ul><li>Close berth 4</li></ul>',
          ) +
          extension(
            '<ac:adf-node type="extension"><ac:adf-attribute key="text">chart</ac:adf-attribute></ac:adf-node>',
            '<p>Only here</p>',
          ) +
          `<p>So ${extension(`<ac:adf-node type="inline-extension">${latex}</ac:adf-node>`, latex)}.</p>`,
      ),
    ).to.deep.equal([
      'paragraph: Noted',
      'list-item: Decision: Close berth 4',
      'paragraph: Only here',
      'paragraph: So x^2 .',
    ]);
  });

  it('gives tables as rows: merged cells in all their rows, a nested table within its cell', () => {
    const { blocks } = storageBlocks(
      `<table class="wrapped"><colgroup><col /><col /><col /></colgroup><tbody>
      <tr><th rowspan="2"><p>Deck</p></th><th colspan="2">Ships</th></tr><tr><th>Name</th><th>Seats</th></tr>
      <tr><td rowspan="2">Upper</td><td>Curlew</td><td>40</td></tr><tr><td>Heron</td><td>${macro('status', { title: 'NEW' })}</td></tr>
      <tr><td>Lower</td><td><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></td><td rowspan="9">x</td></tr></tbody></table>`,
    );
    expect(blocks.map(({ text }) => text)).to.deep.equal([
      'Deck | Ships',
      'Deck | Name | Seats',
      'Upper | Curlew | 40',
      'Upper | Heron | NEW',
      'Lower | A, B; 1, 2 | x',
    ]);
    expect(new Set(blocks.map(({ kind, tableHeader }) => `${kind}: ${tableHeader}`))).to.deep.equal(
      new Set(['table-row: Deck | Ships']),
    );
  });

  it('puts chunks under the headings of the page', () => {
    const { blocks } = storageBlocks(`<h1>Runbook</h1>${macro('panel', {}, rich('<h2>Tides</h2><p>Low at noon</p>'))}`);
    const [chunk] = chunkDocument({ format: 'confluence', blocks }, { title: 'Ferries' });
    expect(chunk?.headingPath).to.deep.equal(['Runbook', 'Tides']);
    expect(chunk?.embedText).to.equal('Ferries › Runbook › Tides\n\nLow at noon');
  });

  it('gives the text of a body that is not well-formed', () => {
    for (const [broken, text] of [
      ['<p>One<p>Two', 'One\n\nTwo'],
      [
        '<ac:structured-macro ac:name="info"><ac:rich-text-body><p>One</p></ac:structured-macro>Two</p></b>',
        'One\n\nTwo',
      ],
      [
        '<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">sql<ac:parameter ac:name="title">One<ac:rich-text-body><p>Two',
        'One\n\nTwo',
      ],
      ['<ac:structured-macro ac:name="info"><ac:parameter ac:name="icon">true<p>One</p><h2>Two', 'One\n\nTwo'],
      ['<ac:link><ri:page ri:content-title="One"> & <', '& <'],
      ['<ac:link><ri:page ri:content-title="One">', 'One'],
      [
        '<ac:task-list><ac:task><ac:task-body>One</ac:task-list><ac:macro><ac:plain-text-body><![CDATA[Two',
        '- ☐ One\n\nTwo',
      ],
      ['</ac:link></ac:image></ac:parameter></table>One</td><td></ac:adf-node><ac:adf-fallback>Two', 'One\n\nTwo'],
    ])
      expect(documentText(storageBlocks(broken!).blocks)).to.equal(text);
  });

  for (const [what, opened, closed] of [
    ['elements', '<div>', '</div>'],
    ['lists', '<ul><li>', '</li></ul>'],
    ['tables', '<table><tr><td>', '</td></tr></table>'],
    [
      'macros',
      '<ac:structured-macro ac:name="panel"><ac:rich-text-body>',
      '</ac:rich-text-body></ac:structured-macro>',
    ],
    ['links', '<ac:link>', '</ac:link>'],
  ] as const)
    it(`takes seconds for two hundred thousand ${what} in one another`, () => {
      expect(told(`${opened.repeat(200_000)}x${closed.repeat(200_000)}<p>y</p>`).join('\n')).to.match(/: x\n.*y$/);
      expect(told(`${opened.repeat(200_000)}x`).join()).to.match(/: x$/);
    });
});

describe('A page in the storage format on its way through the pipeline', function () {
  this.timeout(120_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline();
  });
  after(() => pipeline.close());

  it('is known by its media type, by its name, and otherwise by its looks', async () => {
    const page = '<p>Low &amp; high</p>';
    const mediaType = 'application/vnd.atlassian.confluence.storage+xml';
    expect(await pipeline.read('Tides 1.2', page, mediaType)).to.include({ format: 'confluence', text: 'Low & high' });
    expect(await pipeline.read('Tides.confluence', page)).to.include({ format: 'confluence', text: 'Low & high' });
    const looks = `<p>See <ac:link><ri:page ri:content-title="Tides" /></ac:link></p>`;
    expect(await pipeline.read('page.xml', looks)).to.include({ format: 'html', text: 'See Tides' });
  });

  it('is said to hold no text where Confluence makes up all there is', async () => {
    expect(await pipeline.refusal('Home.confluence', macro('children', { sort: 'title' }))).to.match(/^no_text: /);
  });
});

const real = realDocuments();
const pages = real?.files.filter(({ format }) => ['html', 'confluence-html', 'confluence-storage'].includes(format));
if (!real) notRun('real web pages and Confluence pages', 'the reference documents are not beside the project');
else
  describe('Real web pages and Confluence pages', () => {
    for (const entry of pages ?? [])
      it(`gives all that ${entry.file} must hold, and none of its markup`, () => {
        const { blocks } = normalizeHtml(readFileSync(path.join(real.folder, entry.file)));
        const text = documentText(blocks);
        const chunks = chunkDocument({ format: 'html', blocks }, { title: entry.file }).map(
          ({ embedText, tokenCount }) => ({
            text: embedText,
            tokenCount,
          }),
        );
        expect(mismatches(entry, 'text', { text, chunks })).to.deep.equal([]);
        expect(text).to.not.match(/<\/?(ac|ri|p|div|span|td|li|a)\b|\b(ac|ri):[a-z-]+|CDATA|&(nbsp|amp|lt);/);
      });
  });
