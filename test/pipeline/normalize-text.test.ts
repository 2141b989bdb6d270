import { expect } from 'chai';
import { decodeText } from '../../server/pipeline/normalize/decode.ts';
import { normalizeCsv } from '../../server/pipeline/normalize/csv.ts';
import { htmlBlocks, normalizeHtml } from '../../server/pipeline/normalize/html.ts';
import { normalizeJson } from '../../server/pipeline/normalize/json.ts';
import { normalizeMarkdown } from '../../server/pipeline/normalize/markdown.ts';
import { normalizeText } from '../../server/pipeline/normalize/text.ts';
import type { Block } from '../../server/pipeline/normalized.ts';

/** Blocks in one line each: kind (with level), then text. */
const told = (blocks: Block[]): string[] => blocks.map(({ kind, level, text }) => `${kind}${level ?? ''}: ${text}`);
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

describe('Decoding', () => {
  const words = 'Größe, naïve, 船';
  const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();

  it('reads UTF-8 and UTF-16 with and without byte order mark', () => {
    const utf16 = Buffer.from(words + ' and some more', 'utf16le');
    expect(decodeText(Buffer.from(words))).to.equal(words);
    expect(decodeText(Buffer.from('\ufeff' + words))).to.equal(words);
    expect(decodeText(utf16)).to.equal(words + ' and some more');
    expect(decodeText(swapped(utf16))).to.equal(words + ' and some more');
    expect(decodeText(Buffer.from('\ufeff' + words, 'utf16le'))).to.equal(words);
    expect(decodeText(swapped(Buffer.from('\ufeff' + words, 'utf16le')))).to.equal(words);
  });

  it('makes all line ends alike', () => {
    expect(decodeText(Buffer.from('a\r\nb\rc\n'))).to.equal('a\nb\nc\n');
  });

  it('guesses legacy encodings from few bytes', () => {
    expect(decodeText(Buffer.from('El niño comió paella. ¿Qué pasó?', 'latin1'))).to.equal(
      'El niño comió paella. ¿Qué pasó?',
    );
    // "5 €" and quotation marks as windows-1252 has them.
    expect(decodeText(hex('3520802093677574942020c4c4'))).to.equal('5 € “gut”  ÄÄ');
    expect(decodeText(hex('cff0e8e2e5f22c20ecb3f021'))).to.include('Привет');
    // Shift_JIS, GB18030, EUC-KR, ISO-2022-JP
    expect(decodeText(hex('96bc914f2c944e97ee'))).to.equal('名前,年齢');
    expect(decodeText(hex('d0d5c3fb2cb3c7cad0'))).to.equal('姓名,城市');
    expect(decodeText(hex('c0ccb8a72cb5b5bdc3'))).to.equal('이름,도시');
    expect(decodeText(hex('1b24423a3446231b2842'))).to.equal('佐藤');
  });

  it('believes a declared encoding only if the bytes are valid in it', () => {
    expect(decodeText(Buffer.from('Größe', 'latin1'), 'utf-8')).to.equal('Größe');
    expect(decodeText(hex('cff0e8'), 'windows-1251')).to.equal('При');
    expect(decodeText(Buffer.from('plain'), 'utf-16')).to.equal('plain');
    expect(decodeText(Buffer.from('plain'), 'no-such-encoding')).to.equal('plain');
  });
});

describe('Plain text', () => {
  it('makes paragraphs at empty lines, joins wrapped lines and keeps short ones', () => {
    const wrapped =
      'This line was broken by an editor at some fixed width\nand so was this one, which goes on to the same width\nuntil here.';
    const { blocks } = normalizeText(`${wrapped}\n\n  \nHarbour Street 1\nOld Town\n`);
    expect(told(blocks)).to.deep.equal([
      `paragraph: ${wrapped.replaceAll('\n', ' ')}`,
      'paragraph: Harbour Street 1\nOld Town',
    ]);
  });
});

describe('Markdown', () => {
  it('gives headings, lists, tables, code and quotes without their marks', () => {
    const { title, blocks } = normalizeMarkdown(
      [
        '---\ntitle: From the front\n---',
        '# Main *heading*',
        'See [the **plan**](https://example.com) &amp; `a|b`.',
        '- first\n- [x] done\n  - nested',
        '| Ship | Seats |\n|---|---|\n| Curlew | 40 |',
        '```js\nconst a = 1;\n```',
        '> quoted words',
        '<div><p>from HTML</p></div>',
      ].join('\n\n'),
    );
    expect(title).to.equal('From the front');
    expect(told(blocks)).to.deep.equal([
      'paragraph: title: From the front',
      'heading1: Main heading',
      'paragraph: See the plan & a|b.',
      'list-item: first',
      'list-item: [x] done',
      'list-item: nested',
      'table-row: Ship | Seats',
      'table-row: Curlew | 40',
      'code: const a = 1;',
      'paragraph: quoted words',
      'paragraph: from HTML',
    ]);
    expect(blocks.find(({ text }) => text === 'Curlew | 40')?.tableHeader).to.equal('Ship | Seats');
  });

  for (const [name, text] of [
    ['thirty thousand opening marks in one paragraph', '*a '.repeat(30_000)],
    ['lists two thousand levels deep', Array.from({ length: 2_000 }, (_, at) => ' '.repeat(at * 2) + '- x').join('\n')],
    ['quotes twenty thousand levels deep', '>'.repeat(20_000) + ' x'],
  ] as const)
    it(`takes seconds for ${name}`, () => {
      expect(
        normalizeMarkdown(text)
          .blocks.map((block) => block.text)
          .join(''),
      ).to.match(/\w/);
    });
});

describe('CSV', () => {
  it('finds the delimiter and repeats the header with every row', () => {
    for (const delimiter of [',', ';', '\t', '|']) {
      const { blocks } = normalizeCsv(
        ['Ship', 'Home port', 'Seats'].join(delimiter) + '\n' + ['Curlew', '"A, B; C"', '40'].join(delimiter),
      );
      expect(told(blocks)).to.deep.equal(['table-row: Ship | Home port | Seats', 'table-row: Curlew | A, B; C | 40']);
      expect(blocks[1]!.tableHeader).to.equal('Ship | Home port | Seats');
    }
  });

  it('takes no header where the first record is data', () => {
    expect(normalizeCsv('1,2\n3,4').blocks.map(({ tableHeader }) => tableHeader)).to.deep.equal([undefined, undefined]);
  });

  it('joins lines within a quoted cell and reads on where quotes do not match', () => {
    expect(told(normalizeCsv('a,b\n"x\ny",z').blocks)[1]).to.equal('table-row: x y | z');
    expect(told(normalizeCsv('a,b\n"never closed,z\nc,d').blocks)).to.have.length(3);
  });
});

describe('JSON', () => {
  it('gives each value a line with its path', () => {
    const { title, blocks } = normalizeJson(
      JSON.stringify({
        title: 'Sensors',
        list: [
          { name: 'Bow', limits: [1, 2.5] },
          { name: 'Stern', on: true },
        ],
        none: null,
      }),
    );
    expect(title).to.equal('Sensors');
    expect(blocks.map(({ text }) => text)).to.deep.equal([
      'title: Sensors\nnone: null',
      'list[0].name: Bow\nlist[0].limits: 1, 2.5',
      'list[1].name: Stern\nlist[1].on: true',
    ]);
  });

  it('reads JSON Lines, and as text what is no JSON', () => {
    expect(normalizeJson('{"a":1}\n{"a":2}\n').blocks.map(({ text }) => text)).to.deep.equal(['[0].a: 1', '[1].a: 2']);
    expect(normalizeJson('{"a":1,}').blocks.map(({ text }) => text)).to.deep.equal(['{"a":1,}']);
  });

  it('survives nesting of ten thousand levels', () => {
    const deep = '['.repeat(10_000) + '"bottom"' + ']'.repeat(10_000);
    const text = normalizeJson(deep).blocks.at(-1)!.text;
    expect(text.endsWith(': bottom')).to.equal(true);
  });
});

describe('HTML', () => {
  it('gives headings, paragraphs, lists and code, and leaves scripts and navigation out', () => {
    const { title, blocks } = htmlBlocks(
      `<html><head><title>A page</title><style>p{}</style><script>var x = "<p>no</p>";</script></head><body>
      <nav><a>Home</a></nav><h2>Part <em>one</em></h2>bare words<p>One<br>two &eacute;</p><ul><li>first<ul><li>inner</li></ul></li></ul>
      <pre>a
  b</pre><div hidden>secret</div><noscript>on</noscript></body></html>`,
    );
    expect(title).to.equal('A page');
    expect(told(blocks)).to.deep.equal([
      'heading2: Part one',
      'paragraph: bare words',
      'paragraph: One\ntwo é',
      'list-item: first',
      'list-item: inner',
      'code: a\n  b',
    ]);
  });

  it('gives data tables as rows and layout tables as what is in them', () => {
    const data = htmlBlocks(
      '<table><tr><th>Ship</th><th>Crew</th></tr><tr><td>Curlew</td><td><p>Ann</p><ul><li>Bo</li></ul></td></tr></table>',
    );
    expect(told(data.blocks)).to.deep.equal(['table-row: Ship | Crew', 'table-row: Curlew | Ann Bo']);
    expect(data.blocks[1]!.tableHeader).to.equal('Ship | Crew');
    const layout = htmlBlocks('<table><tr><td>Menu</td><td><h1>Title</h1><p>Text</p></td></tr></table>');
    expect(told(layout.blocks)).to.deep.equal(['paragraph: Menu', 'heading1: Title', 'paragraph: Text']);
  });

  it('gives merged cells in all rows that they take, and a table within a cell in one line', () => {
    const { blocks } = htmlBlocks(
      `<table><caption>Fleet</caption><thead><tr><th>Deck<th>Ship<th colspan=2>Trips<tbody><tr><td rowspan=2>Upper<td>Curlew<td>4<td>5
      <tr><td>Heron<td colspan=2><table><tr><td>am<td>1<tr><td>pm<td>2</table></table>`,
    );
    expect(told(blocks)).to.deep.equal([
      'caption: Fleet',
      'table-row: Deck | Ship | Trips',
      'table-row: Upper | Curlew | 4 | 5',
      'table-row: Upper | Heron | am, 1; pm, 2',
    ]);
  });

  it('ends elements whose end tags are left out where a browser does', () => {
    expect(
      told(
        htmlBlocks('<p hidden>no<div>One</div><ul><li>Two<li hidden>no<li>Three</ul><dl><dt>Four<dd hidden>no<dt>Five')
          .blocks,
      ),
    ).to.deep.equal(['paragraph: One', 'list-item: Two', 'list-item: Three', 'paragraph: Four', 'paragraph: Five']);
    expect(told(htmlBlocks('<p>a</br>b<svg/>c<svg><path/><text>no</text></svg>d<div/>e').blocks)).to.deep.equal([
      'paragraph: a\nbcd',
      'paragraph: e',
    ]);
  });

  for (const [what, opened, closed] of [
    ['elements', '<div>', '</div>'],
    ['tables with text', 'x<table><tr><td>', '</table>'],
    ['elements without end tags', '<b><p>', ''],
    ['end tags without elements', '<div>', '</b>'],
  ] as const)
    it(`takes seconds for two hundred thousand ${what} in one another`, () => {
      expect(htmlBlocks(opened.repeat(200_000) + 'end' + closed.repeat(200_000)).blocks.at(-1)?.text).to.equal('end');
    });

  it('reads a page that is nothing but navigation', () => {
    expect(told(htmlBlocks('<nav>Only this</nav>').blocks)).to.deep.equal(['paragraph: Only this']);
  });

  it('takes the charset from the page if it fits', () => {
    const page = Buffer.from('<meta charset="iso-8859-1"><p>Größe</p>', 'latin1');
    expect(told(normalizeHtml(page).blocks)).to.deep.equal(['paragraph: Größe']);
  });

  it("reads Confluence's storage format without its markup", () => {
    const { blocks } = htmlBlocks(
      `<h1>Runbook</h1><ac:structured-macro ac:name="info"><ac:parameter ac:name="icon">true</ac:parameter>
      <ac:parameter ac:name="title">Mind the tide</ac:parameter><ac:rich-text-body><p>Low at <time datetime="2026-01-05" /></p></ac:rich-text-body></ac:structured-macro>
      <ac:structured-macro ac:name="code"><ac:parameter ac:name="language">sql</ac:parameter><ac:plain-text-body><![CDATA[select <1>
from t;]]></ac:plain-text-body></ac:structured-macro>
      <p>See <ac:link><ri:page ri:content-title="Dry dock" /></ac:link> and <ac:link><ri:page ri:content-title="X" /><ac:link-body>this</ac:link-body></ac:link>.</p>
      <ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status><ac:task-body>Check the ramp</ac:task-body></ac:task></ac:task-list>`,
    );
    expect(told(blocks)).to.deep.equal([
      'heading1: Runbook',
      'paragraph: Mind the tide',
      'paragraph: Low at 2026-01-05',
      'code: select <1>\nfrom t;',
      'paragraph: See Dry dock and this.',
      'list-item: ☑ Check the ramp',
    ]);
  });
});
