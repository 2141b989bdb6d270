import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { normalize } from '../../server/pipeline/normalize/normalize.ts';
import { type ContentError, FORMATS } from '../../server/pipeline/normalized.ts';
import { damaged, damagedInside, numbersFrom, SAMPLES } from './damage.ts';

/** Cases of one format, and what one may take at most. A file of a kilobyte has no business near either limit. */
const CASES = 14;
const MAX_MS = 10_000;
const MAX_GROWTH = 300 * 1_048_576;

describe('Damaged files', function () {
  this.timeout(120_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-damaged-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [index, format] of FORMATS.entries())
    it(`of ${format} are read or refused with a reason, in bounded time and memory`, async () => {
      const sample = SAMPLES[format];
      const file = path.join(folder, `sample.${format}`);
      const read = async (bytes: Buffer): Promise<string> => {
        await writeFile(file, bytes);
        try {
          return (await normalize({ path: file, name: file, mediaType: '', sizeBytes: bytes.length })).format;
        } catch (error) {
          // Readers that are loaded when they are needed may have another copy of the class.
          const { name, code, stack } = error as ContentError;
          return name === 'ContentError' ? code : String(stack);
        }
      };
      expect(await read(sample)).to.equal(format);
      const next = numbersFrom(20_261 + index);
      const known = [...FORMATS, 'corrupt', 'no_text', 'unsupported', 'encrypted', 'too_large'];
      for (let at = 0; at < CASES; at++) {
        const isPackage = sample.subarray(0, 2).toString() === 'PK';
        const bytes = isPackage && at % 2 === 0 ? damagedInside(sample, next) : damaged(sample, next);
        const memory = process.memoryUsage().rss;
        const started = performance.now();
        const outcome = await read(bytes);
        expect(known, `${outcome} of case ${at}`).to.include(outcome);
        expect(performance.now() - started, `time of case ${at}`).to.be.below(MAX_MS);
        expect(process.memoryUsage().rss - memory, `memory of case ${at}`).to.be.below(MAX_GROWTH);
      }
    });
});
