import type { Bench } from './bench.ts';
import { contendInTurn, installPeers } from './contend.ts';
import { benchTexts } from './files.ts';
import { median } from './measure.ts';

const ROUNDS = 5;
const TEXTS = 250;
const CONTENDERS = {
  Tributary: 'contenders/chunker.ts',
  'LangChain.js TokenTextSplitter': 'peers/chunker-langchain.mjs',
  'LlamaIndexTS SentenceSplitter': 'peers/chunker-llamaindex.mjs',
};

/** Text cut into chunks of at most 400 tokens, on one thread. */
export const chunker: Bench = {
  name: 'chunker',
  about: `${TEXTS} texts of 8,000 characters cut into chunks of at most 400 tokens, on one thread`,
  async run(say) {
    installPeers(say);
    const files = benchTexts(TEXTS);
    const megabytes = files.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1024 ** 2;
    const samples = await contendInTurn(CONTENDERS, { warmUp: files.slice(0, 5), files }, ROUNDS, say);
    const own = median(samples.Tributary!.map(({ cpuMs }) => cpuMs));
    return {
      columns: ['', 'MB per CPU second', 'Tributary is faster', 'in the first pass', 'longest stall', 'chunks'],
      rows: Object.entries(samples).map(([name, found]) => {
        const cpu = median(found.map(({ cpuMs }) => cpuMs));
        return [
          name,
          (megabytes / (cpu / 1000)).toFixed(2),
          `${(cpu / own).toFixed(1)} ×`,
          (megabytes / (median(found.map(({ firstCpuMs }) => firstCpuMs)) / 1000)).toFixed(2),
          `${median(found.map(({ longestStallMs }) => longestStallMs)).toFixed(0)} ms`,
          String(median(found.map(({ chunks }) => chunks))),
        ];
      }),
      samples,
    };
  },
};
