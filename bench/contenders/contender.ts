import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Found } from '../contend.ts';

type Outcome = Pick<Found, 'documents' | 'chunks' | 'failed'>;

/** What the bench asks this process for. */
export const work = <T>(): { warmUp: T[]; files: T[] } =>
  JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { warmUp: T[]; files: T[] };

type Pass = Outcome & { wallMs: number; cpuMs: number };

/**
 * What every contender's process does: a pass over a few files, so that all code is loaded, then a first pass over all of them, in which code is
 * still being compiled, then the one that counts, as in a process that has been running for a while.
 */
export async function contend<T>(
  { warmUp, files }: { warmUp: T[]; files: T[] },
  readAll: (files: T[]) => Promise<Outcome>,
): Promise<void> {
  await readAll(warmUp);
  const first = await pass(() => readAll(files));
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  // The first tick sets its clock: what is measured begins after it.
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.reset();
  const second = await pass(() => readAll(files));
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  const found: Found = {
    ...second,
    firstWallMs: first.wallMs,
    firstCpuMs: first.cpuMs,
    peakMb: process.resourceUsage().maxRSS / 1024,
    longestStallMs: delay.max / 1e6,
  };
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

async function pass(readAll: () => Promise<Outcome>): Promise<Pass> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const outcome = await readAll();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { ...outcome, wallMs, cpuMs: (user + system) / 1000 };
}
