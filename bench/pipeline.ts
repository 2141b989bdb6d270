import type { Bench } from './bench.ts';
import { contendInTurn, installPeers } from './contend.ts';
import { benchFiles } from './files.ts';
import { median, percent } from './measure.ts';

const ROUNDS = 5;
const CONTENDERS = {
  Tributary: 'contenders/tributary.ts',
  'LangChain.js': 'peers/langchain.mjs',
  LlamaIndexTS: 'peers/llamaindex.mjs',
};

/** Reading, cutting and embedding the same documents with the same embedder, each at its defaults, in memory. */
export const pipeline: Bench = {
  name: 'pipeline',
  about: 'documents read, cut into chunks and embedded by the built-in embedder: PDF, DOCX, HTML and Markdown',
  async run(say) {
    installPeers(say);
    const files = benchFiles();
    const warmUp = ['.pdf', '.docx', '.html', '.md'].flatMap((extension) => {
      const [smallest] = files.filter((one) => one.extension === extension).sort((a, b) => a.sizeBytes - b.sizeBytes);
      return smallest ? [smallest] : [];
    });
    const samples = await contendInTurn(CONTENDERS, { warmUp, files }, ROUNDS, say);
    const own = median(samples.Tributary!.map(({ wallMs }) => wallMs));
    return {
      columns: [
        '',
        'documents/s',
        'Tributary is faster',
        'in the first pass',
        'CPU',
        'peak memory',
        'longest stall',
        'could not read',
        'chunks',
      ],
      rows: Object.entries(samples).map(([name, found]) => {
        const middle = (of: (one: (typeof found)[number]) => number): number => median(found.map(of));
        const wall = middle(({ wallMs }) => wallMs);
        return [
          name,
          (middle(({ documents }) => documents) / (wall / 1000)).toFixed(1),
          `${(wall / own).toFixed(1)} ×`,
          (middle(({ documents }) => documents) / (middle(({ firstWallMs }) => firstWallMs) / 1000)).toFixed(1),
          `${(middle(({ cpuMs }) => cpuMs) / 1000).toFixed(1)} s`,
          `${middle(({ peakMb }) => peakMb).toFixed(0)} MB`,
          `${middle(({ longestStallMs }) => longestStallMs).toFixed(0)} ms`,
          `${percent(middle(({ failed }) => failed) / files.length)} of ${files.length}`,
          String(middle(({ chunks }) => chunks)),
        ];
      }),
      samples,
    };
  },
};
