import { expect } from 'chai';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { writeBigFiles } from '../../bench/big-files.ts';
import { openTestPipeline, type TestPipeline } from './prepare-bytes.ts';

const MB = 1_048_576;

describe('Big files', function () {
  this.timeout(120_000);
  let folder: string;
  let pipeline: TestPipeline;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-big-'));
    pipeline = await openTestPipeline();
  });
  after(async () => {
    await pipeline.close();
    await rm(folder, { recursive: true });
  });
  const write = async (name: string, size: number): Promise<Buffer> => {
    await writeBigFiles(folder, size, [name]);
    return readFile(path.join(folder, name));
  };

  it('are read page by page where PDFium lets go of what it has read: every page has its text', async () => {
    const { chunks } = await pipeline.read('scans.pdf', await write('scanned with text.pdf', 48 * MB));
    const pages = new Set(chunks.map(({ page }) => page));
    expect([...pages].sort((a = 0, b = 0) => a - b)).to.deep.equal(Array.from({ length: 47 }, (_, at) => at + 1));
  });

  it('are refused for their text before they are held in memory', async () => {
    const refusal = await pipeline.refusal('novels.txt', await write('novels.txt', 51 * MB));
    expect(refusal).to.match(/^too_large: .*40 million characters/);
  });

  it('are not refused for bytes that are half as many characters', async () => {
    const text = 'Die Fähre kam. ';
    const bytes = Buffer.concat([
      Buffer.from('\ufeff', 'utf16le'),
      Buffer.from(text, 'utf16le'),
      Buffer.alloc(51 * MB, ' \0'),
    ]);
    expect((await pipeline.read('log.txt', bytes)).text).to.include('Die Fähre kam.');
  });

  it('in Rich Text Format are read in pieces: no word is lost or cut where one piece ends', async () => {
    const words = Array.from({ length: 60_000 }, (_, at) => `w${at}\u00fc`);
    const picture = `{\\pict\\bin300000 ${'}'.repeat(300_000)}}`;
    const source = `{\\rtf1\\ansi ${words.map((word) => `{\\b\\f1 ${word.replace('\u00fc', "\\'fc")}}`).join('\\par ')}${picture}\\par the end}`;
    const { text } = await pipeline.read('a.rtf', Buffer.from(source, 'latin1'));
    expect(text.split(/\s+/)).to.deep.equal([...words, 'the', 'end']);
  });
});
