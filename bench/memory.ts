import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Bench } from './bench.ts';
import { writeBigFiles, type BigFile } from './big-files.ts';
import { benchFolder } from './files.ts';
import { layouts, startLayout, type EndedImport, type Layout } from './hub/layout.ts';
import { buildHub } from './hub/processes.ts';
import { median, seconds } from './measure.ts';

const ROUNDS = { documents: 3, bigFiles: 1 };
const BIG_BYTES = 200 * 1024 ** 2;

type Round = { startMb: number; peakMb: number; cpuMs: number; importMs: number; counts: Record<string, number> };

/** The peak of what a process of the hub holds in memory while it imports: many documents, and twenty files of 200 MB. */
export const memory: Bench = {
  name: 'memory',
  about: 'peak memory of the process that imports: a folder of documents, and twenty files of 200 MB of all formats',
  async run(say) {
    buildHub(say);
    if (layouts.length === 1) say('A worker on Postgres was left out: TEST_DATABASE_URL names no server.');
    const bigFolder = await mkdtemp(path.join(os.tmpdir(), 'tributary-bench-'));
    try {
      say('writing 4 GB of files');
      const bigFiles = await writeBigFiles(bigFolder, BIG_BYTES);
      const works: [what: string, rounds: number, folder: string, check?: (ended: EndedImport) => void][] = [
        ['documents', ROUNDS.documents, benchFolder()],
        ['20 files of 200 MB', ROUNDS.bigFiles, bigFolder, (ended) => checkEnds(bigFiles, ended)],
      ];
      const samples: Record<string, Round[]> = {};
      for (const [what, rounds, folder, check] of works)
        for (let round = 1; round <= rounds; round += 1)
          for (const layout of layouts) {
            const found = await measure(layout, folder, check);
            (samples[`${what}, ${layout}`] ??= []).push(found);
            say(`${round} of ${rounds}, ${what}, ${layout}: ${found.peakMb.toFixed(0)} MB, ${seconds(found.importMs)}`);
          }
      return {
        columns: ['imported', 'before', 'peak', 'highest peak', 'CPU', 'time', 'indexed', 'skipped', 'failed'],
        rows: Object.entries(samples).map(([what, rounds]) => {
          const middle = (of: (one: Round) => number): number => median(rounds.map(of));
          const mb = (value: number): string => `${value.toFixed(0)} MB`;
          return [
            what,
            mb(middle(({ startMb }) => startMb)),
            mb(middle(({ peakMb }) => peakMb)),
            mb(Math.max(...rounds.map(({ peakMb }) => peakMb))),
            seconds(middle(({ cpuMs }) => cpuMs)),
            seconds(middle(({ importMs }) => importMs)),
            ...['indexed', 'skipped', 'failed'].map((state) => String(rounds.at(-1)?.counts[state] ?? 0)),
          ];
        }),
        samples,
      };
    } finally {
      await rm(bigFolder, { recursive: true });
    }
  },
};

async function measure(layout: Layout, folder: string, check?: (ended: EndedImport) => void): Promise<Round> {
  const hub = await startLayout(layout, folder);
  try {
    const before = await hub.worker.look();
    const start = performance.now();
    const ended = await hub.importEnded(await hub.beginImport());
    const importMs = performance.now() - start;
    const { peakMb, cpuMs } = await hub.worker.look();
    check?.(ended);
    return { startMb: before.peakMb, peakMb, cpuMs: cpuMs - before.cpuMs, importMs, counts: ended.counts };
  } finally {
    await hub.close();
  }
}

/** Every file must be in the ledger, with its text in the index or with the reason why not. */
function checkEnds(files: BigFile[], { items }: EndedImport): void {
  const wrong = files.flatMap(({ name, ends }) => {
    const item = items.find((each) => each.name === name);
    const found = item?.status === 'indexed' ? 'indexed' : item?.reasonCode;
    return found === ends
      ? []
      : [`${name}: ${found ?? item?.status ?? 'missing'} (${item?.reason ?? ''}), not ${ends}`];
  });
  if (wrong.length > 0) throw new Error(`Files of 200 MB ended otherwise than they must:\n${wrong.join('\n')}`);
}
