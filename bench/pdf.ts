import { execFileSync, spawnSync } from 'node:child_process';
import type { Bench } from './bench.ts';
import { contendInTurn, installPeers, type Found } from './contend.ts';
import { benchFiles, type BenchFile } from './files.ts';
import { median } from './measure.ts';

const ROUNDS = 5;
const CONTENDERS = {
  Tributary: 'contenders/pdf.ts',
  'pdf-parse 2': 'peers/pdf-parse.mjs',
  'pdfjs-dist': 'peers/pdfjs.mjs',
};
const NATIVE = 'pdftotext';

/** Text of PDF files by processor time, one file after the other, beside libraries in JavaScript and a native program. */
export const pdf: Bench = {
  name: 'pdf',
  about: 'text of PDF files, pages per second of a processor',
  async run(say) {
    installPeers(say);
    const files = benchFiles(['.pdf']);
    const hasNative = spawnSync(NATIVE, ['-v']).status === 0;
    if (!hasNative) say(`${NATIVE} and pdfinfo were left out: install poppler-utils to see them.`);
    const pages = countPages(files, hasNative);
    const contenders = hasNative ? { ...CONTENDERS, [NATIVE]: () => runNative(files) } : CONTENDERS;
    const samples = await contendInTurn(contenders, { warmUp: files.slice(0, 1), files }, ROUNDS, say);
    const perSecond = (cpuMs: number[]): number => pages / (median(cpuMs) / 1000);
    const rateOf = (found: Found[]): number => perSecond(found.map(({ cpuMs }) => cpuMs));
    const own = rateOf(samples.Tributary ?? []);
    return {
      columns: ['', 'pages per CPU second', 'Tributary reads', 'in the first pass', 'peak memory', 'could not read'],
      rows: Object.entries(samples).map(([name, found]) => [
        name,
        rateOf(found).toFixed(0),
        `${(own / rateOf(found)).toFixed(2)} ×`,
        perSecond(found.map(({ firstCpuMs }) => firstCpuMs)).toFixed(0),
        name === NATIVE ? '' : `${median(found.map(({ peakMb }) => peakMb)).toFixed(0)} MB`,
        `${median(found.map(({ failed }) => failed))} of ${files.length}`,
      ]),
      samples: { pages, ...samples },
    };
  },
};

/** Pages of all files; without a program that counts them, one each. */
function countPages(files: BenchFile[], hasNative: boolean): number {
  if (!hasNative) return files.length;
  return files.reduce((sum, { file }) => {
    const { stdout } = spawnSync('pdfinfo', [file], { encoding: 'utf8' });
    return sum + Number(/^Pages:\s+(\d+)/m.exec(stdout)?.[1] ?? 0);
  }, 0);
}

/** One process a file, as the program works; the shell tells the processor time of all of them. */
function runNative(files: BenchFile[]): Found {
  const script = 'n=0; for f in "$@"; do pdftotext "$f" - >/dev/null 2>&1 || n=$((n+1)); done; echo $n; times';
  const start = performance.now();
  const said = execFileSync('sh', ['-c', script, 'sh', ...files.map(({ file }) => file)], { encoding: 'utf8' });
  const [failed = '0', , children = ''] = said.trim().split('\n');
  const cpuMs = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, secs]) => sum + (Number(minutes) * 60 + Number(secs)) * 1000,
    0,
  );
  return {
    documents: files.length - Number(failed),
    chunks: 0,
    failed: Number(failed),
    wallMs: performance.now() - start,
    cpuMs,
    // A program of its own for each file: no pass is its first.
    firstWallMs: 0,
    firstCpuMs: cpuMs,
    peakMb: 0,
    longestStallMs: 0,
  };
}
