import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { ContentError, FORMATS } from '../../server/pipeline/normalized.ts';
import { realDocuments } from '../helpers/real-documents.ts';
import { damaged, damagedInside, numbersFrom, SAMPLES } from '../pipeline/damage.ts';
import { openTestPipeline, type TestPipeline } from '../pipeline/prepare-bytes.ts';

/** Damaged copies of each file. */
const CASES = process.env.PROOFS === 'all' ? 20 : 1;
const MOST_BYTES = process.env.PROOFS === 'all' ? 8 * 1_048_576 : 524_288;
/** What one file may take, of a parser's time. */
const LIMIT_MS = 20_000;
/** Beside the limit: the thread's end and the start of another one, on a machine that does other things too. */
const OVER_MS = 20_000;
/** Half a gigabyte for each of the two threads. */
const MOST_GROWTH = 2 * 512 * 1_048_576;

type Seed = { name: string; bytes: () => Buffer };

/** Real documents where they lie beside the project (most clones have none), and a small file of every format. */
const seeds = (): Seed[] => {
  const real = realDocuments();
  const small = FORMATS.map((format) => ({ name: `sample.${format}`, bytes: () => SAMPLES[format] }));
  if (!real) return small;
  const files = real.files.map(({ file }) => path.join(real.folder, file));
  return [
    ...small,
    ...files
      .filter((file) => statSync(file).size <= MOST_BYTES)
      .map((file) => ({ name: path.basename(file), bytes: () => readFileSync(file) })),
  ];
};

describe('damaged documents in the hub’s own parser threads', function () {
  this.timeout(3_600_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline({ workers: 2, timeoutMs: LIMIT_MS });
  });
  after(() => pipeline.close());

  it('are read or refused with a reason: none ends the process, holds a thread or leaves a file behind', async () => {
    const next = numbersFrom(20_269);
    const outcomes: Record<string, number> = {};
    const strange: string[] = [];
    const before = process.memoryUsage().rss;
    for (const { name, bytes } of seeds()) {
      const seed = bytes();
      const isPackage =
        seed.subarray(0, 2).toString('latin1') === 'PK' && FORMATS.some((format) => name.endsWith(`.${format}`));
      const cases = Array.from({ length: CASES }, (_, at) =>
        isPackage && (at + seed.length) % 2 === 0 ? inside(seed, next) : damaged(seed, next),
      );
      await Promise.all(
        cases.map(async (content, at) => {
          const started = performance.now();
          const outcome = await pipeline.read(name, content).then(
            () => 'read',
            (error: unknown) => {
              if (error instanceof ContentError && error.message.length > 20)
                return error.code === 'timeout' ? `timeout (${name})` : error.code;
              strange.push(`${name}, case ${at}: ${String(error)}`);
              return 'strange';
            },
          );
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          if (performance.now() - started > CASES * (LIMIT_MS + OVER_MS)) strange.push(`${name}, case ${at}: too long`);
        }),
      );
    }
    console.log(
      `      ${Object.entries(outcomes)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(', ')}`,
    );
    expect(strange).to.deep.equal([]);
    expect(Object.keys(outcomes)).to.include.members(['read', 'corrupt']);
    expect(pipeline.leftovers()).to.deep.equal([]);
    expect(process.memoryUsage().rss - before).to.be.below(MOST_GROWTH);
    // The threads that are left still work.
    expect((await pipeline.read('after.md', '# Fares\n\nTwo pounds.')).text).to.include('Two pounds.');
  });
});

/** A package that is damaged already is only damaged as a whole. */
function inside(seed: Buffer, next: (below: number) => number): Buffer {
  try {
    return damagedInside(seed, next);
  } catch {
    return damaged(seed, next);
  }
}
