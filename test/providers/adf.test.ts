import { expect } from 'chai';
import { adfToHtml } from '../../providers/atlassian/adf.ts';
import { htmlBlocks } from '../../server/pipeline/normalize/html.ts';

type Node = Record<string, unknown>;
const node = (type: string, attrs: Node, ...content: unknown[]): Node => ({ type, attrs, content });
const text = (words: string, ...marks: Node[]): Node => ({ type: 'text', text: words, marks });
const paragraph = (...content: unknown[]): Node => node('paragraph', {}, ...content);
const doc = (...content: unknown[]): Node => ({ type: 'doc', version: 1, content });

/** A description that has a bit of everything, and what each part of it becomes. */
const RICH: [Node, string][] = [
  [node('heading', { level: 2 }, text('Ramp & <gate>')), '<h2>Ramp &#38; &#60;gate&#62;</h2>'],
  [
    paragraph(
      text('Stuck since '),
      node('date', { timestamp: '1767571200000' }),
      text(', says '),
      node('mention', { id: '5b10', text: '@Ann Lee', accessLevel: '' }),
      text(' '),
      node('emoji', { shortName: ':anchor:', text: '⚓' }),
      node('emoji', { shortName: ':tug:', id: 'a-1' }),
      { type: 'hardBreak' },
      node('status', { text: 'IN DOCK', color: 'red' }),
    ),
    '<p>Stuck since 2026-01-05, says @Ann Lee ⚓:tug:<br>IN DOCK</p>',
  ],
  [
    paragraph(
      text('bold', { type: 'strong' }),
      text('both', { type: 'em' }, { type: 'strike' }),
      text('const', { type: 'code' }),
      text('under', { type: 'underline' }),
      text('2', { type: 'subsup', attrs: { type: 'sup' } }),
      text('red', { type: 'textColor', attrs: { color: '#f00' } }),
      text('plan', { type: 'link', attrs: { href: 'https://wiki.example/a?b=1&c="2"' } }),
    ),
    '<p><strong>bold</strong><s><em>both</em></s><code>const</code><u>under</u><sup>2</sup>red' +
      '<a href="https://wiki.example/a?b=1&#38;c=%222%22">plan</a></p>',
  ],
  [
    node(
      'bulletList',
      {},
      node(
        'listItem',
        {},
        paragraph(text('Bow')),
        node('bulletList', {}, node('listItem', {}, paragraph(text('Left')))),
      ),
    ),
    '<ul><li><p>Bow</p><ul><li><p>Left</p></li></ul></li></ul>',
  ],
  [
    node('orderedList', { order: 3 }, node('listItem', {}, paragraph(text('Third')))),
    '<ol start="3"><li><p>Third</p></li></ol>',
  ],
  [
    node(
      'taskList',
      { localId: 'l' },
      node('taskItem', { localId: 't', state: 'DONE' }, text('Grease')),
      node('taskItem', { localId: 'u', state: 'TODO' }, text('Test')),
      node('taskList', {}, node('blockTaskItem', { state: 'TODO' }, paragraph(text('At low tide')))),
    ),
    '<ul><li>☑ Grease</li><li>☐ Test</li><ul><li>☐ At low tide</li></ul></ul>',
  ],
  [
    node('decisionList', {}, node('decisionItem', { state: 'DECIDED' }, text('Close berth 4'))),
    '<ul><li>Decision: Close berth 4</li></ul>',
  ],
  [
    node(
      'table',
      { layout: 'default' },
      node('tableRow', {}, node('tableHeader', { colspan: 2 }, paragraph(text('Ship')))),
      node('tableRow', {}, node('tableCell', {}, paragraph(text('Curlew'))), node('tableCell', { rowspan: 1 })),
    ),
    '<table><tr><th colspan="2"><p>Ship</p></th></tr><tr><td><p>Curlew</p></td><td></td></tr></table>',
  ],
  [
    node('codeBlock', { language: 'sql' }, text('select <1>\n  from t;')),
    '<pre><code class="language-sql">select &#60;1&#62;\n  from t;</code></pre>',
  ],
  [node('blockquote', {}, paragraph(text('Quoted'))), '<blockquote><p>Quoted</p></blockquote>'],
  [node('panel', { panelType: 'warning' }, paragraph(text('Mind the tide'))), '<div><p>Mind the tide</p></div>'],
  [
    node('expand', { title: 'More' }, node('nestedExpand', { title: '' }, paragraph(text('Inside')))),
    '<details><summary>More</summary><details><p>Inside</p></details></details>',
  ],
  [{ type: 'rule' }, '<hr>'],
  [
    paragraph(node('inlineCard', { url: 'https://wiki.example/x' })),
    '<p><a href="https://wiki.example/x">https://wiki.example/x</a></p>',
  ],
  [
    node('blockCard', { data: { url: 'https://wiki.example/y', name: 'Berths' } }),
    '<p><a href="https://wiki.example/y">Berths</a></p>',
  ],
  [
    node('embedCard', { url: 'https://maps.example/', layout: 'wide' }),
    '<p><a href="https://maps.example/">https://maps.example/</a></p>',
  ],
  [
    node('mediaSingle', {}, node('media', { type: 'file', id: 'm-1' }), node('caption', {}, text('The ramp'))),
    '<figure><div><img alt="ramp.png"></div><figcaption>The ramp</figcaption></figure>',
  ],
  [
    node('mediaGroup', {}, node('media', { id: 'm-9', alt: 'A "chart"' })),
    '<div><div><img alt="A &#34;chart&#34;"></div></div>',
  ],
  [paragraph(text('See '), node('mediaInline', { id: 'm-1' })), '<p>See ramp.png</p>'],
  [
    node(
      'layoutSection',
      {},
      node('layoutColumn', { width: 50 }, paragraph(text('One'))),
      node('layoutColumn', {}, paragraph(text('Two'))),
    ),
    '<div><div><p>One</p></div><div><p>Two</p></div></div>',
  ],
  [
    node(
      'bodiedExtension',
      { extensionKey: 'excerpt', parameters: { macroParams: { title: { value: 'In short' } } } },
      paragraph(text('Kept')),
    ),
    '<div><p>In short</p><p>Kept</p></div>',
  ],
  [node('extension', { extensionKey: 'toc', parameters: { macroParams: { maxLevel: { value: '2' } } } }), ''],
  [
    node('extension', { extensionKey: 'timer', parameters: { extensionTitle: 'Stopwatch' } }),
    '<div><p>Stopwatch</p></div>',
  ],
  [
    paragraph(
      node('inlineExtension', { extensionKey: 'jira', parameters: { macroParams: { key: { value: 'EX-7' } } } }),
    ),
    '<p>EX-7</p>',
  ],
];

const mediaName = ({ id }: Record<string, unknown>): string | undefined => (id === 'm-1' ? 'ramp.png' : undefined);

describe('Atlassian Document Format', () => {
  const rich = doc(...RICH.map(([part]) => part));

  it('becomes clean HTML, node by node', () => {
    for (const [part, html] of RICH) expect(adfToHtml(doc(part), { mediaName })).to.equal(html);
    expect(adfToHtml(rich, { mediaName })).to.equal(RICH.map(([, html]) => html).join(''));
  });

  it('reads well after the normalizer for HTML', () => {
    const told = htmlBlocks(adfToHtml(rich, { mediaName })).blocks.map(({ kind, text: words }) => `${kind}: ${words}`);
    expect(told).to.deep.equal([
      'heading: Ramp & <gate>',
      'paragraph: Stuck since 2026-01-05, says @Ann Lee ⚓:tug:\nIN DOCK',
      'paragraph: boldbothconstunder2redplan',
      'list-item: Bow',
      'list-item: Left',
      'list-item: Third',
      'list-item: ☑ Grease',
      'list-item: ☐ Test',
      'list-item: ☐ At low tide',
      'list-item: Decision: Close berth 4',
      'table-row: Ship',
      'table-row: Curlew',
      'code: select <1>\n  from t;',
      'paragraph: Quoted',
      'paragraph: Mind the tide',
      'paragraph: More',
      'paragraph: Inside',
      'paragraph: https://wiki.example/x',
      'paragraph: Berths',
      'paragraph: https://maps.example/',
      'paragraph: ramp.png',
      'caption: The ramp',
      'paragraph: A "chart"',
      'paragraph: See ramp.png',
      'paragraph: One',
      'paragraph: Two',
      'paragraph: In short',
      'paragraph: Kept',
      'paragraph: Stopwatch',
      'paragraph: EX-7',
    ]);
  });

  it('is read from its JSON too, and a text that is no document becomes a paragraph', () => {
    expect(adfToHtml(JSON.stringify(doc(paragraph(text('Hello')))))).to.equal('<p>Hello</p>');
    expect(adfToHtml('a < b\nc')).to.equal('<p>a &#60; b<br>c</p>');
    expect(adfToHtml('42')).to.equal('<p>42</p>');
    expect(adfToHtml('  ')).to.equal('');
  });

  it('links to web and mail addresses only', () => {
    const linkTo = (href: unknown): string => adfToHtml(doc(text('here', { type: 'link', attrs: { href } })));
    expect(linkTo('mailto:ann@x.test')).to.equal('<a href="mailto:ann@x.test">here</a>');
    for (const href of ['javascript:alert(1)', ' JavaScript:alert(1)', 'data:text/html,x', '/browse/EX-1', '', 7, null])
      expect(linkTo(href)).to.equal('here');
    expect(adfToHtml(doc(node('inlineCard', { url: 'javascript:"<b>"' })))).to.equal(
      'javascript:&#34;&#60;b&#62;&#34;',
    );
  });

  it('lets no text become markup', () => {
    const evil = '"><script>alert(1)</script>';
    const all = [
      'paragraph',
      'codeBlock',
      'mention',
      'status',
      'emoji',
      'expand',
      'extension',
      'media',
      'heading',
      'new',
    ].map((type) =>
      node(
        type,
        { text: evil, title: evil, alt: evil, language: evil, level: evil, order: evil, colspan: evil },
        text(evil),
      ),
    );
    expect(adfToHtml(doc(...all))).to.not.match(/<script|"><\/?s/);
  });

  it('gives what is in nodes of unknown kinds, and leaves the hints of templates out', () => {
    expect(adfToHtml(doc(node('carousel', {}, paragraph(text('Slide')))))).to.equal('<div><p>Slide</p></div>');
    expect(adfToHtml(doc(paragraph(node('chip', { text: 'Chip' }))))).to.equal('<p>Chip</p>');
    expect(adfToHtml(doc(node('unsupportedBlock', { originalValue: paragraph(text('Kept')) })))).to.equal(
      '<p>Kept</p>',
    );
    expect(adfToHtml(doc(paragraph(node('placeholder', { text: 'Type here' }))))).to.equal('<p></p>');
  });

  it('survives whatever stands where a document is expected', () => {
    for (const odd of [
      null,
      undefined,
      7,
      true,
      [],
      {},
      { type: 'doc' },
      { type: 'doc', content: {} },
      { content: [null, 3, 'x', []] },
    ])
      expect(adfToHtml(odd)).to.be.a('string');
    for (const type of [
      'text',
      'heading',
      'date',
      'mention',
      'media',
      'tableCell',
      'extension',
      'blockCard',
      'constructor',
      '__proto__',
      7,
    ])
      for (const attrs of [
        null,
        'x',
        [],
        { level: {}, timestamp: {}, text: 7, url: [], parameters: 'x', data: 7, colspan: '2' },
      ])
        expect(adfToHtml({ type, attrs, marks: [null, 'x', { type: {} }], content: [{ type }], text: [] })).to.be.a(
          'string',
        );
    expect(adfToHtml(doc(node('date', { timestamp: 'soon' })))).to.equal('');
  });

  it('follows nesting of any depth', () => {
    let deep = paragraph(text('bottom'));
    for (let level = 0; level < 100_000; level++) deep = node('blockquote', {}, deep);
    expect(adfToHtml(doc(deep))).to.include('<p>bottom</p>');
  });
});
