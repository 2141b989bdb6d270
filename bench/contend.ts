import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from './built.ts';

const here = fileURLToPath(new URL('./', import.meta.url));

/** What a contender's process says of its pass. */
export type Found = {
  documents: number;
  chunks: number;
  failed: number;
  wallMs: number;
  cpuMs: number;
  /** Of the pass before, in which code was still being compiled. */
  firstWallMs: number;
  firstCpuMs: number;
  peakMb: number;
  longestStallMs: number;
};

/** Name in the table → its program, below this folder, or what measures it otherwise. */
export type Contenders = Record<string, string | (() => Found)>;

/** Installs what the hub is measured beside, with exact versions, unless that was done before. It stays in bench/peers. */
export function installPeers(say: (line: string) => void): void {
  if (existsSync(path.join(here, 'peers/node_modules'))) return;
  say('installing the libraries that are measured beside (300 MB, once)');
  const { status } = spawnSync(
    'npm',
    [
      'install',
      '--prefix',
      path.join(here, 'peers'),
      '--no-audit',
      '--no-fund',
      '--legacy-peer-deps',
      '--no-package-lock',
    ],
    { stdio: 'ignore', shell: process.platform === 'win32' },
  );
  if (status !== 0)
    throw new Error(
      'The libraries that are measured beside could not be installed; see `npm install --prefix bench/peers`.',
    );
}

/** Lets every contender do the same work in a process of its own, in turn, so many rounds: what else the machine does hits all. */
export async function contendInTurn(
  contenders: Contenders,
  work: unknown,
  rounds: number,
  say: (line: string) => void,
): Promise<Record<string, Found[]>> {
  build(say);
  const samples: Record<string, Found[]> = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-bench-'));
  const workFile = path.join(folder, 'work.json');
  await writeFile(workFile, JSON.stringify(work));
  try {
    for (let round = 1; round <= rounds; round += 1)
      for (const [name, program] of Object.entries(contenders)) {
        const found = typeof program === 'string' ? await run(program, workFile) : program();
        samples[name]?.push(found);
        say(`${round} of ${rounds}, ${name}: ${(found.wallMs / 1000).toFixed(2)} s, ${found.failed} failed`);
      }
  } finally {
    await rm(folder, { recursive: true });
  }
  return samples;
}

async function run(program: string, workFile: string): Promise<Found> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', path.join(here, program), workFile],
    { maxBuffer: 64 * 1024 ** 2, env: { ...process.env, NODE_NO_WARNINGS: '1' } },
  );
  // Libraries print what they like; the last line is ours.
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Found;
}
