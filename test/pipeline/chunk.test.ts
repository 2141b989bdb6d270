import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { countTokens as countExactly } from 'gpt-tokenizer/encoding/o200k_base';
import { CHUNK_TOKENS, chunkDocument } from '../../server/pipeline/chunk.ts';
import type { Block } from '../../server/pipeline/normalized.ts';
import type { Chunk } from '../../server/pipeline/pipeline.ts';

const chunksOf = (blocks: Block[], title = 'Handbook'): Chunk[] => chunkDocument({ format: 'txt', blocks }, { title });
const heading = (level: number, text: string): Block => ({ kind: 'heading', level, text });
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const sentences = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, at) => `Sentence number ${from + at} tells of the ferry and its crew.`).join(' ');
const exactly = (text: string): number => countExactly(text, { disallowedSpecial: new Set() });

const WORDS =
  'ferry harbour crew island pier boat tide rope captain ticket morning evening fare seat bell lamp storm'.split(' ');

/** Numbers from 0 to below `below`, the same in every run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

/** What holds for every set of chunks. */
function expectSound(chunks: Chunk[]): void {
  for (const [at, chunk] of chunks.entries()) {
    expect(chunk.ordinal).to.equal(at);
    expect(chunk.text.trim()).to.not.equal('');
    expect(chunk.tokenCount).to.be.at.most(CHUNK_TOKENS);
    expect(exactly(chunk.embedText)).to.be.at.most(CHUNK_TOKENS);
    expect(chunk.embedText.endsWith(chunk.text)).to.equal(true);
    expect(chunk.textHash).to.equal(createHash('sha256').update(chunk.embedText).digest('hex'));
    expect(chunk.text).to.equal(Buffer.from(chunk.text).toString(), 'no half of a surrogate pair');
  }
}

describe('Chunking', function () {
  this.timeout(120_000);

  it('puts title and heading path before what is embedded, not into what is shown', () => {
    const [chunk] = chunksOf([heading(1, 'Safety'), heading(2, 'Fire'), paragraph('Leave by the stern.')]);
    expect(chunk).to.include({
      text: 'Leave by the stern.',
      embedText: 'Handbook › Safety › Fire\n\nLeave by the stern.',
    });
    expect(chunk!.headingPath).to.deep.equal(['Safety', 'Fire']);
  });

  it('never lets a chunk cross a heading, and leaves deeper headings behind', () => {
    const chunks = chunksOf([
      paragraph('Before.'),
      heading(1, 'One'),
      paragraph('First.'),
      heading(3, 'Deep'),
      paragraph('Second.'),
      heading(2, 'Less deep'),
      paragraph('Third.'),
      heading(1, 'Two'),
      paragraph('Fourth.'),
    ]);
    expect(chunks.map(({ text, headingPath }) => [text, ...headingPath])).to.deep.equal([
      ['Before.'],
      ['First.', 'One'],
      ['Second.', 'One', 'Deep'],
      ['Third.', 'One', 'Less deep'],
      ['Fourth.', 'Two'],
    ]);
  });

  it('makes a chunk of a heading that has nothing below it', () => {
    const chunks = chunksOf([heading(1, 'Plan'), heading(2, 'Empty'), heading(2, 'Full'), paragraph('Text.')]);
    expect(chunks.map(({ text, headingPath }) => [text, ...headingPath])).to.deep.equal([
      ['Empty', 'Plan'],
      ['Text.', 'Plan', 'Full'],
    ]);
  });

  it('keeps paragraphs whole where they fit, and repeats at most two sentences inside a section', () => {
    const blocks = [heading(1, 'A'), ...Array.from({ length: 12 }, (_, at) => paragraph(sentences(6, at * 6)))];
    const chunks = chunksOf([...blocks, heading(1, 'B'), paragraph('A new start.')]);
    expectSound(chunks);
    expect(chunks.length).to.be.greaterThan(2);
    for (const [at, chunk] of chunks.slice(1, -1).entries()) {
      const previous = chunks[at]!.text;
      const repeated = chunk.text.slice(0, chunk.text.indexOf('\n\n'));
      expect(previous.endsWith(repeated), `"${repeated}" ends the chunk before`).to.equal(true);
      expect(repeated.match(/\./g)!.length).to.be.at.most(2);
    }
    expect(chunks.at(-1)!.text).to.equal('A new start.');
    const text = chunks.map((chunk) => chunk.text).join('\n');
    for (let at = 0; at < 72; at++) expect(text).to.include(`Sentence number ${at} tells`);
  });

  it('divides a long paragraph at the ends of sentences', () => {
    const chunks = chunksOf([paragraph(sentences(200))]);
    expectSound(chunks);
    for (const { text } of chunks) expect(text).to.match(/^Sentence number .*\.$/s);
    expect(chunks.length).to.be.below(12);
  });

  it('divides Chinese and Japanese at their own sentence ends', () => {
    for (const sentence of [
      '渡轮每天早上九点从港口出发，乘客请提前三十分钟到达码头。',
      '船は毎朝九時に港を出ます。乗客は三十分前に集まってください。',
    ]) {
      const chunks = chunksOf([paragraph(sentence.repeat(150))]);
      expectSound(chunks);
      expect(chunks.length).to.be.greaterThan(4);
      for (const { text } of chunks) expect(text.endsWith('。')).to.equal(true);
    }
  });

  it('repeats the header where a table is divided, and never divides a row that fits', () => {
    const header = 'Ship | Route | Seats';
    const rows = Array.from({ length: 300 }, (_, at) => `Curlew ${at} | Harbour to Island ${at} | ${at * 3}`);
    const blocks = [header, ...rows].map((text): Block => ({ kind: 'table-row', text, tableHeader: header }));
    const chunks = chunksOf(blocks);
    expectSound(chunks);
    for (const { text } of chunks) expect(text.split('\n')[0]).to.equal(header);
    expect(chunks.flatMap(({ text }) => text.split('\n').slice(1))).to.deep.equal(rows);
  });

  it('names the columns when a row is too wide for one chunk', () => {
    const names = Array.from({ length: 400 }, (_, at) => `Column${at}`);
    const header = names.join(' | ');
    const row = names.map((_, at) => `value${at}`).join(' | ');
    const chunks = chunksOf([{ kind: 'table-row', text: row, tableHeader: header }]);
    expectSound(chunks);
    const text = chunks.map((chunk) => chunk.text).join('\n');
    for (const at of [0, 199, 399]) expect(text).to.include(`Column${at}: value${at}`);
  });

  it('keeps code whole where it fits and divides it between lines where not', () => {
    const code = (lines: number) => Array.from({ length: lines }, (_, at) => `  call(${at}); // step`).join('\n');
    const chunks = chunksOf([
      paragraph(sentences(15)),
      { kind: 'code', text: code(20) },
      { kind: 'code', text: code(200) },
    ]);
    expectSound(chunks);
    expect(chunks.some(({ text }) => text.includes(code(20)))).to.equal(true);
    for (const { text } of chunks.slice(2)) expect(text).to.match(/^\s*call\(.*step$/s);
  });

  it('carries the page of its first new block and joins cell ranges of a sheet', () => {
    const chunks = chunksOf([
      { kind: 'table-row', text: 'a | b', anchor: 'Data!A1:B1' },
      { kind: 'table-row', text: 'c | d | e', anchor: 'Data!A2:AC2' },
      { kind: 'table-row', text: 'f', anchor: 'Data!A3:A3' },
    ]);
    expect(chunks.map(({ anchor }) => anchor)).to.deep.equal(['Data!A1:AC3']);
    const paged = chunksOf([1, 2, 3].map((page) => ({ ...paragraph(sentences(30, page * 100)), page })));
    expectSound(paged);
    expect(paged[0]!.page).to.equal(1);
    expect(paged.at(-1)!.page).to.equal(3);
  });

  it('shortens titles and headings that would leave no room', () => {
    const long = '非常に長い見出し'.repeat(200);
    const chunks = chunksOf([heading(1, long), heading(2, long), paragraph(sentences(40))], '🚢'.repeat(500));
    expectSound(chunks);
    expect(chunks[0]!.text.length).to.be.greaterThan(800);
  });

  for (const seed of [1, 2, 3, 4, 5, 6])
    it(`leaves most chunks of a long section as they were when one place is edited (${seed})`, () => {
      const draw = numbersFrom(seed);
      const sentence = (): string =>
        `${Array.from({ length: 6 + draw(14) }, () => WORDS[draw(WORDS.length)]).join(' ')}.`;
      const some = (): Block => paragraph(Array.from({ length: 1 + draw(7) }, sentence).join(' '));
      const blocks = Array.from({ length: 200 }, some);
      const before = chunksOf([heading(1, 'Log'), ...blocks]);
      const known = new Set(before.map(({ textHash }) => textHash));
      const fresh = (edited: Block[]): Chunk[] => {
        const chunks = chunksOf([heading(1, 'Log'), ...edited]);
        expectSound(chunks);
        return chunks.filter(({ textHash }) => !known.has(textHash));
      };
      const middle = `${blocks[100]!.text} ${sentence()}`;
      expect(fresh(blocks.with(100, paragraph(middle))).length, 'a sentence in the middle').to.be.within(1, 4);
      expect(fresh([some(), ...blocks]).length, 'a paragraph in front').to.be.within(1, 4);
      const mean = before.reduce((sum, { tokenCount }) => sum + tokenCount, 0) / before.length;
      expect(mean, 'tokens of a chunk').to.be.above(0.7 * CHUNK_TOKENS);
    });

  it('takes special tokens for the text they are', () => {
    expectSound(chunksOf([paragraph('The model stops at <|endoftext|> and <|fim_prefix|>.')]));
  });

  for (const [name, text] of [
    ['one word of a million letters', 'A'.repeat(1_000_000)],
    ['half a million Chinese characters without a stop', '海'.repeat(250_000) + '船港'.repeat(125_000)],
    ['half a million emojis', '🚢⚓'.repeat(250_000)],
    ['a million letters of base64', Buffer.from(sentences(16_000)).toString('base64').slice(0, 1_000_000)],
    ['one sentence of a hundred thousand words', 'ferry '.repeat(100_000)],
    ['a paragraph of two megabytes', sentences(36_000)],
  ] as const)
    it(`takes seconds for ${name}`, function () {
      this.timeout(120_000);
      const chunks = chunksOf([paragraph(text)]);
      expect(chunks.length).to.be.greaterThan(100);
      for (const chunk of chunks) expect(chunk.tokenCount).to.be.at.most(CHUNK_TOKENS);
      expectSound(chunks.slice(0, 40));
    });

  it('takes seconds for a table of a hundred thousand rows', function () {
    this.timeout(120_000);
    const rows = Array.from({ length: 100_000 }, (_, at): Block => ({
      kind: 'table-row',
      text: `${at} | Island ${at} | ${at * 1.5}`,
      tableHeader: 'Number | Name | Fare',
    }));
    expect(chunksOf(rows).length).to.be.greaterThan(1_000);
  });
});
