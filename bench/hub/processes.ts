import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Env } from '../../server/config.ts';
import { waitFor } from '../../test/helpers/wait.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PROBE = new URL('./probe.mjs', import.meta.url).href;

/** What a process of the hub saw since it was last asked; the peak of its memory is that of its whole life, threads included. */
export type Seen = { p99StallMs: number; longestStallMs: number; peakMb: number; cpuMs: number };

export type Process = {
  /** Asks the hub's process for what it saw. */
  look(): Promise<Seen>;
  /** Ends it and returns when it has ended. */
  stop(): Promise<void>;
};

/** Makes dist/ from the source, as `npm run build` does. */
export function buildHub(say: (line: string) => void): void {
  say('building the hub');
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('The hub could not be built.');
}

/** Starts the hub as `npm start` does, with these variables and none of ours. Errors: Error with what it printed when it ends early. */
export async function startHubProcess(env: Env): Promise<Process> {
  const { child, lines, hasEnded } = start(['--import', PROBE, 'dist/server/main.js'], {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    ...env,
  });
  try {
    await waitFor('the hub to be ready', () => {
      if (hasEnded()) throw new Error(`the hub ended before it was ready:\n${lines.join('\n')}`);
      return lines.some((line) => /^Tributary (worker )?is ready/.test(line));
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    async look() {
      const before = lines.length;
      child.kill('SIGUSR2');
      const line = await waitFor('the hub to tell what it saw', () => {
        if (hasEnded()) throw new Error(`the hub ended:\n${lines.slice(-20).join('\n')}`);
        return lines.slice(before).find((each) => each.startsWith('probe '));
      });
      return JSON.parse(line.slice('probe '.length)) as Seen;
    },
    stop: () => stop(child),
  };
}

/** Starts the stand-in of Google Drive, which serves a folder of files. Gives the variables that point the hub at it. */
export async function startVendor(filesDir: string): Promise<{ env: Env; stop(): Promise<void> }> {
  const { child, lines, hasEnded } = start(['--import', 'tsx', 'bench/hub/vendor.ts', filesDir], {});
  const line = await waitFor('the vendor to be ready', () => {
    if (hasEnded()) throw new Error('The stand-in of Google Drive did not start.');
    return lines.find((each) => each.startsWith('{'));
  });
  return { env: JSON.parse(line) as Env, stop: () => stop(child) };
}

function start(args: string[], env: Env): { child: ChildProcess; lines: string[]; hasEnded: () => boolean } {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH, HOME, TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let ended = false;
  child.once('exit', () => void (ended = true));
  return { child, lines, hasEnded: () => ended };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
