import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchTable } from './bench.ts';

const folder = fileURLToPath(new URL('./results/', import.meta.url));

/** What figures depend on. */
const machine = () => ({
  node: process.version,
  platform: `${os.platform()} ${os.arch()}`,
  processor: os.cpus()[0]?.model.trim() ?? 'unknown',
  processors: os.availableParallelism(),
  memoryGb: Math.round(os.totalmem() / 1024 ** 3),
  /** Of the last minute: above the number of processors, others were at work too. */
  load: Number((os.loadavg()[0] ?? 0).toFixed(1)),
});

/** The table as Markdown, in columns that stand below each other. */
export function toTable({ columns, rows }: Pick<BenchTable, 'columns' | 'rows'>): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: string[]): string => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Writes what was measured over the results of the last run. Gives the file's path. */
export function writeResults({ name, about }: Bench, table: BenchTable): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.json`);
  const results = { bench: name, about, at: new Date().toISOString(), machine: machine(), ...table };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return path.relative(process.cwd(), file);
}
