import type { Bench } from './bench.ts';
import { chunker } from './chunker.ts';
import { index } from './index.ts';
import { memory } from './memory.ts';
import { pages } from './pages.ts';
import { pdf } from './pdf.ts';
import { pipeline } from './pipeline.ts';
import { toTable, writeResults } from './report.ts';
import { resync } from './resync.ts';
import { stall } from './stall.ts';
import { users } from './users.ts';

/** In the order they run when none is named. */
const BENCHES: Bench[] = [pipeline, pdf, chunker, resync, index, pages, users, stall, memory];

async function main(names: string[]): Promise<void> {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(', ')}. These are there:`);
    for (const { name, about } of BENCHES) console.error(`  ${name}  ${about}`);
    process.exitCode = 2;
    return;
  }
  for (const bench of names.length > 0 ? BENCHES.filter(({ name }) => names.includes(name)) : BENCHES) {
    console.log(`\n${bench.name}: ${bench.about}\n`);
    const table = await bench.run((line) => console.error(`  ${line}`));
    console.log(`\n${toTable(table)}\n\nWritten to ${writeResults(bench, table)}`);
  }
}

await main(process.argv.slice(2));
