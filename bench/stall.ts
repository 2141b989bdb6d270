import { setTimeout as sleep } from 'node:timers/promises';
import { paths } from '../server/paths.ts';
import type { Bench } from './bench.ts';
import { benchFolder } from './files.ts';
import { layouts, startLayout, type Layout, type RunningHub } from './hub/layout.ts';
import { buildHub } from './hub/processes.ts';
import { median, seconds } from './measure.ts';

const ROUNDS = 3;
/** Between two pages: a few people who look at the hub all the time. */
const PAUSE_MS = 50;
const QUERIES = ['harbour', 'annual report', 'privacy policy', 'Verordnung', 'energy 2024'];

type Round = {
  p99StallMs: number;
  longestStallMs: number;
  p99PageMs: number;
  pages: number;
  importMs: number;
  indexed: number;
};

/** How long pages wait for the event loop of the process that serves them, while everything is imported. */
export const stall: Bench = {
  name: 'stall',
  about: 'how long the event loop of the process that serves pages is held while a folder of documents is imported',
  async run(say) {
    buildHub(say);
    if (layouts.length === 1) say('Postgres was left out: TEST_DATABASE_URL names no server.');
    const samples: Partial<Record<Layout, Round[]>> = {};
    for (let round = 1; round <= ROUNDS; round += 1)
      for (const layout of layouts) {
        const found = await measure(layout);
        (samples[layout] ??= []).push(found);
        const { p99StallMs, longestStallMs, importMs } = found;
        say(
          `${round} of ${ROUNDS}, ${layout}: p99 ${p99StallMs.toFixed(0)} ms, longest ${longestStallMs.toFixed(0)} ms, import ${seconds(importMs)}`,
        );
      }
    const ms = (value: number): string => `${value.toFixed(0)} ms`;
    return {
      columns: [
        'layout',
        'stall, p99',
        'longest stall',
        'longest of all rounds',
        'page, p99',
        'pages',
        'import',
        'indexed',
      ],
      rows: Object.entries(samples).map(([layout, rounds]) => {
        const middle = (of: (one: Round) => number): number => median(rounds.map(of));
        return [
          layout,
          ms(middle(({ p99StallMs }) => p99StallMs)),
          ms(middle(({ longestStallMs }) => longestStallMs)),
          ms(Math.max(...rounds.map(({ longestStallMs }) => longestStallMs))),
          ms(middle(({ p99PageMs }) => p99PageMs)),
          String(middle(({ pages }) => pages)),
          seconds(middle(({ importMs }) => importMs)),
          String(middle(({ indexed }) => indexed)),
        ];
      }),
      samples,
    };
  },
};

async function measure(layout: Layout): Promise<Round> {
  const hub = await startLayout(layout, benchFolder());
  try {
    // Templates are compiled, and the drive is listed for the first time.
    for (const path of pagesOf(hub, undefined)) await hub.visitor.get(path);
    await hub.web.look();
    const start = performance.now();
    const id = await hub.beginImport();
    const over = new AbortController();
    const asking = askForPages(hub, id, over.signal);
    const { counts } = await hub.importEnded(id);
    const importMs = performance.now() - start;
    over.abort();
    const latencies = await asking;
    const { p99StallMs, longestStallMs } = await hub.web.look();
    const sorted = latencies.sort((a, b) => a - b);
    return {
      p99StallMs,
      longestStallMs,
      p99PageMs: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      pages: sorted.length,
      importMs,
      indexed: counts.indexed ?? 0,
    };
  } finally {
    await hub.close();
  }
}

/** Asks for one page after the other until the import is over; gives how long each took, in milliseconds. */
async function askForPages(hub: RunningHub, importId: string, over: AbortSignal): Promise<number[]> {
  const latencies: number[] = [];
  while (!over.aborted)
    for (const path of pagesOf(hub, importId)) {
      const start = performance.now();
      const { status } = await hub.visitor.get(path);
      if (status !== 200) throw new Error(`${path} answered ${status}`);
      latencies.push(performance.now() - start);
      await sleep(PAUSE_MS);
    }
  return latencies;
}

const pagesOf = ({ integrationId }: RunningHub, importId: string | undefined): string[] => [
  paths.browse({ integration: integrationId }),
  importId === undefined ? paths.imports : paths.import(importId),
  ...QUERIES.map((q) => paths.search({ q })),
  paths.documents(),
];
